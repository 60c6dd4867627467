// The units that `holdfast systemd` prints, and what systemd's own tools say about them.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveConfig } from "../../src/config/load.ts";
import { renderUnits, type UnitOptions } from "../../src/deploy/systemd.ts";
import { commandLine, literalValue } from "../../src/deploy/unit-file.ts";
import { launcher } from "../support/launch.ts";
import { skip } from "../support/skip.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const SYSTEM: UnitOptions = {
  layout: "supervisor",
  configFile: "/etc/holdfast/holdfast.toml",
  program: ["/usr/bin/node", "/usr/lib/holdfast/bin/holdfast.js"],
  systemdVersion: 252,
  notifiesAsItself: true,
};

describe("systemd's units", () => {
  const tempDir = tempDirs();
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir();
    mkdirSync(join(dir.path, "www"));
  });

  /** Name → text. */
  function units(
    pools: Readonly<Record<string, object>>,
    options: Partial<UnitOptions> = {},
    supervisor = {},
  ): Map<string, string> {
    const filled = Object.fromEntries(
      Object.entries(pools).map(([name, pool]) => [
        name,
        { listen: `/run/holdfast/${name}.sock`, root: "www", ...pool },
      ]),
    );
    const { config } = resolveConfig({ supervisor, pools: filled } as never, dir.path);
    return new Map(renderUnits(config, { ...SYSTEM, ...options }).map(({ name, text }) => [name, text]));
  }

  describe("for one supervisor", () => {
    it("are a service, and a socket for each pool whose address can be known", () => {
      const found = units({ www: {}, api: { listen: "127.0.0.1:9000" }, any: { listen: "127.0.0.1:0" } });
      expect([...found.keys()]).toEqual(["holdfast.service", "holdfast-www.socket", "holdfast-api.socket"]);
      expect(found.get("holdfast.service")).toMatch(/^Sockets=holdfast-www\.socket\nSockets=holdfast-api\.socket$/m);
    });

    it("give the socket to whom the pool's options say, under the pool's name", () => {
      const pool = { listen_owner: "www-data", listen_group: "web", listen_mode: "0600", listen_backlog: 99 };
      expect(units({ www: pool }).get("holdfast-www.socket")).toContain(
        [
          "[Socket]",
          "ListenStream=/run/holdfast/www.sock",
          "FileDescriptorName=www",
          "Service=holdfast.service",
          "Backlog=99",
          "SocketUser=www-data",
          "SocketGroup=web",
          "SocketMode=0600",
          "RemoveOnStop=yes",
        ].join("\n"),
      );
    });

    it("name the descriptor as a pool with systemd:NAME asks for it, at the path that Apache is told", () => {
      const socket = units({ www: { listen: "systemd:front", listen_group: "web" } }).get("holdfast-www.socket");
      expect(socket).toContain("ListenStream=/run/holdfast/www.sock\nFileDescriptorName=front\n");
      expect(socket).toContain("SocketGroup=web\nSocketMode=0660\n");
    });

    it("allow as much time as the slowest pool and the stop may take", () => {
      const service = units({ a: { boot_timeout: "5m" }, b: {} }).get("holdfast.service");
      expect(service).toContain("TimeoutStartSec=310s\nTimeoutStopSec=40s\n");
    });

    it.each([
      [252, ["Type=notify", "ExecReload=/usr/bin/node /usr/lib/holdfast/bin/holdfast.js reload -c"], ["RestartSteps"]],
      [253, ["Type=notify-reload"], ["ExecReload", "RestartSteps"]],
      [254, ["Type=notify-reload", "RestartSteps=5"], ["ExecReload"]],
    ])("use what systemd %d has", (systemdVersion, there, missing) => {
      const service = units({ www: {} }, { systemdVersion }).get("holdfast.service");
      for (const text of there) expect(service).toContain(text);
      for (const text of missing) expect(service).not.toContain(text);
    });

    it("let any process of the service speak for it only where Node cannot itself", () => {
      expect(units({ www: {} }).get("holdfast.service")).toContain("NotifyAccess=main\n");
      expect(units({ www: {} }, { notifiesAsItself: false }).get("holdfast.service")).toContain("NotifyAccess=all\n");
    });
  });

  describe("for a service of each pool", () => {
    const layout = { layout: "pool" } as const;

    it("are a service and a socket for each, with a control socket of its own", () => {
      const found = units({ www: {}, api: {} }, layout);
      expect([...found.keys()]).toEqual([
        "holdfast-www.service",
        "holdfast-www.socket",
        "holdfast-api.service",
        "holdfast-api.socket",
      ]);
      expect(found.get("holdfast-www.service")).toMatch(
        /^ExecStart=.* start -c \/etc\/holdfast\/holdfast\.toml --control \/run\/holdfast\/www\/control\.sock --pool www$/m,
      );
      expect(found.get("holdfast-www.socket")).toContain("Service=holdfast-www.service\n");
    });

    it("run as the pool's user, or as one that exists only for the service", () => {
      const found = units({ www: { user: "www-app", group: "web" }, api: {} }, layout);
      expect(found.get("holdfast-www.service")).toContain("User=www-app\nGroup=web\n");
      expect(found.get("holdfast-www.service")).not.toContain("DynamicUser");
      expect(found.get("holdfast-api.service")).toContain("DynamicUser=yes\n");
    });
  });

  it("leave homes and temporary folders open only for pools that live there", () => {
    const service = (listen: string) => units({ www: { listen } }).get("holdfast.service");
    // The root of these pools is in the temporary folder of this test.
    expect(service("/run/s")).toContain("ProtectHome=yes\n");
    expect(service("/run/s")).toContain("PrivateTmp=no\n");
    expect(service("/home/me/s")).toContain("ProtectHome=read-only\n");
  });

  it("let Holdfast write its logs and its control socket where the configuration has them", () => {
    const logs = { log: "/home/me/my logs/h.log", control: "/home/me/run/control.sock" };
    const www = { access_log: "/srv/www/log/access.log", user: "www-app" };
    const all = units({ www }, {}, logs).get("holdfast.service");
    expect(all).toContain("ProtectHome=read-only\n");
    expect(all).toContain('ReadWritePaths="-/home/me/my logs" -/home/me/run\n');
    // Here everything is read-only that is not named, and the control socket is elsewhere.
    const own = units({ www }, { layout: "pool" }, logs).get("holdfast-www.service");
    expect(own).toContain('ReadWritePaths="-/home/me/my logs" -/srv/www/log\n');
    const usual = { www: { access_log: "/var/log/holdfast/www.access.log" } };
    expect(units(usual).get("holdfast.service")).not.toContain("ReadWritePaths");
  });

  it("let a pool write its sessions where the configuration has them", () => {
    const www = { user: "www-app", session: { store: "file", path: "/srv/shop/sessions" } };
    const api = { user: "api", session: { store: "sqlite", path: "/home/api/s/sessions.db" } };
    const found = units({ www, api }, { layout: "pool" });
    expect(found.get("holdfast-www.service")).toContain("ReadWritePaths=-/srv/shop/sessions\n");
    expect(found.get("holdfast-api.service")).toContain("ReadWritePaths=-/home/api/s\n");
    expect(found.get("holdfast-api.service")).toContain("ProtectHome=read-only\n");
    const usual = { store: "file", path: "/var/lib/holdfast/www/sessions" };
    expect(units({ www: { session: usual } }, { layout: "pool" }).get("holdfast-www.service")).not.toContain(
      "ReadWritePaths",
    );
  });

  it.each([
    ["a b", '"a b"'],
    ["/usr/bin/node", "/usr/bin/node"],
    ["50%$x", "50%%$$x"],
    ['say "\\"', '"say \\"\\\\\\""'],
    ["é;", '"é;"'],
  ])("write the argument %s as %s", (text, written) => {
    expect(commandLine([text])).toBe(written);
  });

  it.each(["a\nExecStart=/bin/sh", " a", "a ", "a\\", "\u0000"])("refuse the path %j", (path) => {
    expect(() => literalValue(path)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });
});

const version = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8", timeout: 10_000 });
if (version.status !== 0) skip("systemd-analyze", "there is no systemd-analyze", () => it("reads the units", () => {}));
else {
  describe("systemd-analyze", () => {
    const tempDir = tempDirs();
    const launch = launcher();
    let dir: TempDir;

    /** Where installations live, so that nothing has to be left open for them. */
    const POOLS = `
[pools.www]
listen = "/run/holdfast/www.sock"
listen_group = "daemon"
user = "daemon"
root = "/usr/share"
[pools.shop]
listen = "systemd:shop"
root = "/usr/share"
[pools.api]
listen = "[::1]:9000"
root = "/usr/share"
`;

    beforeEach(() => {
      dir = tempDir();
      dir.write("holdfast.toml", POOLS);
    });

    async function write(layout: string): Promise<string> {
      const folder = join(dir.path, layout);
      const args = ["systemd", "-c", join(dir.path, "holdfast.toml"), "--layout", layout, "--write", folder];
      expect(await launch(args).finished).toMatchObject({ code: 0, stderr: "" });
      return folder;
    }

    const analyze = (...args: readonly string[]) =>
      spawnSync("systemd-analyze", args, { encoding: "utf8", timeout: 15_000 });

    it.each(["supervisor", "pool"])("verify has nothing to say about the layout %s", async (layout) => {
      const folder = await write(layout);
      const files = readdirSync(folder).map((name) => join(folder, name));
      const { status, stdout, stderr } = analyze("verify", ...files);
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
    });

    it.each([
      ["supervisor", "holdfast.service", 2.9],
      ["pool", "holdfast-www.service", 1.9],
      ["pool", "holdfast-shop.service", 1.9],
    ])("security: the layout %s exposes %s to at most %d", async (layout, name, most) => {
      const folder = await write(layout);
      const { stdout } = analyze("security", "--offline=true", "--no-pager", join(folder, name));
      const level = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1]);
      expect(level).toBeLessThanOrEqual(most);
    });

    it("reads what is printed without --write, each unit below the path that it is for", async () => {
      const { stdout } = await launch(["systemd", "-c", join(dir.path, "holdfast.toml"), "--pool", "www"]).finished;
      const folder = await write("supervisor");
      expect(stdout).toContain("# /etc/systemd/system/holdfast.service\n[Unit]\n");
      expect(stdout).toContain(
        `# /etc/systemd/system/holdfast-www.socket\n${readFileSync(join(folder, "holdfast-www.socket"), "utf8")}`,
      );
      expect(stdout).not.toContain("holdfast-shop");
    });
  });
}
