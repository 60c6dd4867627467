// A reload as the supervisor makes it, with pool processes that speak its messages and nothing else.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/fault.ts";
import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { type RunningSupervisor, startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { say } from "../support/line-client.ts";
import { isRunning } from "../support/processes.ts";
import { tempDirs } from "../support/temp-dir.ts";

const ENTRY = fileURLToPath(new URL("../../../test/fixtures/fake-pool.mjs", import.meta.url));
type Pools = Readonly<Record<string, WrittenConfig["pools"][string] & { behaviour?: string }>>;

describe("a reload by the supervisor", () => {
  const running: RunningSupervisor[] = [];
  // Before the folder is removed: its pools write into it until they are gone.
  afterEach(async () => {
    for (const supervisor of running.splice(0)) await supervisor.stopNow("test over").catch(() => {});
  });
  const tempDir = tempDirs();
  let folder: string;
  let log: string[];
  /** What is read the next time. */
  let written: () => Config;

  beforeEach(() => {
    folder = tempDir().path;
    log = [];
  });

  function write(pools: Pools, supervisor: WrittenConfig["supervisor"] = {}): void {
    const tables = Object.entries(pools).map(([name, { behaviour = "serve", ...pool }]) => {
      const env = { FAKE_POOL: behaviour, DRAIN_FILE: join(folder, `${name}.drain`) };
      return [name, { listen: `./${name}.sock`, root: ".", threads: 1, allow_root: true, ...pool, env }] as const;
    });
    written = () =>
      resolveConfig(
        {
          supervisor: { control: "./control.sock", stop_timeout: "5s", ...supervisor },
          pools: Object.fromEntries(tables),
        },
        folder,
      ).config;
  }

  async function start(pools: Pools = { www: {} }, clock: Clock = systemClock): Promise<RunningSupervisor> {
    write(pools);
    const supervisor = await startSupervisor(written(), {
      entry: ENTRY,
      clock,
      log: createLog("json", "debug", (line) => log.push(line)),
      reread: () => ({ config: written(), warnings: [] }),
    });
    running.push(supervisor);
    await supervisor.ready;
    return supervisor;
  }

  const socketOf = (pool: string): string => join(folder, `${pool}.sock`);
  const who = async (pool: string): Promise<{ pid: number; generation: number }> => {
    const [pid, generation] = (await say(socketOf(pool), "pid")).trim().split(" ").map(Number);
    return { pid: pid ?? 0, generation: generation ?? 0 };
  };

  it("replaces every pool by a new generation, and says which", async () => {
    const supervisor = await start({ www: {}, api: {} });
    const before = await who("www");
    const report = await supervisor.reload("all");
    expect(report).toMatchObject({
      pools: [
        { name: "www", from: 1, to: 2 },
        { name: "api", from: 1, to: 2 },
      ],
      unchanged: 0,
      warnings: [],
    });
    await eventually(() => !isRunning(before.pid));
    expect(await who("www")).toMatchObject({ generation: 2 });
  });

  it("leaves every other pool alone when one is named: the same process", async () => {
    const supervisor = await start({ www: {}, api: {} });
    const api = await who("api");
    expect(await supervisor.reload({ changed: false, pools: ["www"] })).toMatchObject({
      pools: [{ name: "www" }],
      unchanged: 1,
    });
    expect(await who("api")).toEqual(api);
  });

  it("of what has changed adds, replaces and removes pools, and touches no other", async () => {
    const supervisor = await start({ www: {}, api: {}, old: {} });
    const www = await who("www");
    write({ www: {}, api: { concurrency: 7 }, fresh: {} });
    expect(await supervisor.reload({ changed: true, pools: [] })).toMatchObject({
      pools: [
        { name: "api", from: 1, to: 2 },
        { name: "fresh", to: 1 },
        { name: "old", from: 1 },
      ],
      unchanged: 1,
    });
    expect(await who("www")).toEqual(www);
    expect(await who("fresh")).toMatchObject({ generation: 1 });
    expect(existsSync(socketOf("old"))).toBe(false);
    expect((await supervisor.status()).pools.map(({ name }) => name)).toEqual(["www", "api", "fresh"]);
  });

  it("moves a pool to another address, and lets go of the old one", async () => {
    const supervisor = await start();
    write({ www: { listen: "./moved.sock" } });
    await supervisor.reload("all");
    expect(await who("moved")).toMatchObject({ generation: 2 });
    expect(existsSync(socketOf("www"))).toBe(false);
    await supervisor.stop("test");
    expect(existsSync(socketOf("moved"))).toBe(false);
  });

  it("keeps a socket bound that goes from one pool to another", async () => {
    const supervisor = await start({ www: {}, api: {} });
    write({ www: { listen: "./api.sock" }, api: { listen: "./www.sock" } });
    await supervisor.reload("all");
    expect((await supervisor.status()).pools.map(({ listen }) => listen)).toEqual([socketOf("api"), socketOf("www")]);
    expect(await who("www")).toMatchObject({ generation: 2 });
  });

  it("takes more or fewer processes", async () => {
    const supervisor = await start({ www: { processes: 1 } });
    write({ www: { processes: 3 } });
    await supervisor.reload("all");
    const serving = async (): Promise<number> => (await supervisor.status()).pools[0]?.processes.length ?? 0;
    await eventually(async () => (await serving()) === 3);
    write({ www: { processes: 1 } });
    await supervisor.reload("all");
    await eventually(async () => (await serving()) === 1);
  });

  it("tells the old process to hand its connections over, and how long it has", async () => {
    const supervisor = await start();
    // Long enough for a busy machine: once it is over, the process is told again. In effect from the next reload on.
    write({ www: {} }, { stop_timeout: "60s" });
    await supervisor.reload("all");
    await supervisor.reload("all");
    const told = join(folder, "www.drain");
    const drained = await eventually(() => {
      const withinMs = existsSync(told) ? Number(readFileSync(told, "utf8")) : 0;
      return withinMs > 4500 && withinMs;
    });
    expect(drained).toBeGreaterThan(50_000);
  });

  it.each([
    ["does not boot", "boot-fails", "the app threw"],
    ["ends while it boots", "exit-at-boot", /before it was ready \(exit code 3\)/],
  ])("changes nothing when one pool's new generation %s", async (_, behaviour, message) => {
    const supervisor = await start({ www: {}, api: {} });
    const before = [await who("www"), await who("api")];
    write({ www: { behaviour }, api: {}, fresh: {} });
    await expect(supervisor.reload("all")).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringMatching(message),
    });
    expect([await who("www"), await who("api")]).toEqual(before);
    expect(existsSync(socketOf("fresh"))).toBe(false);
    await eventually(async () => (await supervisor.status()).pools.flatMap(({ processes }) => processes).length === 2);
    expect((await supervisor.status()).pools).toMatchObject([{ state: "ready", restarts: 0 }, { state: "ready" }]);
    write({ www: {}, api: {} });
    expect((await supervisor.reload("all")).pools).toMatchObject([
      { from: 1, to: 3 },
      { from: 1, to: 3 },
    ]);
  });

  it("changes nothing when the new generation is not ready in time", async () => {
    const clock = new FakeClock();
    const supervisor = await start({ www: {} }, clock);
    const before = await who("www");
    write({ www: { behaviour: "never-ready", boot_timeout: "30s" } });
    const reload = supervisor.reload("all");
    await eventually(async () => {
      clock.advance(1);
      const status = supervisor.status();
      clock.advance(1);
      return (await status).pools[0]?.processes.length === 2;
    });
    clock.advance(32_000);
    await expect(reload).rejects.toMatchObject({
      code: "BOOT",
      message: expect.stringMatching(/not ready within 30 s/),
    });
    expect(await who("www")).toEqual(before);
  });

  it("changes nothing when the configuration is wrong, or an address cannot be bound", async () => {
    const supervisor = await start();
    const before = await who("www");
    written = () => {
      throw new Fault("CONFIG", "line 3: no such option");
    };
    await expect(supervisor.reload("all")).rejects.toMatchObject({ code: "CONFIG" });
    write({ www: {}, api: { listen: "203.0.113.7:1" } });
    await expect(supervisor.reload("all")).rejects.toMatchObject({ code: "LISTEN" });
    await expect(supervisor.reload({ changed: false, pools: ["wwv"] })).rejects.toMatchObject({ code: "USAGE" });
    expect(await who("www")).toEqual(before);
    expect(log.join("")).toContain("no such option");
  });

  it("mends a pool whose processes do not live", async () => {
    const supervisor = await start({ www: { behaviour: "dies-when-ready" } });
    await eventually(() => log.filter((line) => line.includes("process lost")).length >= 2);
    write({ www: {} });
    await supervisor.reload("all");
    const { generation } = await who("www");
    expect(generation).toBe(2);
    expect((await supervisor.status()).pools[0]?.state).toBe("ready");
  });

  it("in a burst is two: the one that runs, and one with the newest configuration", async () => {
    const supervisor = await start();
    const all = Array.from({ length: 25 }, () => supervisor.reload("all"));
    write({ www: { concurrency: 9 } });
    await Promise.all(all);
    expect(await who("www")).toMatchObject({ generation: 3 });
  });

  it("is not kept waiting by another pool whose processes do not live", async () => {
    const supervisor = await start({ www: {}, api: { behaviour: "dies-when-ready" } });
    await eventually(() => log.filter((line) => line.includes("process lost")).length >= 2);
    expect(await supervisor.reload({ changed: false, pools: ["www"] })).toMatchObject({ unchanged: 1 });
  });

  it("that adds a pool which dies as soon as it serves leaves the others alone, and goes on trying", async () => {
    const supervisor = await start();
    write({ www: {}, api: { behaviour: "dies-when-ready" } });
    await supervisor.reload({ changed: true, pools: [] });
    await eventually(() => log.filter((line) => line.includes("pool api: process lost")).length >= 2);
    expect(await who("www")).toMatchObject({ generation: 1 });
  });

  it("ends with a stop that comes meanwhile, and leaves nothing behind", async () => {
    const supervisor = await start();
    write({ www: { behaviour: "never-ready" } });
    const reload = supervisor.reload("all");
    const refused = expect(reload).rejects.toMatchObject({ code: "BOOT", message: "stopped while it reloaded" });
    await eventually(() => log.some((line) => line.includes("process started") && line.includes('"generation":2')));
    await supervisor.stop("test");
    await refused;
    expect(existsSync(socketOf("www"))).toBe(false);
    await expect(supervisor.reload("all")).rejects.toMatchObject({ code: "BOOT" });
  });

  it("puts stop_timeout into effect and says what waits for the next start", async () => {
    const supervisor = await start();
    const before = await who("www");
    write({ www: {} }, { stop_timeout: "9s", log_level: "warn" });
    expect((await supervisor.reload("all")).warnings).toEqual([
      "supervisor.log_level has changed: it takes effect when Holdfast is started anew",
    ]);
    // It writes down as well how long it has.
    await eventually(() => !isRunning(before.pid));
    await supervisor.stop("test");
    expect(Number(readFileSync(join(folder, "www.drain"), "utf8"))).toBeGreaterThan(8000);
  });
});
