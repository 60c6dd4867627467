import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import { type RunningSupervisor, startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { open, say } from "../support/line-client.ts";
import { isRunning } from "../support/processes.ts";
import { tempDirs } from "../support/temp-dir.ts";

const ENTRY = fileURLToPath(new URL("../../../test/fixtures/fake-pool.mjs", import.meta.url));
type WrittenPool = WrittenConfig["pools"][string];

describe("a supervisor", () => {
  const tempDir = tempDirs();
  const running: RunningSupervisor[] = [];
  let log: string[] = [];
  let folder: string;

  beforeEach(() => {
    log = [];
    folder = tempDir().path;
  });

  afterEach(async () => {
    for (const supervisor of running.splice(0)) await supervisor.stopNow("test over").catch(() => {});
  });

  async function start(
    pools: Readonly<Record<string, WrittenPool & { behaviour?: string }>> = { www: {} },
    supervisorOptions: WrittenConfig["supervisor"] = {},
    clock: Clock = systemClock,
  ): Promise<RunningSupervisor> {
    const written = Object.entries(pools).map(([name, { behaviour, ...pool }]) => {
      const env = { FAKE_POOL: behaviour ?? "serve", DRAIN_FILE: join(folder, `${name}.drain`) };
      const listen = `./${name}.sock`;
      return [name, { listen, root: ".", threads: 1, allow_root: true, ...pool, env }] as const;
    });
    const { config } = resolveConfig(
      {
        supervisor: { control: "./control.sock", stop_timeout: "5s", ...supervisorOptions },
        pools: Object.fromEntries(written),
      },
      folder,
    );
    const supervisor = await startSupervisor(config, {
      entry: ENTRY,
      clock,
      log: createLog("json", "debug", (line) => log.push(line)),
    });
    running.push(supervisor);
    return supervisor;
  }

  const socketOf = (pool: string): string => join(folder, `${pool}.sock`);
  const pidOf = async (pool: string): Promise<number> => Number((await say(socketOf(pool), "pid")).split(" ")[0]);

  describe("at start", () => {
    it("is ready when every pool serves on its own socket", async () => {
      const supervisor = await start({ www: {}, api: { listen: "127.0.0.1:0" } });
      await supervisor.ready;
      const api = supervisor.addresses.get("api");
      expect(api).toMatchObject({ kind: "tcp", host: "127.0.0.1", port: expect.any(Number) });
      if (api === undefined) throw new Error("no address");
      const answers = await Promise.all([say(socketOf("www"), "pid"), say(api, "pid")]);
      expect(new Set(answers).size).toBe(2);
    });

    it("lets several processes of one pool accept from the same socket", async () => {
      const supervisor = await start({ www: { processes: 2 } });
      await supervisor.ready;
      const { pools } = await supervisor.status();
      expect(pools[0]?.processes).toHaveLength(2);
    });

    it("fails with the reason and the stack of the app that did not load, and leaves nothing behind", async () => {
      const supervisor = await start({ www: { behaviour: "boot-fails" }, api: {} });
      await expect(supervisor.ready).rejects.toMatchObject({
        code: "BOOT",
        message: "the app threw",
        hint: "mend it",
        stack: expect.stringContaining("app.ts:7:1"),
      });
      await expect(supervisor.done).rejects.toMatchObject({ code: "BOOT" });
      expect([
        existsSync(socketOf("www")),
        existsSync(socketOf("api")),
        existsSync(join(folder, "control.sock")),
      ]).toEqual([false, false, false]);
    });

    it("fails when a pool process ends before it was ready, and says how it ended", async () => {
      const supervisor = await start({ www: { behaviour: "exit-at-boot" } });
      await expect(supervisor.ready).rejects.toMatchObject({
        code: "BOOT",
        message: expect.stringMatching(/before it was ready \(exit code 3\)/),
      });
    });

    it("kills a pool process that is not ready in time", async () => {
      const clock = new FakeClock();
      const supervisor = await start({ www: { behaviour: "never-ready", boot_timeout: "30s" } }, {}, clock);
      clock.advance(32_000);
      await expect(supervisor.ready).rejects.toMatchObject({
        code: "BOOT",
        message: expect.stringMatching(/not ready within 30 s/),
      });
      await expect(supervisor.done).rejects.toMatchObject({ code: "BOOT" });
    });

    it("refuses to start where another supervisor runs, and leaves that one alone", async () => {
      const first = await start();
      await first.ready;
      await expect(start()).rejects.toMatchObject({
        code: "LISTEN",
        message: expect.stringMatching(/another process already listens/),
      });
      expect(await pidOf("www")).toBeGreaterThan(0);
    });

    it("takes the place of one that was killed and left its sockets behind", async () => {
      const { createServer } = await import("node:net");
      const { renameSync } = await import("node:fs");
      for (const name of ["control.sock", "www.sock"]) {
        const server = createServer().listen(join(folder, "left"));
        await once(server, "listening");
        // Moved away, so that closing does not remove it.
        renameSync(join(folder, "left"), join(folder, name));
        server.close();
        await once(server, "close");
      }
      expect(existsSync(socketOf("www"))).toBe(true);
      const supervisor = await start();
      await supervisor.ready;
      expect(await pidOf("www")).toBeGreaterThan(0);
    });

    it("refuses as a whole, before anything runs, when one address cannot be bound", async () => {
      await expect(start({ www: {}, api: { listen: "203.0.113.7:1" } })).rejects.toMatchObject({
        code: "LISTEN",
        message: "cannot bind 203.0.113.7:1: EADDRNOTAVAIL",
        hint: expect.stringContaining("no such address"),
      });
      expect([existsSync(socketOf("www")), existsSync(join(folder, "control.sock"))]).toEqual([false, false]);
    });

    it("makes the control socket for its owner only, and the pool's with its mode", async () => {
      const supervisor = await start({ www: { listen_mode: "0666" } });
      await supervisor.ready;
      expect(statSync(join(folder, "control.sock")).mode & 0o777).toBe(0o600);
      expect(statSync(socketOf("www")).mode & 0o777).toBe(0o666);
    });
  });

  describe("when a pool process dies", () => {
    it("starts another at once, and a client that connects meanwhile waits and is served", async () => {
      const supervisor = await start();
      await supervisor.ready;
      const first = await pidOf("www");
      const killed = say(socketOf("www"), "die").catch(() => "");
      await eventually(() => !isRunning(first));
      const second = await pidOf("www");
      await killed;
      expect(second).not.toBe(first);
      const { pools } = await supervisor.status();
      expect(pools[0]).toMatchObject({
        restarts: 1,
        state: "ready",
        lastFault: { message: expect.stringMatching(/SIGKILL/) },
      });
    });

    it("waits longer and longer before it starts one that never lives long enough", async () => {
      const supervisor = await start({ www: { behaviour: "dies-when-ready" } });
      await supervisor.ready;
      const waits = await eventually(() => {
        const lost = log.map((line) => JSON.parse(line)).filter(({ msg }) => /process lost/.test(msg));
        return lost.length >= 3 && lost.map(({ againInMs }) => Number(againInMs));
      });
      expect(waits[0]).toBe(0);
      expect(waits[1]).toBeGreaterThanOrEqual(240);
      expect(waits[2]).toBeGreaterThanOrEqual(490);
      expect((await supervisor.status()).pools[0]?.state).toMatch(/backoff|starting|ready/);
    });
  });

  describe("when it stops", () => {
    it("lets open exchanges finish, and leaves no process and no socket", async () => {
      const supervisor = await start();
      await supervisor.ready;
      const pid = await pidOf("www");
      const client = open(socketOf("www")).setEncoding("utf8");
      client.write("hold\n");
      await once(client, "data");
      const stopped = supervisor.stop("test");
      await eventually(() => existsSync(join(folder, "www.drain")));
      client.write("finish\n");
      expect(await once(client, "data")).toEqual(["finished\n"]);
      await stopped;
      expect(isRunning(pid)).toBe(false);
      expect([existsSync(socketOf("www")), existsSync(join(folder, "control.sock"))]).toEqual([false, false]);
    });

    it("tells the pools how long they have, a little less than until they are killed", async () => {
      const supervisor = await start({ www: {} }, { stop_timeout: "10s" });
      await supervisor.ready;
      await supervisor.stop("test");
      const told = Number(readFileSync(join(folder, "www.drain"), "utf8"));
      expect(told).toBeGreaterThan(8000);
      expect(told).toBeLessThanOrEqual(9500);
    });

    it("kills what has not left at the deadline", async () => {
      const supervisor = await start({ www: { behaviour: "stubborn" } }, { stop_timeout: "200ms" });
      await supervisor.ready;
      const pid = await pidOf("www");
      await supervisor.stop("test");
      expect(isRunning(pid)).toBe(false);
      expect(log.join("")).toContain("did not leave in time and is killed");
    });

    it("ends everything at once when told so a second time", async () => {
      const supervisor = await start({ www: { behaviour: "stubborn" } }, { stop_timeout: "1h" });
      await supervisor.ready;
      const stopped = supervisor.stop("first");
      await supervisor.stopNow("second");
      await stopped;
      expect(existsSync(socketOf("www"))).toBe(false);
    });

    it("ends one that is still starting", async () => {
      const supervisor = await start({ www: { behaviour: "never-ready" } }, { stop_timeout: "1s" });
      const stopped = supervisor.stop("test");
      await expect(supervisor.ready).rejects.toMatchObject({ message: expect.stringMatching(/stopped before/) });
      await expect(stopped).resolves.toBeUndefined();
    });
  });

  describe("asked for a sign of life of a pool", () => {
    it("measures how long the pool's main thread takes to answer", async () => {
      const supervisor = await start();
      await supervisor.ready;
      expect(await supervisor.ping("www")).toBeGreaterThan(0);
    });

    it("says so when that does not answer within 5 s", async () => {
      const clock = new FakeClock();
      const supervisor = await start({ www: { behaviour: "mute" } }, {}, clock);
      await supervisor.ready;
      const answer = supervisor.ping("www");
      clock.advance(5000);
      await expect(answer).rejects.toMatchObject({ code: "LISTEN", message: "pool www did not answer within 5 s" });
    });

    it("says so when its process dies instead of answering", async () => {
      const supervisor = await start({ www: { behaviour: "mute" } });
      await supervisor.ready;
      const answer = supervisor.ping("www");
      await Promise.all([
        expect(answer).rejects.toMatchObject({ code: "LISTEN" }),
        say(socketOf("www"), "die").catch(() => ""),
      ]);
    });

    it("names the nearest pool when there is none of that name", async () => {
      const supervisor = await start();
      await expect(supervisor.ping("wwv")).rejects.toMatchObject({ code: "USAGE", hint: "did you mean www?" });
    });
  });

  describe("asked for its status", () => {
    it("reports a pool that does not answer without its own facts", async () => {
      const clock = new FakeClock();
      const supervisor = await start({ www: { behaviour: "mute" } }, {}, clock);
      await supervisor.ready;
      const report = supervisor.status();
      clock.advance(2000);
      const { pools } = await report;
      expect(pools.find(({ name }) => name === "www")?.processes[0]).toEqual({
        pid: expect.any(Number),
        state: "ready",
        generation: 1,
      });
    });
  });
});
