// What a process that takes another's place runs before it serves, and that nobody but V8 notices.

import { Fault } from "../../src/base/fault.ts";
import type { Exchange } from "../../src/pool/exchange.ts";
import { REHEARSAL_MS, REHEARSAL_REQUESTS, type RehearsalOptions, rehearse } from "../../src/pool/rehearsal.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startedPools } from "../support/pool.ts";

const start = startedPools();
const NO_WORKER = new Fault("OVERLOAD", "no worker");
const LIMITS = {
  paramsBytes: 65_536,
  paramsCount: 200,
  openRequests: 1,
  receiveTimeoutMs: 10_000,
  stallTimeoutMs: 10_000,
};
const COUNTING = `let calls = 0;
export default (_request, ctx) => new Response(++calls + " " + ctx.worker.requests + " of worker " + ctx.worker.id);`;

describe("a rehearsal", () => {
  it.each(["thread", "process"])("is answered by workers without the app, with isolation = %p", async (isolation) => {
    const { pool, text } = await start({ "count.ts": COUNTING }, { isolation, threads: 1 });
    expect(await pool.rehearse()).toBeGreaterThan(0);
    expect(await text("/count.ts")).toBe("1 1 of worker 1");
  });

  it("is counted nowhere and logged nowhere", async () => {
    const accessed: string[] = [];
    const { pool, lines } = await start({ "count.ts": COUNTING }, { threads: 1 }, (line) => accessed.push(line));
    const before = lines.length;
    expect(await pool.rehearse()).toBeGreaterThan(0);
    const { accepted, served, own, refused, aborted, queuePeak, openPeak, connections, connectionsAccepted, workers } =
      pool.status();
    expect([accepted, served, own, refused, aborted, queuePeak, openPeak]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([connections, connectionsAccepted]).toEqual([0, 0]);
    expect(workers.map((worker) => worker.served)).toEqual([0]);
    expect(lines.slice(before)).toEqual([]);
    expect(accessed).toEqual([]);
  });

  it("wears nobody out: it asks for a quarter of recycle.max_requests at most", async () => {
    const { pool, text } = await start({ "count.ts": COUNTING }, { threads: 1, recycle: { max_requests: 40 } });
    expect(await pool.rehearse()).toBe(10);
    expect(await text("/count.ts")).toBe("1 1 of worker 1");
  });

  it("starts no worker that is not there", async () => {
    const { pool } = await start({ "count.ts": COUNTING }, { threads: { min: 0, max: 2 } });
    expect(await pool.rehearse()).toBe(0);
    expect(pool.status().workers).toEqual([]);
  });

  it("asks for no more at one time than the workers have room for", async () => {
    const clock = new FakeClock();
    const open: Exchange[] = [];
    let [submitted, most] = [0, 0];
    const dispatcher: RehearsalOptions["dispatcher"] = {
      submit: (exchange) => {
        expect(exchange.rehearsal).toBe(true);
        submitted++;
        most = Math.max(most, open.push(exchange));
        // Nobody is answered before all of them wait.
        if (open.length === 3 || submitted === 50) for (const one of open.splice(0)) one.fail(NO_WORKER);
      },
      arrived() {},
      forget() {},
    };
    const turns = { opened() {}, stirred() {} };
    expect(await rehearse({ clock, limits: LIMITS, dispatcher, turns, room: 3, requests: 50 })).toBe(50);
    expect(most).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it(`is given up after ${REHEARSAL_MS} ms`, async () => {
    const clock = new FakeClock();
    let submitted = 0;
    const dispatcher = { submit: () => submitted++, arrived() {}, forget() {} };
    const turns = { opened() {}, stirred() {} };
    const given = rehearse({ clock, limits: LIMITS, dispatcher, turns, room: REHEARSAL_REQUESTS });
    await eventually(() => submitted === 8);
    clock.advance(REHEARSAL_MS);
    expect(await given).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
