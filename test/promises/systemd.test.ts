// What an administrator is promised who lets systemd run Holdfast: it is told the truth, and no restart
// refuses a client. The manager's side is played by the test: its sockets and its variables.

import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { SUPERVISOR_SERVICE } from "../../src/deploy/systemd-hardening.ts";
import { sendsAsItself } from "../../src/supervisor/notify-transport.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { listeningSockets } from "../support/listening-socket.ts";
import { type NotifyReceiver, notifyReceivers } from "../support/notify-receiver.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";
import { itAsRoot } from "../support/user.ts";

describe("under systemd", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  const receive = notifyReceivers();
  const listening = listeningSockets();
  let dir: TempDir;
  let manager: NotifyReceiver;

  beforeEach(async () => {
    dir = tempDir();
    manager = await receive(join(dir.path, "notify"));
  });

  const HELLO = "export default () => new Response(JSON.stringify(process.env));";

  function start(listen: string, options: Parameters<typeof launch>[1] = {}, app = HELLO): Launched {
    dir.write("app.mjs", app);
    const config = dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\nstop_timeout = "10s"\n` +
        `[pools.www]\nlisten = "${listen}"\napp = "./app.mjs"\nthreads = 1\nallow_root = true\nclear_env = false\n`,
    );
    const env = { NOTIFY_SOCKET: manager.path, ...options.env };
    return launch(["start", "-c", config], { ...options, env });
  }

  async function get(path: string): Promise<{ status: number; body: string }> {
    const client = await connectFastCgi({ path }, { timeoutMs: 15_000 });
    try {
      const { status, body } = await client.request({
        params: { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/" },
      });
      return { status, body: body.toString() };
    } finally {
      await client.close();
    }
  }

  /** Which of its variables a message has. */
  const names = (): readonly string[] => manager.received.flatMap(({ text }) => text.match(/^[A-Z_]+(?==)/gm) ?? []);

  it("the manager hears when it serves, that it lives, and that it stops, in the supervisor's own name", async () => {
    const holdfast = start("./www.sock", { env: { WATCHDOG_USEC: "400000", WATCHDOG_PID: undefined } });
    const ready = await manager.message(/^READY=1$/m);
    expect(ready.text).toBe("READY=1\nSTATUS=1 pool serves, 1 worker");
    expect(await get(join(dir.path, "www.sock"))).toMatchObject({ status: 200 });
    await eventually(() => names().filter((name) => name === "WATCHDOG").length > 3);
    holdfast.signal("SIGTERM");
    expect((await manager.message(/^STOPPING=1$/m)).text).toBe("STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000");
    expect(await holdfast.finished).toMatchObject({ code: 0 });
    expect(names().filter((name) => name === "READY")).toHaveLength(1);
    if (sendsAsItself()) expect(new Set(manager.received.map(({ pid }) => pid))).toEqual(new Set([holdfast.pid]));
  });

  it("the manager hears when a reload begins and when it is over, good or bad", async () => {
    const holdfast = start("./www.sock");
    await manager.message(/^READY=1$/m);
    const config = join(dir.path, "holdfast.toml");
    expect(await launch(["reload", "-c", config]).finished).toMatchObject({ code: 0 });
    dir.write("app.mjs", "throw new Error('no such luck')");
    expect(await launch(["reload", "-c", config]).finished).toMatchObject({ code: 70 });
    const states = manager.received.flatMap(({ text }) => /^(READY|RELOADING)=1$/m.exec(text)?.[1] ?? []);
    expect(states).toEqual(["READY", "RELOADING", "READY", "RELOADING", "READY"]);
    const times = manager.received.flatMap(({ text }) => /^MONOTONIC_USEC=(\d+)$/m.exec(text)?.[1] ?? []);
    const uptimeUsec = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1e6;
    for (const time of times) expect(Math.abs(uptimeUsec - Number(time))).toBeLessThan(60e6);
    holdfast.signal("SIGTERM");
    expect(await holdfast.finished).toMatchObject({ code: 0 });
  });

  it("the manager is not told that it is ready when its app does not load, and reads why", async () => {
    const holdfast = start("./www.sock", {}, "throw new Error('no such luck')");
    expect(await holdfast.finished).toMatchObject({ code: 70 });
    expect(names()).not.toContain("READY");
    expect((await manager.message(/luck/)).text).toMatch(/^STATUS=failed: .*no such luck/);
  });

  it("a stopped supervisor's watchdog is not fed", async () => {
    const holdfast = start("./www.sock", { env: { WATCHDOG_USEC: "200000", WATCHDOG_PID: undefined } });
    await manager.message(/^READY=1$/m);
    holdfast.signal("SIGSTOP");
    const state = (): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${holdfast.pid}/stat`, "utf8"))?.[1];
    await eventually(() => state() === "T");
    const before = names().length;
    // Five periods of the watchdog, by the clock of somebody who runs.
    const from = performance.now();
    await eventually(() => performance.now() - from > 1000);
    // One may have been on its way; a running supervisor would have sent ten.
    const later = names().length;
    expect(later - before).toBeLessThanOrEqual(1);
    holdfast.signal("SIGCONT");
    await eventually(() => names().length > later);
  });

  it("neither its variables nor its descriptors reach the app, however many sockets it passes", async () => {
    const path = join(dir.path, "www.sock");
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const { fd } = await listening({ kind: "unix", path: at === 0 ? path : join(dir.path, `other-${at}`) });
        return { name: `s${at}`, fd };
      }),
    );
    const holdfast = start("systemd:s0", { sockets, env: { WATCHDOG_USEC: "60000000" } });
    await manager.message(/^READY=1$/m);
    const variables = Object.keys(JSON.parse((await get(path)).body) as object);
    expect(variables.filter((name) => /^(LISTEN_|NOTIFY_|WATCHDOG_)/.test(name))).toEqual([]);
    const [pool] = holdfast.descendants();
    const inodeOf = (pid: number | string, fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`);
    const passed = sockets.map(({ fd }) => inodeOf("self", fd));
    const found = readdirSync(`/proc/${pool}/fd`).map((fd) => inodeOf(pool ?? 0, Number(fd)));
    expect(found.filter((inode) => passed.includes(inode))).toEqual([passed[0]]);
    expect(holdfast.output).toContain("a socket of the service manager belongs to no pool");
  });

  it("restarts refuse no client and lose no request, and leave the socket where it is", async () => {
    const path = join(dir.path, "www.sock");
    const { fd } = await listening({ kind: "unix", path });
    const sockets = [{ name: "www", fd }];
    let holdfast = start(path, { sockets });
    await manager.message(/^READY=1$/m);
    let isOver = false;
    const answers: number[] = [];
    // Each of them connects anew, so a refusal or an early end would reject.
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) answers.push((await get(path)).status);
    });
    for (let restart = 1; restart <= 2; restart += 1) {
      const before = answers.length;
      await eventually(() => answers.length > before + 20, 10_000);
      holdfast.signal("SIGTERM");
      expect(await holdfast.finished).toMatchObject({ code: 0 });
      expect(existsSync(path)).toBe(true);
      holdfast = start(path, { sockets });
      await eventually(() => names().filter((name) => name === "READY").length === restart + 1, 15_000);
    }
    isOver = true;
    await Promise.all(clients);
    expect(new Set(answers)).toEqual(new Set([200]));
  });

  it("a name that no socket unit has ends the start with 69 and the remedy", async () => {
    expect(await start("systemd:www").finished).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/systemd:www: no listening socket of that name.*FileDescriptorName=www/s),
    });
  });

  itAsRoot(
    "root needs no more than the capabilities that the unit leaves it, and sees no foreign process",
    async () => {
      const kept = SUPERVISOR_SERVICE.capabilities.map((name) => name.replace("CAP_", "+").toLowerCase());
      const narrowed = dir.write(
        "node",
        `#!/bin/sh
set -- setpriv --bounding-set=-all,${kept.join(",")} --inh-caps=-all --no-new-privs -- ${process.execPath} "$@"
# Where root may not mount, as in most containers, the capabilities are tried alone.
unshare --mount true 2>/dev/null || exec "$@"
exec unshare --mount sh -c 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"' sh "$@"
`,
      );
      chmodSync(narrowed, 0o755);
      chmodSync(dir.path, 0o755);
      dir.write("app.mjs", "export default () => new Response(String(process.getuid()));");
      const config = dir.write(
        "holdfast.toml",
        `[supervisor]\ncontrol = "./control.sock"\n[pools.www]\nlisten = "./www.sock"\napp = "./app.mjs"\n` +
          `threads = 1\nuser = "daemon"\nlisten_owner = "bin"\nlisten_group = "daemon"\n`,
      );
      const holdfast = launch(["start", "-c", config], { node: narrowed });
      await holdfast.line(/"msg":"serving"/);
      expect(await get(join(dir.path, "www.sock"))).toEqual({ status: 200, body: "1" });
      expect(statSync(join(dir.path, "www.sock"))).toMatchObject({ uid: 2, gid: 1 });
      expect((await launch(["reload", "-c", config]).finished).code).toBe(0);
      expect((await launch(["stop", "-c", config]).finished).code).toBe(0);
      expect(await holdfast.finished).toMatchObject({ code: 0 });
    },
  );

  it("one pool of several can be a service of its own", async () => {
    const pools = ["a", "b"].map(
      (name) => `[pools.${name}]\nlisten = "./${name}.sock"\napp = "./app.mjs"\nallow_root = true\n`,
    );
    dir.write("app.mjs", HELLO);
    const config = dir.write("two.toml", pools.join(""));
    const control = join(dir.path, "b.control");
    const holdfast = launch(["start", "-c", config, "--pool", "b", "--control", control]);
    await holdfast.line(/"msg":"serving"/);
    const { stdout } = await launch(["status", "--json", "--control", control]).finished;
    expect((JSON.parse(stdout) as { pools: object[] }).pools).toMatchObject([{ name: "b" }]);
    expect(await launch(["start", "-c", config, "--pool", "c"]).finished).toMatchObject({ code: 64 });
  });
});
