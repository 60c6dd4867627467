import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, symlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Fault } from "../../src/base/fault.ts";
import { findConfig, type Loaded, loadConfig, loadSupervisor, resolveConfig } from "../../src/config/load.ts";
import type { TempDir } from "../support/temp-dir.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { itAsRoot, unprivileged } from "../support/user.ts";

const tempDir = tempDirs();
let dir: TempDir;
beforeEach(() => {
  dir = tempDir();
  dir.write("www/index.ts", "export default () => new Response()");
  dir.write("app.ts", "export default () => new Response()");
});

const load = (toml: string): Loaded => loadConfig(dir.write("holdfast.toml", toml));

/** Every mistake of a file, without the folder of the test in its paths. */
function mistakesOf(toml: string, file = "holdfast.toml"): readonly string[] {
  try {
    loadConfig(dir.write(file, toml));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect(error.code).toBe("CONFIG");
    return error.message.replaceAll(`${dir.path}/`, "").split("\n").slice(1);
  }
  return [];
}

/** A pool that is right, with these lines in it from line 4 on. */
const pool = (lines: string): string => `[pools.www]\nlisten = "./www.sock"\nroot = "www"\n${lines}`;

describe("a configuration", () => {
  it("needs no more than a pool with an address and something to serve", () => {
    const { config, warnings, files } = load(pool(""));
    expect(warnings).toEqual([]);
    expect(files).toEqual([join(dir.path, "holdfast.toml")]);
    expect(config.supervisor).toEqual({
      control: "/run/holdfast/control.sock",
      stopTimeoutMs: 30_000,
      heartbeatTimeoutMs: 10_000,
      log: { kind: "stderr" },
      logLimitBytes: 16 * 1024,
      logFormat: "auto",
      logLevel: "info",
    });
    expect(config.pools).toHaveLength(1);
    expect(config.pools[0]).toMatchObject({
      name: "www",
      listen: { kind: "unix", path: join(dir.path, "www.sock") },
      listenMode: 0o660,
      listenBacklog: 4096,
      root: join(dir.path, "www"),
      concurrency: 64,
      memoryLimitBytes: 512 * 1024 * 1024,
      queue: { max: 128, timeoutMs: 45_000 },
      request: { timeoutMs: 60_000, graceMs: 2000, bodyLimitBytes: 64 * 1024 * 1024 },
      recycle: { maxRequests: 0, maxMemoryBytes: 0 },
    });
  });

  it("is plain data that crosses a process border unchanged", () => {
    const { config } = load(pool("[pools.www.env]\nNAME = 'value'"));
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it("takes every option of the contract with the outside", () => {
    const { config } = load(`
include = ["pool.d/*.toml"]
[supervisor]
control = "./control.sock"
stop_timeout = "30s"
log_format = "json"
[pools.www]
listen = "./www.sock"
listen_owner = "www-data"
listen_group = "www-data"
listen_mode = "0660"
listen_backlog = 4096
user = "www-app"
group = "www-app"
allow_root = false
app = "./app.ts"
kind = "auto"
processes = 1
threads = "auto"
concurrency = 64
isolation = "thread"
memory_limit = "512MiB"
clear_env = true
gateway = "holdfast"
watch = false
[pools.www.env]
DATABASE_URL = "postgres://localhost/"
[pools.www.queue]
max = 128
timeout = "45s"
[pools.www.request]
timeout = "60s"
grace = "2s"
body_limit = "64MiB"
[pools.www.recycle]
max_requests = 0
max_memory = 0
max_process_memory = 0
[pools.www.status]
ping_path = "/-/ping"
`);
    expect(config.pools[0]).toMatchObject({
      app: join(dir.path, "app.ts"),
      threads: { min: availableParallelism(), max: availableParallelism(), idleTimeoutMs: 0 },
      env: { DATABASE_URL: "postgres://localhost/" },
      status: { pingPath: "/-/ping" },
    });
  });

  describe("reads", () => {
    it.each([
      ['"500ms"', 500],
      ['"45s"', 45_000],
      ['"2m"', 120_000],
      ['"1h"', 3_600_000],
      ['"10 s"', 10_000],
    ])("a duration of %s", (written, ms) => {
      expect(load(pool(`[pools.www.queue]\ntimeout = ${written}`)).config.pools[0]?.queue.timeoutMs).toBe(ms);
    });

    it.each([
      ['"64MiB"', 67_108_864],
      ['"512KiB"', 524_288],
      ['"1GiB"', 1_073_741_824],
      ['"100B"', 100],
      ["65536", 65_536],
      ["0", 0],
    ])("a size of %s", (written, bytes) => {
      expect(load(pool(`[pools.www.request]\nbody_limit = ${written}`)).config.pools[0]?.request.bodyLimitBytes).toBe(
        bytes,
      );
    });

    it.each([
      ["/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
      ["unix:/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
      ["127.0.0.1:9000", { kind: "tcp", host: "127.0.0.1", port: 9000 }],
      ["localhost:9000", { kind: "tcp", host: "127.0.0.1", port: 9000 }],
      ["[::1]:9000", { kind: "tcp", host: "::1", port: 9000 }],
      ["systemd:www", { kind: "systemd", name: "www" }],
    ])("the address %s", (listen, expected) => {
      const { config } = resolveConfig({ pools: { www: { listen, root: "www" } } }, dir.path);
      expect(config.pools[0]?.listen).toEqual(expected);
    });

    it.each([
      ["", ""],
      ["/", ""],
      ["/shop", "/shop"],
      ["/shop/", "/shop"],
    ])("the mount %j as %j", (mount, expected) => {
      const { config } = resolveConfig({ pools: { www: { listen: "./s", root: "www", mount } } }, dir.path);
      expect(config.pools[0]?.mount).toBe(expected);
    });

    it.each([
      ["3", { min: 3, max: 3, idleTimeoutMs: 0 }],
      ["{}", { min: 1, max: Math.max(1, availableParallelism()), idleTimeoutMs: expect.any(Number) }],
      ["{ min = 0, max = 4 }", { min: 0, max: 4, idleTimeoutMs: 60_000 }],
      ['{ min = 200, max = "auto" }', { min: 200, max: 200, idleTimeoutMs: 0 }],
      ['{ min = 1, max = 2, idle_timeout = "5s" }', { min: 1, max: 2, idleTimeoutMs: 5000 }],
    ])("threads = %s", (written, threads) => {
      expect(load(pool(`threads = ${written}`)).config.pools[0]?.threads).toEqual(threads);
    });

    it("a rule that is off as 0, without a unit", () => {
      const recycle = load(pool("recycle.max_age = 0\nrecycle.max_requests = 5")).config.pools[0]?.recycle;
      expect(recycle).toMatchObject({ maxAgeMs: 0, maxRequests: 5, jitter: 0.1 });
    });

    it("the working folder: where the app is, unless it is named", () => {
      const chdirOf = (lines: string): string | undefined =>
        load(`[pools.www]\nlisten = "./s"\n${lines}`).config.pools[0]?.chdir?.replace(dir.path, "");
      expect(chdirOf('root = "www"')).toBe("/www");
      expect(chdirOf('app = "www/index.ts"')).toBe("/www");
      expect(chdirOf('app = "www/index.ts"\nchdir = "."')).toBe("");
    });

    it("a mode as octal digits", () => {
      expect(load(pool('listen_mode = "666"')).config.pools[0]?.listenMode).toBe(0o666);
    });

    it("names of environment variables that plain objects inherit as what they are", () => {
      const { config } = load(pool('[pools.www.env]\nconstructor = "mine"'));
      expect(Object.entries(config.pools[0]?.env ?? {})).toEqual([["constructor", "mine"]]);
    });
  });

  describe("reports, with file, line and hint,", () => {
    it.each<[string, string, string]>([
      [
        "an unknown option",
        'knid = "auto"',
        "holdfast.toml:4: pools.www.knid: there is no such option (did you mean kind?)",
      ],
      [
        "an unknown option of a table",
        "[pools.www.queue]\nmaximum = 3",
        "holdfast.toml:5: pools.www.queue.maximum: there is no such option",
      ],
      [
        "an unknown table",
        "[pools.www.que]\nmax = 1",
        "holdfast.toml:4: pools.www.que: there is no such option (did you mean queue?)",
      ],
      ["a value where a table belongs", "queue = 3", "holdfast.toml:4: pools.www.queue: expected a table"],
      [
        "a number in quotes",
        'processes = "2"',
        "holdfast.toml:4: pools.www.processes: expected a whole number, without quotes",
      ],
      [
        "a fraction",
        "processes = 1.5",
        "holdfast.toml:4: pools.www.processes: expected a whole number, without quotes",
      ],
      ["a number below its bound", "processes = 0", "holdfast.toml:4: pools.www.processes: must be at least 1"],
      [
        "a number above its bound",
        "listen_backlog = 70000",
        "holdfast.toml:4: pools.www.listen_backlog: must be at most 65535",
      ],
      [
        "threads that are neither",
        'threads = "many"',
        'holdfast.toml:4: pools.www.threads: expected "auto", a whole number from 1 to 256, or a table such as { min = 1, max = 8 }',
      ],
      [
        "threads with fewer at most than at least",
        "threads = { min = 3, max = 2 }",
        "holdfast.toml:4: pools.www.threads: min is 3 and max is 2 (min must not be above max)",
      ],
      [
        "a mistake inside of threads",
        'threads = { min = 1, idle_timeout = "soon" }',
        'holdfast.toml:4: pools.www.threads.idle_timeout: "soon" is not a duration (write "500ms", "30s", "2m" or "1h")',
      ],
      [
        "a name inside of threads that is none",
        "threads = { minimum = 1 }",
        "holdfast.toml:4: pools.www.threads.minimum: there is no such option",
      ],
      [
        "a share of more than all",
        "recycle.jitter = 1.5",
        "holdfast.toml:4: pools.www.recycle.jitter: must be at most 1",
      ],
      [
        "a duration without a unit",
        "recycle.max_age = 60",
        'holdfast.toml:4: pools.www.recycle.max_age: expected a duration such as "30s", "500ms" or "2m"',
      ],
      [
        "text where true or false belongs",
        'watch = "yes"',
        "holdfast.toml:4: pools.www.watch: expected true or false, without quotes",
      ],
      ["no text", 'user = ""', "holdfast.toml:4: pools.www.user: is empty"],
      [
        "a user id that 32 bits would turn into root's",
        'user = "4294967296"',
        "holdfast.toml:4: pools.www.user: a number must be at most 4294967294",
      ],
      [
        "a group id that means no change",
        'user = "1"\ngroups = ["2", "4294967295"]',
        "holdfast.toml:5: pools.www.groups[1]: a number must be at most 4294967294",
      ],
      [
        "a user name that would end a field of the user database",
        'listen_owner = "a:b"',
        "holdfast.toml:4: pools.www.listen_owner: a name holds no colon, line break or NUL",
      ],
      [
        "supplementary groups without a user",
        "groups = []",
        "holdfast.toml:4: pools.www.groups: has no effect without user (set user too)",
      ],
      [
        "a umask as a number",
        "umask = 0o027",
        'holdfast.toml:4: pools.www.umask: expected an octal mode in quotes, such as "0660"',
      ],
      [
        "a working folder that is not there",
        'chdir = "wwv"',
        "holdfast.toml:4: pools.www.chdir: there is no wwv (make it, or name another)",
      ],
      [
        "a mistyped choice",
        'gateway = "node-fastgci"',
        'holdfast.toml:4: pools.www.gateway: must be one of "holdfast", "node-fastcgi" (did you mean "node-fastcgi"?)',
      ],
      [
        "a duration without a unit",
        'boot_timeout = "30"',
        'holdfast.toml:4: pools.www.boot_timeout: "30" is not a duration (write "500ms", "30s", "2m" or "1h")',
      ],
      [
        "a duration as a number",
        "boot_timeout = 30",
        'holdfast.toml:4: pools.www.boot_timeout: expected a duration such as "30s", "500ms" or "2m"',
      ],
      [
        "a duration of nothing",
        'boot_timeout = "0s"',
        'holdfast.toml:4: pools.www.boot_timeout: must be at least "1ms"',
      ],
      [
        "a duration beyond its bound",
        'boot_timeout = "25h"',
        'holdfast.toml:4: pools.www.boot_timeout: must be at most "24h"',
      ],
      [
        "a size in another unit",
        'memory_limit = "512MB"',
        'holdfast.toml:4: pools.www.memory_limit: "512MB" is not a size (write "512KiB", "64MiB" or "1GiB")',
      ],
      [
        "a size below its bound",
        'memory_limit = "1MiB"',
        'holdfast.toml:4: pools.www.memory_limit: must be at least "16MiB"',
      ],
      [
        "a mode as a number",
        "listen_mode = 0o660",
        'holdfast.toml:4: pools.www.listen_mode: expected an octal mode in quotes, such as "0660"',
      ],
      [
        "a mode that is not octal",
        'listen_mode = "0680"',
        'holdfast.toml:4: pools.www.listen_mode: "0680" is not an octal mode (write three octal digits, such as "0660")',
      ],
      [
        "a mount without its slash",
        'mount = "shop"',
        'holdfast.toml:4: pools.www.mount: "shop" is no path (begin with a slash: "/shop")',
      ],
      [
        "a status path with a query",
        '[pools.www.status]\nping_path = "/ping?x"',
        'holdfast.toml:5: pools.www.status.ping_path: must begin with "/" and hold no "?", "#" or space',
      ],
      [
        "an environment variable that is no text",
        "[pools.www.env]\nPORT = 80",
        "holdfast.toml:5: pools.www.env.PORT: expected text in quotes: an environment holds only text",
      ],
      [
        "a bad name for an environment variable",
        '[pools.www.env]\n"A B" = "x"',
        'holdfast.toml:4: pools.www.env: "A B" is no name for a variable (letters, digits and _; no digit first)',
      ],
      [
        "root and app together",
        'app = "app.ts"',
        "holdfast.toml:4: pools.www.app: root is set too (remove one of the two)",
      ],
      [
        "a group without its user",
        'group = "www"',
        "holdfast.toml:4: pools.www.group: has no effect without user (set user too)",
      ],
      [
        "pages that reload themselves, with processes that know nothing of each other",
        "live_reload = true\nprocesses = 2",
        "holdfast.toml:4: pools.www.live_reload: needs processes = 1: each process would take the others' pages for old ones",
      ],
      [
        "allowed clients of a unix socket",
        'allowed_clients = ["::1"]',
        "holdfast.toml:4: pools.www.allowed_clients: has no effect on a unix socket (use listen_owner, listen_group, listen_mode)",
      ],
    ])("%s", (_, lines, expected) => {
      expect(mistakesOf(pool(lines))).toEqual([expected]);
    });

    it.each<[string, string, string]>([
      [
        "a pool without an address",
        'root = "www"',
        'holdfast.toml:1: pools.www.listen: is missing (such as "/run/holdfast/www.sock")',
      ],
      [
        "a pool with nothing to serve",
        'listen = "./s"',
        "holdfast.toml:1: pools.www: has neither root nor app (root is a folder of handlers, app is one module)",
      ],
      [
        "a root that does not exist",
        'listen = "./s"\nroot = "wwv"',
        "holdfast.toml:3: pools.www.root: there is no wwv (make it, or name another)",
      ],
      [
        "a root that is a file",
        'listen = "./s"\nroot = "app.ts"',
        "holdfast.toml:3: pools.www.root: app.ts is not a folder (use app for one module)",
      ],
      [
        "an app that is a folder",
        'listen = "./s"\napp = "www"',
        "holdfast.toml:3: pools.www.app: www is not a file (use root for a folder)",
      ],
      [
        "an address without a slash or a colon",
        'listen = "www.sock"\nroot = "www"',
        'holdfast.toml:2: pools.www.listen: "www.sock" is no address (write "/run/name.sock", "./name.sock" or "127.0.0.1:9000")',
      ],
      [
        "a host by name",
        'listen = "example.org:9000"\nroot = "www"',
        'holdfast.toml:2: pools.www.listen: "example.org" is no IP address (write it as "127.0.0.1:9000" or "[::1]:9000")',
      ],
      [
        "a port out of range",
        'listen = "127.0.0.1:65536"\nroot = "www"',
        "holdfast.toml:2: pools.www.listen: port 65536 is out of range (0 to 65535; 0 takes any free port)",
      ],
      [
        "the mode of a TCP socket",
        'listen = "127.0.0.1:0"\nroot = "www"\nlisten_mode = "0660"',
        "holdfast.toml:4: pools.www.listen_mode: has no effect without a unix socket",
      ],
      [
        "an allowed client that is no address",
        'listen = "127.0.0.1:0"\nroot = "www"\nallowed_clients = [\n"10.0.0.0/8",\n"10.0.0.0/33"]',
        'holdfast.toml:6: pools.www.allowed_clients[1]: "10.0.0.0/33" is no IP address (write "10.0.0.7", "10.0.0.0/8" or "::1")',
      ],
    ])("%s", (_, lines, expected) => {
      expect(mistakesOf(`[pools.www]\n${lines}`)).toEqual([expected]);
    });

    it("the path of a socket that Apache's 96 bytes do not hold", () => {
      const path = `/run/${"é".repeat(45)}`;
      expect(Buffer.byteLength(path)).toBe(95);
      const listen = (suffix: string): string => `[pools.www]\nlisten = "${path}${suffix}"\nroot = "www"`;
      expect(mistakesOf(listen(""))).toEqual([]);
      expect(mistakesOf(listen("x"))).toEqual([
        "holdfast.toml:2: pools.www.listen: the path of a socket holds at most 95 bytes; this has 96",
      ]);
    });

    it("two pools with the same address, however it is written", () => {
      const second = `[pools.api]\nlisten = "${dir.path}/../${dir.path.split("/").at(-1)}/www.sock"\nroot = "www"`;
      expect(mistakesOf(`${pool("")}${second}`)).toEqual([
        "holdfast.toml:5: pools.api.listen: pools.www.listen has the same address www.sock",
      ]);
    });

    it("a pool on the control socket", () => {
      expect(mistakesOf(`[supervisor]\ncontrol = "./www.sock"\n${pool("")}`)).toEqual([
        "holdfast.toml:4: pools.www.listen: supervisor.control has the same address www.sock",
      ]);
    });

    it("several pools that take any free port as no mistake", () => {
      const any = (name: string): string => `[pools.${name}]\nlisten = "127.0.0.1:0"\nroot = "www"\n`;
      expect(mistakesOf(any("a") + any("b"))).toEqual([]);
    });

    it.each(["a b", "-x", "é", "a".repeat(33), ""])("the pool name %j", (name) => {
      expect(mistakesOf(`[pools.${JSON.stringify(name)}]\nlisten = "./s"\nroot = "www"`)).toEqual([
        expect.stringContaining("is no name for a pool"),
      ]);
    });

    it("that there is no pool", () => {
      expect(mistakesOf("")).toEqual(["holdfast.toml: there is no pool (add a table such as [pools.www])"]);
    });

    it("an unknown table at the top", () => {
      expect(mistakesOf(`[supervisr]\n${pool("")}`)).toEqual([
        "holdfast.toml:1: supervisr: there is no such option (did you mean supervisor?)",
      ]);
    });

    it("what is not TOML", () => {
      expect(mistakesOf("a = 1\n[b\n")).toEqual([expect.stringMatching(/^holdfast\.toml:2: is not TOML: /)]);
      expect(mistakesOf("a = 1\na = 2\n")).toEqual([
        expect.stringMatching(/^holdfast\.toml:2: is not TOML: .*redefine/),
      ]);
    });

    it("a name that would reach the prototype of an object", () => {
      expect(mistakesOf(pool('[pools.www.env]\n__proto__ = "x"'))).toEqual([
        'holdfast.toml: "__proto__" cannot be used as a name',
      ]);
    });

    it("every mistake of every file at once, in the order of the lines", () => {
      dir.write("pool.d/b.toml", '[pools.b]\nlisten = "./b.sock"\napp = "gone.ts"\n');
      dir.write("pool.d/a.toml", "[pools.a]\nthreads = 0\n[supervisor]\n");
      expect(
        mistakesOf(
          `include = ["pool.d/*.toml"]\n[supervisor]\nlog_level = "loud"\n${pool("queue.max = -1\nwatch = 1")}`,
        ),
      ).toEqual([
        'holdfast.toml:3: supervisor.log_level: must be one of "error", "warn", "info", "debug"',
        "holdfast.toml:7: pools.www.queue.max: must be at least 0",
        "holdfast.toml:8: pools.www.watch: expected true or false, without quotes",
        'pool.d/a.toml:1: pools.a.listen: is missing (such as "/run/holdfast/www.sock")',
        "pool.d/a.toml:1: pools.a: has neither root nor app (root is a folder of handlers, app is one module)",
        "pool.d/a.toml:2: pools.a.threads: must be at least 1",
        "pool.d/a.toml:3: supervisor: belongs into the main file only",
        "pool.d/b.toml:3: pools.b.app: there is no pool.d/gone.ts (make it, or name another)",
      ]);
    });

    itAsRoot("a file that anyone may write, when root starts Holdfast", () => {
      chmodSync(dir.write("holdfast.toml", pool("")), 0o666);
      expect(mistakesOf(pool(""))).toEqual(["holdfast.toml: anyone may write this file (chmod o-w it)"]);
    });
  });

  describe("warns, and goes on, about", () => {
    itAsRoot("a file that others than root may change, when root starts Holdfast", () => {
      const main = dir.write("holdfast.toml", `include = ["more.toml"]\n${pool("")}`);
      const more = dir.write("more.toml", "");
      chownSync(main, 4711, 0);
      chmodSync(main, 0o664);
      chownSync(more, 0, 4712);
      chmodSync(more, 0o664);
      expect(loadConfig(main).warnings.map((text) => text.replace(`${dir.path}/`, ""))).toEqual([
        "holdfast.toml: can be changed by user 4711 (they can thereby run anything as root: give the file to root)",
        "more.toml: can be changed by group 4712 (they can thereby run anything as root: give the file to root)",
      ]);
    });

    it("a TCP address that other machines reach and nobody is kept from", () => {
      const tcp = (listen: string, more = ""): readonly string[] =>
        load(`[pools.www]\nlisten = "${listen}"\nroot = "www"\n${more}`).warnings;
      const warning = expect.stringMatching(/:2: pools.www.listen: whoever reaches this port .*allowed_clients/);
      for (const open of ["0.0.0.0:9000", "[::]:9000", "192.0.2.1:9000"]) expect(tcp(open)).toEqual([warning]);
      expect(tcp("0.0.0.0:9000", 'allowed_clients = ["192.0.2.7"]')).toEqual([]);
      for (const closed of ["127.0.0.2:9000", "[::1]:9000"]) expect(tcp(closed)).toEqual([]);
    });

    it.each<[string, string]>([
      ['queue.timeout = "2m"', "pools.www.queue.timeout: a request may wait longer than it may run (request.timeout)"],
      ['request.grace = "2m"', "pools.www.request.grace: is longer than request.timeout"],
    ])("%s", (line, warning) => {
      const { warnings } = load(pool(line));
      expect(warnings.map((text) => text.replace(`${dir.path}/`, ""))).toEqual([`holdfast.toml:4: ${warning}`]);
    });

    it("options of root beside app", () => {
      const { warnings } = load('[pools.www]\nlisten = "./s"\napp = "app.ts"\nstatic = true');
      expect(warnings).toEqual([expect.stringMatching(/:4: pools.www.static: has no effect without root/)]);
    });
  });

  describe("with include", () => {
    it("takes pools from other files, with paths relative to those", () => {
      dir.write("pool.d/b.toml", '[pools.b]\nlisten = "./b.sock"\napp = "../app.ts"\n');
      dir.write("pool.d/a.toml", '[pools.a]\nlisten = "./a.sock"\nroot = "../www"\n');
      dir.write("pool.d/.hidden.toml", "no TOML");
      dir.write("pool.d/a.toml.bak", "no TOML");
      const { config, files } = load(`include = ["pool.d/*.toml"]\n${pool("")}`);
      expect(config.pools.map(({ name }) => name)).toEqual(["www", "a", "b"]);
      expect(config.pools[2]).toMatchObject({
        listen: { kind: "unix", path: join(dir.path, "pool.d/b.sock") },
        app: join(dir.path, "app.ts"),
      });
      expect(files.map((file) => file.replace(`${dir.path}/`, ""))).toEqual([
        "holdfast.toml",
        "pool.d/a.toml",
        "pool.d/b.toml",
      ]);
    });

    it("finds nothing wrong in a pattern that nothing matches, but in a file that is missing", () => {
      expect(mistakesOf(`include = ["pool.d/*.toml"]\n${pool("")}`)).toEqual([]);
      expect(mistakesOf(`# more\ninclude = ["pool.d/*.toml", "more.toml"]\n${pool("")}`)).toEqual([
        "holdfast.toml:2: include[1]: there is no more.toml",
      ]);
    });

    it("reads a file once, however many patterns and links lead to it, and never itself", () => {
      dir.write("pool.d/a.toml", '[pools.a]\nlisten = "./a.sock"\nroot = "../www"\n');
      symlinkSync("a.toml", join(dir.path, "pool.d/again.toml"));
      symlinkSync("../holdfast.toml", join(dir.path, "pool.d/main.toml"));
      const { config } = load(`include = ["*.toml", "pool.d/*.toml", "pool.d/a.toml"]\n${pool("")}`);
      expect(config.pools.map(({ name }) => name)).toEqual(["www", "a"]);
    });

    it("refuses a circle: an included file includes nothing", () => {
      dir.write("pool.d/a.toml", '[pools.a]\nlisten = "./a.sock"\nroot = "../www"\n');
      dir.write("pool.d/b.toml", '\ninclude = ["a.toml"]\n[pools.b]\nlisten = "./b.sock"\nroot = "../www"\n');
      expect(mistakesOf(`include = ["pool.d/*.toml"]\n${pool("")}`)).toEqual([
        "pool.d/b.toml:2: include: belongs into the main file only",
      ]);
    });

    it("names a file that it may not read, a folder, and a folder that it may not list", () => {
      dir.write("pool.d/a.toml", "");
      dir.write("pool.d/b.toml/c", "");
      dir.write("closed/a.toml", "");
      dir.write("holdfast.toml", `include = ["pool.d/*.toml", "closed/*.toml"]\n${pool("")}`);
      for (const [name, mode] of [
        ["", 0o755],
        ["pool.d/a.toml", 0],
        ["closed", 0],
      ] as const) {
        chmodSync(join(dir.path, name), mode);
      }
      const module = new URL("../../src/config/load.js", import.meta.url);
      const program = `import { loadConfig } from ${JSON.stringify(module)};
        try { loadConfig("holdfast.toml"); } catch (fault) { console.log(fault.message); }`;
      const [command, ...args] = unprivileged([process.execPath, "--input-type=module", "--eval", program]);
      const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: dir.path, timeout: 15_000 });
      expect([stdout.replaceAll(`${dir.path}/`, "").split("\n"), stderr]).toEqual([
        [
          "the configuration has 3 mistakes",
          "pool.d/a.toml: cannot be read: permission denied",
          "pool.d/b.toml: cannot be read: it is a folder",
          "holdfast.toml:1: include[1]: closed cannot be read: permission denied",
          "",
        ],
        "",
      ]);
    });

    it("refuses a pool that two files have", () => {
      dir.write("more.toml", '[pools.www]\nlisten = "./b.sock"\nroot = "www"\n');
      expect(mistakesOf(`include = ["more.toml"]\n${pool("")}`)).toEqual([
        "more.toml:1: pools.www: is in holdfast.toml too",
      ]);
    });

    it.each<[string, string]>([
      ['include = "x"', 'holdfast.toml:1: include: expected a list such as ["pool.d/*.toml"]'],
      ["include = [3]", "holdfast.toml:1: include[0]: expected a path in quotes"],
      ['include = ["*/x.toml"]', "holdfast.toml:1: include[0]: only the last part of a path may hold * or ?"],
    ])("refuses %s", (include, expected) => {
      expect(mistakesOf(`${include}\n${pool("")}`)).toEqual([expected]);
    });
  });

  it("made in memory is checked in the same way", () => {
    expect(() =>
      resolveConfig({ pools: { www: { listen: "./s", root: "www", queue: { max: -1 } } } }, dir.path),
    ).toThrow("configuration: pools.www.queue.max: must be at least 0");
  });

  it("that does not exist is named", () => {
    expect(() => loadConfig(join(dir.path, "none.toml"))).toThrow("none.toml: cannot be read: there is no such file");
    expect(findConfig("./x.toml")).toBe(join(process.cwd(), "x.toml"));
  });
});

describe("only the supervisor's part of a configuration", () => {
  it("can be read although a pool has mistakes", () => {
    const file = dir.write("holdfast.toml", '[supervisor]\ncontrol = "./c"\n[pools.www]\nbroken = true\n');
    expect(loadSupervisor(file)).toMatchObject({ control: join(dir.path, "c"), stopTimeoutMs: 30_000 });
  });

  it("is refused with its own mistakes", () => {
    const file = dir.write("holdfast.toml", "[supervisor]\ncontrol = 3\n");
    expect(() => loadSupervisor(file)).toThrow(/:2: supervisor.control: expected text in quotes/);
  });
});
