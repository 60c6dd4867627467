import { LINES_PER_WINDOW, LogLimit } from "../../src/pool/log-limit.ts";
import {
  LOOP_PROBE_MS,
  SlowLog,
  STACK_DEADLINE_MS,
  STACKS_PER_WINDOW,
  STACKS_WINDOW_MS,
  type WatchedWorker,
} from "../../src/pool/slow-log.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeCarrier, makeExchange } from "../support/fake-exchange-pool.ts";

const STACK = "at spin (/srv/app.ts:3:1)";

function setUp() {
  const clock = new FakeClock();
  const lines: Record<string, unknown>[] = [];
  const log = createLog("json", "debug", (line) => lines.push(JSON.parse(line)));
  const slowLog = new SlowLog({ clock, log, limit: new LogLimit(clock) });
  const asked: number[] = [];
  const worker = (id: number, turns: boolean, stack: () => Promise<string | undefined> = async () => STACK) => ({
    id,
    open: 1,
    probe: () => () => turns,
    stack: (withinMs: number) => {
      asked.push(withinMs);
      return stack();
    },
  });
  const exchange = () => {
    const made = makeExchange(clock);
    made.exchange.stdinEnd();
    made.exchange.give(new FakeCarrier());
    return made.exchange;
  };
  /** Notes a request, and waits until its line is there. */
  const note = async (of: WatchedWorker, request = exchange()) => {
    slowLog.note("slow request", of, request);
    clock.advance(LOOP_PROBE_MS);
    await new Promise((turn) => setImmediate(turn));
    return lines.at(-1);
  };
  return { clock, lines, slowLog, asked, worker, exchange, note };
}

describe("the slow log", () => {
  it("has the stack of a worker whose loop does not turn", async () => {
    const { clock, asked, worker, exchange, note } = setUp();
    const request = exchange();
    clock.advance(5000);
    expect(await note(worker(3, false), request)).toMatchObject({
      level: "warn",
      msg: "slow request",
      worker: 3,
      method: "GET",
      ms: 5000,
      open: 1,
      where: "blocked",
      phase: "no reply yet",
      stack: STACK,
    });
    expect(asked).toEqual([STACK_DEADLINE_MS]);
  });

  it("leaves a worker alone whose loop turns: the handler waits, and is on no stack", async () => {
    const { asked, worker, note } = setUp();
    const line = await note(worker(1, true));
    expect(line).toMatchObject({ where: "waiting", note: expect.stringContaining("the handler waits") });
    expect([line?.stack, asked]).toEqual([undefined, []]);
  });

  it("says what the pool knows of the request's progress", async () => {
    const { clock, worker, exchange, note } = setUp();
    const phases: unknown[] = [];
    const body = makeExchange(clock).exchange;
    body.give(new FakeCarrier());
    phases.push((await note(worker(1, true), body))?.phase);
    const streams = exchange();
    streams.head(Buffer.from("Status: 200\r\n\r\n"));
    phases.push((await note(worker(1, true), streams))?.phase);
    const gone = exchange();
    gone.peerGone();
    phases.push((await note(worker(1, true), gone))?.phase);
    expect(phases).toEqual([
      "the request body is not complete",
      "the reply is being sent",
      "nobody waits for the reply any more",
    ]);
  });

  it("takes one stack for all requests of one worker", async () => {
    const { clock, lines, slowLog, asked, worker, exchange } = setUp();
    const stuck = worker(1, false);
    for (let n = 0; n < 3; n++) slowLog.note("request timed out", stuck, exchange());
    clock.advance(LOOP_PROBE_MS);
    await new Promise((turn) => setImmediate(turn));
    expect([asked.length, lines.map(({ stack }) => stack)]).toEqual([1, [STACK, STACK, STACK]]);
  });

  it("takes a bounded number of stacks a minute", async () => {
    const { clock, asked, worker, note } = setUp();
    for (let n = 0; n < STACKS_PER_WINDOW; n++) {
      await note(worker(1, false));
      clock.advance(1000);
    }
    expect(await note(worker(1, false))).toMatchObject({ where: "blocked", note: expect.stringContaining("no stack") });
    clock.advance(STACKS_WINDOW_MS);
    expect(await note(worker(1, false))).toMatchObject({ stack: STACK });
    expect(asked).toHaveLength(STACKS_PER_WINDOW + 1);
  });

  it("writes a bounded number of lines, and counts the others", async () => {
    const { clock, lines, worker, note } = setUp();
    for (let n = 0; n < LINES_PER_WINDOW + 5; n++) await note(worker(1, true));
    expect(lines).toHaveLength(LINES_PER_WINDOW);
    clock.advance(1000);
    expect(await note(worker(1, true))).toMatchObject({ suppressed: 5 });
  });

  it("says so where no stack can be had", async () => {
    const { worker, note } = setUp();
    const nothing = await note(worker(1, false, async () => undefined));
    expect(nothing).toMatchObject({ where: "blocked", note: expect.stringContaining("native code") });
    const failed = await note(worker(2, false, () => Promise.reject(new Error("no inspector"))));
    expect(failed).toMatchObject({ where: "blocked", note: "no stack: no inspector" });
  });
});
