// What a pool counts is what its clients count. One suite for two lengths: status.test.ts and status.long.ts.

import type { PoolStatus } from "../../src/messages/lifecycle.ts";
import { eventually } from "../support/eventually.ts";
import { MIXED_HANDLERS, runMixedLoad } from "../support/mixed-load.ts";
import { parseOpenMetrics, sampleOf } from "../support/openmetrics.ts";
import { paramsOf, type RunningPool, startPool } from "../support/pool.ts";

const CLIENTS = 16;
const THREADS = 2;
/** Of each request, on a machine that does much else. */
const REQUEST_MS = 5;
const START_MS = 20_000;

export function countsAsItsClients(requests: number): void {
  let running: RunningPool | undefined;
  const deadlineMs = START_MS + requests * REQUEST_MS;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it(
    `counts as its clients do, over ${requests} requests of every kind on kept connections`,
    async () => {
      running = await startPool(MIXED_HANDLERS, {
        threads: THREADS,
        // Long enough for all but those that wait for it, also where much else is done.
        request: { timeout: "2500ms", grace: "3s" },
        status: { path: "/-/status", ping_path: "/-/ping", metrics_path: "/-/metrics" },
      });
      const pool = running;
      const watcher = await pool.connect();
      let looks = 0;
      const seen: PoolStatus[] = [];
      const look = async (): Promise<void> => {
        looks++;
        const reply = await watcher.request({ params: paramsOf("/-/status?json") });
        watcher.forget();
        seen.push(JSON.parse(reply.body.toString()).holdfast);
      };
      let over = false;
      const load = runMixedLoad({ requests, clients: CLIENTS, connect: () => pool.connect(20_000) }).finally(() => {
        over = true;
      });
      const watch = eventually(async () => {
        await look();
        return over;
      }, deadlineMs);
      const [{ kinds, responses }] = await Promise.all([load, watch]);
      // What was aborted is over for its client before its handler knows.
      await eventually(() => {
        const { connections, workers } = pool.pool.status();
        return connections === 1 && workers.every(({ open }) => open === 0);
      });
      await look();
      const status = seen.at(-1);

      const served = kinds.hello + kinds.throws + kinds.echo + kinds.stream + kinds.missing;
      const refused = kinds["too long"] + kinds.contradiction + kinds["times out"];
      expect(status).toMatchObject({
        accepted: requests + looks,
        served,
        // The page that says so is not answered yet.
        own: kinds.ping + looks - 1,
        refused,
        cut: kinds.breaks,
        aborted: kinds.aborted,
        // One whose time is over fails by what its signal says.
        failed: kinds.throws + kinds.breaks + kinds["times out"],
        timedOut: kinds["times out"],
        responses,
        faults: { LIMIT: kinds["too long"], REQUEST: kinds.contradiction, TIMEOUT: kinds["times out"] },
        open: 0,
        queue: 0,
        connections: 1,
        workersLost: 0,
      });
      expect(status?.connectionsAccepted).toBe(1 + CLIENTS + kinds.breaks);
      const admitted = served + kinds.breaks + kinds.aborted + kinds["times out"];
      expect(status?.durations.total.count).toBe(admitted);

      for (const each of seen) {
        const { accepted, served, own, refused, cut, aborted, open } = each;
        // At every moment each request is in one place; the one that asks is in none of them yet.
        expect(accepted - served - own - refused - cut - aborted - open).toBe(1);
        expect(each.workers.filter(({ open }) => open > 0).length).toBeLessThanOrEqual(THREADS);
        expect(each.open).toBeLessThanOrEqual(CLIENTS);
        expect(each.openPeak).toBeLessThanOrEqual(CLIENTS);
        expect(each.workersBusyPeak).toBeLessThanOrEqual(THREADS);
        expect(each.connections).toBeLessThanOrEqual(1 + 2 * CLIENTS);
      }
      const metrics = parseOpenMetrics((await pool.get("/-/metrics")).body.toString());
      expect(sampleOf(metrics, "holdfast_requests_finished", { outcome: "served" })).toBe(served);
      expect(sampleOf(metrics, "holdfast_responses", { class: "5xx" })).toBe(responses[4]);
      expect(sampleOf(metrics, "holdfast_request_duration_seconds", { le: "+Inf" })).toBe(admitted);
    },
    deadlineMs + 10_000,
  );
}
