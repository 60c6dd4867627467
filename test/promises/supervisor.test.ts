// The whole program as an operator meets it: `holdfast start`, real processes, real signals.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../src/cli/control-client.ts";
import type { StatusReport } from "../../src/messages/control.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { type Finished, type Launched, launcher } from "../support/launch.ts";
import { descendantsOf, isRunning } from "../support/processes.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";
import { itAsRoot } from "../support/user.ts";

describe("holdfast start", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;
  let config: string;

  beforeEach(() => {
    dir = tempDir();
  });

  /** Writes an app and a configuration for it, and starts it. */
  function start(app: string, { pool = "", supervisor = "" } = {}): Launched {
    dir.write("app.mjs", app);
    config = dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\n${supervisor}\n` +
        `[pools.www]\nlisten = "./www.sock"\napp = "./app.mjs"\nthreads = 1\n${pool.includes("user =") ? "" : "allow_root = true\n"}${pool}\n`,
    );
    return launch(["start", "-c", config]);
  }

  async function started(...args: Parameters<typeof start>): Promise<Launched> {
    const launched = start(...args);
    await launched.line(/"msg":"serving"/);
    return launched;
  }

  const run = (...args: readonly string[]): Promise<Finished> => launch([...args, "-c", config]).finished;
  const socket = (): string => join(dir.path, "www.sock");

  async function get(path = "/", timeoutMs = 10_000): Promise<{ status: number; body: string }> {
    const client = await connectFastCgi({ path: socket() }, { timeoutMs });
    try {
      const reply = await client.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: path, SCRIPT_NAME: path } });
      return { status: reply.status, body: reply.body.toString() };
    } finally {
      await client.close();
    }
  }

  async function status(): Promise<StatusReport> {
    return (await ask(join(dir.path, "control.sock"), { command: "status" })).status;
  }

  async function poolPid(): Promise<number> {
    const pid = (await status()).pools[0]?.processes[0]?.pid;
    if (pid === undefined) throw new Error("the pool has no process");
    return pid;
  }

  const HELLO = `export default () => new Response("hello from " + process.pid);`;

  it("replaces a process that lives and answers no more", async () => {
    const holdfast = await started(HELLO, { supervisor: 'heartbeat_timeout = "1s"' });
    const pid = await poolPid();
    process.kill(pid, "SIGSTOP");
    await holdfast.line(/silent for too long and is killed/);
    await eventually(async () => (await poolPid()) !== pid, 10_000);
    expect((await get()).status).toBe(200);
    expect(isRunning(pid)).toBe(false);
  });

  it("serves, tells its status, answers pings, and stops when it is told to", async () => {
    const holdfast = await started(HELLO);
    const pid = await poolPid();
    expect(await get()).toEqual({ status: 200, body: `hello from ${pid}` });
    expect(JSON.parse((await run("status", "--json")).stdout).pools).toMatchObject([
      { name: "www", state: "ready", listen: socket(), restarts: 0, processes: [{ pid, served: 1, queueMax: 128 }] },
    ]);
    expect((await run("status")).stdout).toMatch(new RegExp(`^POOL +STATE +PID .*\nwww +ready +${pid} `, "m"));
    expect((await run("ping", "www")).stdout).toMatch(/^pong www \d+\.\d ms\n$/);
    expect((await run("ping")).stdout).toMatch(/^pong www \d+\.\d ms\n$/);
    expect(await run("ping", "wwv")).toMatchObject({ code: 64, stderr: expect.stringMatching(/did you mean www\?/) });
    expect(await run("stop")).toMatchObject({ code: 0, stdout: "stopped\n" });
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(socket())).toBe(false);
    expect(await holdfast.finished).toMatchObject({ code: 0, signal: null });
    expect(await run("status")).toMatchObject({ code: 69, stderr: expect.stringMatching(/no supervisor answers/) });
  });

  describe("when a pool process is killed", () => {
    it("has another serving within a second, with its own state", async () => {
      await started(`let n = 0; export default () => new Response(String(++n));`);
      expect([(await get()).body, (await get()).body]).toEqual(["1", "2"]);
      const first = await poolPid();
      const killedAt = performance.now();
      process.kill(first, "SIGKILL");
      expect((await get()).body).toBe("1");
      expect(performance.now() - killedAt).toBeLessThan(2000);
      expect((await status()).pools[0]).toMatchObject({ state: "ready", restarts: 1 });
    });

    it("and no descriptor is left for another, the supervisor tries again until there is one", async () => {
      const holdfast = await started(HELLO);
      const pid = await poolPid();
      const limit = (files: number): void => {
        execFileSync("prlimit", ["--pid", String(holdfast.pid), `--nofile=${files}:`]);
      };
      // Fewer than it has open already.
      limit(8);
      process.kill(pid, "SIGKILL");
      await holdfast.line(/EMFILE/);
      limit(1024);
      expect((await get()).status).toBe(200);
      expect(isRunning(holdfast.pid)).toBe(true);
    });

    it("a client that connects while there is none waits and is served by the next", async () => {
      // From the second time on it waits with its start until it is let go.
      await started(`import { existsSync, writeFileSync } from "node:fs";
        const [begun, go] = ["begun", "go"].map((name) => new URL(name, import.meta.url));
        while (existsSync(begun) && !existsSync(go)) await new Promise((turn) => setTimeout(turn, 10));
        writeFileSync(begun, "");
        ${HELLO}`);
      const first = await poolPid();
      process.kill(first, "SIGKILL");
      await eventually(() => !isRunning(first));
      const client = await connectFastCgi({ path: socket() }, { timeoutMs: 10_000 });
      expect((await status()).pools[0]?.state).toBe("starting");
      const answered = client.request({ params: { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/" } });
      writeFileSync(join(dir.path, "go"), "");
      const reply = await answered;
      await client.close();
      expect(reply.body.toString()).toBe(`hello from ${await poolPid()}`);
    });
  });

  it("a pool process that is sent TERM finishes what it has, while another already serves", async () => {
    const holdfast = await started(`import { existsSync, writeFileSync } from "node:fs";
      export default async (request) => {
        if (new URL(request.url).pathname === "/slow") {
          writeFileSync(new URL("begun", import.meta.url), "");
          while (!existsSync(new URL("go", import.meta.url))) await new Promise((go) => setTimeout(go, 10));
        }
        return new Response(String(process.pid));
      };`);
    const first = await poolPid();
    const slow = get("/slow");
    await eventually(() => existsSync(join(dir.path, "begun")));
    process.kill(first, "SIGTERM");
    const second = await eventually(async () => {
      const pid = Number((await get()).body);
      return pid !== first && pid;
    }, 15_000);
    expect((await status()).pools[0]).toMatchObject({
      state: "ready",
      processes: [{ pid: first }, { pid: second }],
    });
    writeFileSync(join(dir.path, "go"), "");
    expect(await slow).toEqual({ status: 200, body: String(first) });
    await eventually(() => !isRunning(first));
    await holdfast.line(/told by a signal to leave/);
    // The supervisor hears of it a moment later.
    await eventually(async () => (await status()).pools[0]?.processes.length === 1);
    expect((await status()).pools[0]).toMatchObject({ state: "ready", restarts: 0, processes: [{ pid: second }] });
  });

  describe("when the app does not load", () => {
    it("ends with 70 and shows where the app threw, and leaves no process and no socket", async () => {
      const holdfast = start("\n\nthrow new Error('no database');\n");
      const { code, stderr } = await holdfast.finished;
      expect(code).toBe(70);
      expect(stderr).toContain("no database");
      expect(stderr).toMatch(/app\.mjs:3/);
      expect(existsSync(socket()) || existsSync(join(dir.path, "control.sock"))).toBe(false);
    });

    it("ends with 70 when it takes longer than boot_timeout", async () => {
      const holdfast = start("await new Promise(() => setInterval(() => {}, 1000));", {
        pool: 'boot_timeout = "300ms"',
      });
      expect(await holdfast.finished).toMatchObject({ code: 70 });
    });

    it("ends with 70 when the app ends its process while it loads", async () => {
      const holdfast = start("process.exit(3);");
      expect(await holdfast.finished).toMatchObject({ code: 70 });
    });
  });

  describe("on TERM", () => {
    const SLOW = `import { existsSync, writeFileSync } from "node:fs";
      export default async () => {
        writeFileSync(new URL("begun", import.meta.url), "");
        while (!existsSync(new URL("go", import.meta.url))) await new Promise((go) => setTimeout(go, 10));
        return new Response("done");
      };
      export const dispose = () => writeFileSync(new URL("disposed", import.meta.url), "");`;
    const begun = (): Promise<true> => eventually(() => existsSync(join(dir.path, "begun")));

    it("lets open requests finish and disposes the app, then ends with 0 and leaves nothing", async () => {
      const holdfast = await started(SLOW);
      const family = descendantsOf(holdfast.pid);
      const reply = get();
      await begun();
      holdfast.signal("SIGTERM");
      await holdfast.line(/"msg":"stopping"/);
      writeFileSync(join(dir.path, "go"), "");
      expect(await reply).toEqual({ status: 200, body: "done" });
      expect(await holdfast.finished).toMatchObject({ code: 0 });
      expect(family.length).toBeGreaterThan(0);
      expect(family.filter(isRunning)).toEqual([]);
      expect(existsSync(join(dir.path, "disposed"))).toBe(true);
      expect(existsSync(socket())).toBe(false);
    });

    it("ends what does not finish by stop_timeout", async () => {
      const holdfast = await started(SLOW, { supervisor: 'stop_timeout = "300ms"' });
      const reply = get().catch((error: Error) => error);
      await begun();
      holdfast.signal("SIGTERM");
      expect(await holdfast.finished).toMatchObject({ code: 0 });
      await reply;
    });

    it("and a second signal ends everything at once", async () => {
      const holdfast = await started(SLOW, { supervisor: 'stop_timeout = "1h"' });
      const family = descendantsOf(holdfast.pid);
      const reply = get().catch((error: Error) => error);
      await begun();
      holdfast.signal("SIGTERM");
      await holdfast.line(/"msg":"stopping"/);
      holdfast.signal("SIGINT");
      expect(await holdfast.finished).toMatchObject({ code: 0 });
      expect(await reply).toBeInstanceOf(Error);
      expect(family.filter(isRunning)).toEqual([]);
    });

    it("while it is still starting ends with 0 too", async () => {
      const holdfast = start("await new Promise(() => setInterval(() => {}, 1000));", {
        supervisor: 'stop_timeout = "2s"',
      });
      await holdfast.line(/"msg":"supervisor started"/);
      holdfast.signal("SIGTERM");
      expect(await holdfast.finished).toMatchObject({ code: 0 });
    });
  });

  it("does not open Node's inspector on SIGUSR1, and serves on", async () => {
    const holdfast = await started(HELLO);
    holdfast.signal("SIGUSR1");
    await holdfast.line(/logs reopened/);
    expect((await get()).status).toBe(200);
    expect(holdfast.output).not.toContain("Debugger listening");
  });

  it("killed without warning, is followed by its pools, and its place can be taken", async () => {
    const holdfast = await started(HELLO);
    const pid = await poolPid();
    holdfast.signal("SIGKILL");
    await eventually(() => !isRunning(pid));
    expect(existsSync(socket())).toBe(true);
    await started(HELLO);
    expect((await get()).status).toBe(200);
  });

  it("refuses to run twice on the same configuration, with 69", async () => {
    await started(HELLO);
    expect(await run("start")).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/another process already listens/),
    });
    expect((await get()).status).toBe(200);
  });

  itAsRoot("runs the app as the user of the pool, with that user's groups and no way back", async () => {
    const app = `import { readFileSync } from "node:fs";
      export default () => Response.json({
        uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), home: process.env.HOME,
        secret: process.env.SECRET ?? null,
        status: readFileSync("/proc/self/status", "utf8"),
      });`;
    const { chmodSync } = await import("node:fs");
    chmodSync(dir.path, 0o755);
    await started(app, { pool: 'user = "www-data"\nlisten_mode = "0666"' });
    const told = JSON.parse((await get()).body);
    const id = Number(readFileSync("/etc/passwd", "utf8").match(/^www-data:[^:]*:(\d+):/m)?.[1]);
    expect(told).toMatchObject({ uid: id, gid: id, home: "/var/www", secret: null });
    expect(told.groups).not.toContain(0);
    expect(told.status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(told.status).toMatch(/^Cap(?:Inh|Prm|Eff|Bnd):\s+0+$/m);
  });

  itAsRoot("as root refuses a pool that would run as root, with 78", async () => {
    dir.write("app.mjs", HELLO);
    config = dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./c"\n[pools.www]\nlisten = "./s"\napp = "app.mjs"\n`,
    );
    expect(await run("start")).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/the app would run as root\n {2}name the user/),
    });
  });
});
