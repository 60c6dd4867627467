import { ACCESS_CODES, parseAccessFormat } from "../../src/config/access-format.ts";
import { resolveConfig } from "../../src/config/load.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("access_format", () => {
  it("is text and codes; what is in braces may stand before the code or behind it", () => {
    expect(parseAccessFormat('%R "%m" 100%% %{mili}d %d{mili} %{Content-Type}o')).toEqual([
      { kind: "code", code: "R", argument: undefined },
      { kind: "text", text: ' "' },
      { kind: "code", code: "m", argument: undefined },
      { kind: "text", text: '" 100% ' },
      { kind: "code", code: "d", argument: "mili" },
      { kind: "text", text: " " },
      { kind: "code", code: "d", argument: "mili" },
      { kind: "text", text: " " },
      { kind: "code", code: "o", argument: "Content-Type" },
    ]);
  });

  it("knows every code of php-fpm's", () => {
    const codes =
      "%% %C %{user}C %{system}C %{total}C %d %{seconds}d %{milliseconds}d %{mili}d %{microseconds}d %{micro}d";
    const more =
      "%{VAR}e %f %l %m %M %{bytes}M %{kilobytes}M %{kilo}M %{megabytes}M %{mega}M %n %{H}o %p %P %q %Q %r %R %s";
    expect(parseAccessFormat(`${codes} ${more} %t %{%H:%M}t %T %{%s}T %u`)).toBeInstanceOf(Array);
  });

  it.each([
    ["%R %x", /unknown code %x at character 4/],
    ["%", /stands alone at character 1/],
    ["%m%", /stands alone at character 3/],
    ["%{hours}d", /%d takes no \{hours\} at character 1/],
    ["%e", /%e needs a name in braces at character 1/],
    ["%{}o", /%o needs a name/],
    ["%{x}m", /%m takes nothing in braces at character 1/],
    ["%{a}d{b}", /two pairs of braces/],
    ["%{%H:%Q}t", /%Q in %t at character 1 is no conversion/],
    ["a\nb", /control character at 2/],
  ])("%j is a mistake that says where", (format, message) => {
    expect(parseAccessFormat(format)).toMatchObject({ message: expect.stringMatching(message) });
  });

  it("describes each code", () => {
    for (const { doc } of Object.values(ACCESS_CODES)) expect(doc).not.toBe("");
  });
});

describe("options of logs", () => {
  const dirs = tempDirs();

  function resolved(supervisor: object, pool: object) {
    const dir = dirs();
    dir.write("root/a.ts", "");
    const written = { supervisor: { ...supervisor }, pools: { www: { listen: "./s", root: "root", ...pool } } };
    return { dir, ...resolveConfig(written, dir.path) };
  }

  it("take files relative to the folder of the configuration", () => {
    const { dir, config } = resolved({ log: "log/h.log" }, { access_log: "log/a.log" });
    expect(config.supervisor.log).toEqual({ kind: "file", path: `${dir.path}/log/h.log` });
    expect(config.pools[0]?.accessLog).toEqual({ kind: "file", path: `${dir.path}/log/a.log` });
  });

  it("write to standard error, and no access log, unless they say so", () => {
    const { config } = resolved({}, {});
    expect(config.supervisor.log).toEqual({ kind: "stderr" });
    expect(config.pools[0]).not.toHaveProperty("accessLog");
    expect(config.supervisor.logLimitBytes).toBe(16 * 1024);
  });

  it("tell what is wrong with a format, in its place", () => {
    expect(() => resolved({}, { access_format: "%R %x" })).toThrow(/pools\.www\.access_format.*unknown code %x/);
    expect(() => resolved({ log: "/dev/stderr" }, {})).toThrow(/supervisor\.log.*write "stderr"/);
  });
});
