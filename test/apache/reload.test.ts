// Reloads and killed processes under load through a real Apache that keeps its connections.

import { readFileSync } from "node:fs";
import { HttpClients } from "../../bench/http-clients.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import { describeWithApache, startTestApache, type TestApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { isRunning } from "../support/processes.ts";
import { type Started, startedPrograms } from "../support/started.ts";

describeWithApache("through Apache, on connections that it keeps", () => {
  const program = startedPrograms();
  const CLIENTS = 16;
  let holdfast: Started;
  let apache: TestApache;
  const clients: HttpClients[] = [];

  async function start(pool: string): Promise<void> {
    holdfast = program();
    // Some requests are open at any time, and yet the clients leave the processor to those that boot.
    holdfast.app(`import { setTimeout } from "node:timers/promises";
      export default async () => { await setTimeout(10); return new Response("hello"); };`);
    holdfast.configure({ pool });
    holdfast.enterable();
    await holdfast.start();
    const site = renderApache(loadConfig(holdfast.config).config.pools, { layout: "prefix" });
    expect(site).toContain("enablereuse=on");
    apache = await startTestApache(holdfast.dir.path, [site]);
  }

  afterEach(async () => {
    for (const each of clients.splice(0)) await each.stop();
    await apache.stop();
  });

  /** Half of them ask again as soon as they are answered; the others idle between their requests. */
  function load(): HttpClients[] {
    const one = { port: apache.port, path: "/", clients: CLIENTS / 2, body: "hello" };
    clients.push(new HttpClients(one), new HttpClients({ ...one, requestsPerSecond: 100 }));
    return clients;
  }

  it("twenty reloads in a row lose no request [R1]", async () => {
    await start("processes = 2");
    const all = load();
    for (let n = 0; n < 20; n++) await holdfast.reload();
    const reports = await Promise.all(all.map((each) => each.stop()));
    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    expect(reports.reduce((sum, { answered }) => sum + answered, 0)).toBeGreaterThan(1000);
    const { pools } = await holdfast.status();
    expect(pools[0]).toMatchObject({ state: "ready", restarts: 0 });
    expect(readFileSync(`${holdfast.dir.path}/apache/error.log`, "utf8")).not.toMatch(/AH0\d{4}.*(error|failed|lost)/i);
  }, 120_000);

  it("a pool process that is killed costs at most what was open, and is replaced within a second [R6]", async () => {
    await start("threads = 1");
    const all = load();
    const failures = (): readonly string[] => all.flatMap((each) => each.failures);
    for (let n = 1; n <= 5; n++) {
      const answered = all[0]?.answered ?? 0;
      await eventually(() => (all[0]?.answered ?? 0) > answered + 50, 20_000);
      const [pid = 0] = await eventually(async () => {
        const pids = await holdfast.pids();
        return pids.length === 1 && pids;
      });
      process.kill(pid, "SIGKILL");
      await eventually(() => !isRunning(pid));
      expect((await holdfast.get()).status).toBe(200);
      expect(failures().length).toBeLessThanOrEqual(n * CLIENTS);
    }
    expect(failures().filter((reason) => !/^(502|503)/.test(reason))).toEqual([]);
  }, 120_000);
});
