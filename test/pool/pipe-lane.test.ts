// A lane to a child process: what is begun, and what comes back, without a shared word.

import { setTimeout as delay } from "node:timers/promises";
import { LEASE_MS, sharedClockMs } from "../../src/messages/pipe.ts";
import { ASKS, NO_BYTES, writeAsk } from "../../src/messages/state.ts";
import { UNTAKEN_MAX } from "../../src/pool/pipe-lane.ts";
import { SharedState } from "../../src/pool/state/shared-state.ts";
import { laneContract, lanes } from "../contracts/lane.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { makeExchange } from "../support/fake-exchange-pool.ts";
import { type PipePair, pipePair } from "../support/pipe-pair.ts";

/** Lets the time of a lease pass without a turn of the event loop: the worker, in the same thread, sees nothing of it. */
function stall(ms = LEASE_MS + 1): void {
  const end = sharedClockMs() + ms;
  while (sharedClockMs() < end);
}

describe("a lane between pool and child process", () => {
  const tools = lanes(pipePair);
  const { clock, give, begin } = tools;
  const pair = (): PipePair => tools.pair as PipePair;

  laneContract(tools);

  it("leaves to a worker what it was just given, and takes it back when its lease is over", async () => {
    const first = await begin();
    const [second, third] = [give(), give()];
    expect(pair().handle.takeBack()).toEqual([]);
    stall();
    expect(pair().handle.takeBack()).toEqual([second.exchange, third.exchange]);
    expect([pair().handle.stalled, pair().handle.room]).toEqual([true, 0]);
    await eventually(() => !pair().handle.stalled);
    expect(pair().begun).toEqual([first.worker]);
    expect(second.exchange.state).toBe("queued");
  });

  it("takes back what it has not sent yet at once, and the worker begins nothing of it", async () => {
    const made = makeExchange(clock);
    made.exchange.stdinEnd();
    pair().handle.give(made.exchange);
    expect(pair().handle.takeBack()).toEqual([made.exchange]);
    const next = await begin();
    await eventually(() => !pair().handle.stalled);
    expect(pair().begun).toEqual([next.worker]);
  });

  it("gets back from a worker what it came too late for, and the next worker begins it however late", async () => {
    const late = give();
    stall();
    await eventually(() => pair().events.includes("givenBack"));
    expect([late.exchange.state, late.exchange.firm, pair().handle.open]).toEqual(["queued", true, 0]);
    expect(pair().begun).toEqual([]);
    pair().handle.give(late.exchange);
    pair().handle.post();
    stall();
    expect(pair().handle.takeBack()).toEqual([]);
    await eventually(() => pair().begun.length === 1);
  });

  it("never takes back an exchange whose body is still coming: a part of it may be gone", async () => {
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.from("half"));
    pair().handle.give(made.exchange);
    pair().handle.post();
    stall();
    expect(pair().handle.takeBack()).toEqual([]);
    const worker = await eventually(() => pair().begun[0]);
    made.exchange.stdin(Buffer.from(" and half"));
    made.exchange.stdinEnd();
    expect(Buffer.from((await worker.body.read()) ?? []).toString()).toBe("half");
    expect(Buffer.from((await worker.body.read()) ?? []).toString()).toBe(" and half");
  });

  it("knows of a worker that is stuck what it has begun, though it says nothing", async () => {
    const { handle } = pair();
    pair().lane.serve({ handle: () => stall(3 * LEASE_MS), drain: () => {} });
    const made = give();
    await eventually(() => {
      tools.giveAgain(made);
      return made.exchange.carrier?.begun();
    });
    expect([handle.unbegun, handle.takeBack()]).toEqual([0, []]);
  });

  it("gives back of a dead worker what it had not claimed, and counts as begun what it had", async () => {
    const begunOne = await begin();
    const waiting = give();
    pair().kill();
    const { back, lost } = pair().handle.bury();
    expect([back, lost]).toEqual([[waiting.exchange], [begunOne.exchange]]);
  });

  it("counts everything as begun of a worker that may not be dead yet", async () => {
    const waiting = give();
    pair().poolLane.died(false);
    const { back, lost } = pair().handle.bury();
    expect([back, lost]).toEqual([[], [waiting.exchange]]);
  });

  it("tells whether the worker's loop turns, also when there is nothing to say", async () => {
    const turned = pair().handle.probe();
    expect(turned()).toBe(false);
    await eventually(turned);
  });

  it("runs nothing twice and loses nothing, however often the worker is late", async () => {
    const waiting = new Set(Array.from({ length: 200 }, () => makeExchange(clock)));
    for (const { exchange } of waiting) exchange.stdinEnd();
    const queue = [...waiting].map(({ exchange }) => exchange);
    const begun: unknown[] = [];
    let turn = 0;
    pair().lane.serve({
      handle: (exchange) => {
        begun.push(exchange);
        if (turn++ % 5 === 0) stall(LEASE_MS - 2);
        exchange.reply(200, "\r\n", "");
      },
      drain: () => {},
    });
    await eventually(async () => {
      const all = [...waiting].map(({ exchange }) => exchange);
      for (const exchange of all) {
        // What came back by itself waits again.
        if (exchange.state === "queued" && exchange.carrier === undefined && !queue.includes(exchange)) {
          queue.push(exchange);
        }
      }
      while (pair().handle.room > 0 && queue.length > 0) {
        const next = queue.shift();
        if (next !== undefined && !next.closed) pair().handle.give(next);
      }
      pair().handle.post();
      await delay(1);
      queue.push(...pair().handle.takeBack());
      return all.every(({ closed }) => closed);
    }, 30_000);
    expect(begun).toHaveLength(200);
    expect([...waiting].map(({ outcomes }) => outcomes)).toEqual(Array(200).fill(["replied"]));
  });
});

describe("what a child process asks of the shared state", () => {
  const KIB = 1024;
  let clock: FakeClock;
  let pair: PipePair;

  beforeEach(async () => {
    clock = new FakeClock();
    const shared = new SharedState({
      clock,
      memoryBytes: 1024 * KIB,
      valueLimitBytes: 1024 * KIB,
      persist: false,
      stirred: () => {},
      overheld: () => {},
      inherited: () => {},
    });
    pair = await pipePair(clock, {
      asked: (worker, ask) => {
        shared.asked(worker, ask);
        setImmediate(() => worker.post());
      },
    });
    await pair.lane.state.set("cache", "short", Buffer.alloc(KIB));
    await pair.lane.state.set("cache", "long", Buffer.alloc(64 * KIB));
  });
  afterEach(() => pair.close());

  it("is answered however much it is, as long as it takes its answers", async () => {
    const { state } = pair.lane;
    // A few at a time: a busy machine is to answer each in time.
    for (let asked = 0; asked <= UNTAKEN_MAX; asked += 128) {
      const some = await Promise.all(Array.from({ length: 128 }, () => state.get("cache", "short")));
      expect(new Set(some.map((bytes) => bytes?.length))).toEqual(new Set([KIB]));
    }
    expect(pair.events).not.toContain("broken");
  });

  it("is asked by no worker of ours, and is the end of one, where it takes no answers and asks on", async () => {
    pair.workerSocket.pause();
    const ask = { id: 0, operation: ASKS.GET, space: "cache", key: "long", first: 0, second: 0 };
    for (let n = 0; n < 4 * UNTAKEN_MAX && !pair.events.includes("broken"); n++) {
      writeAsk(pair.lane.writer, { ...ask, id: n, expected: undefined, value: NO_BYTES });
      pair.lane.flush();
      if (n % 16 === 0) await new Promise(setImmediate);
    }
    await eventually(() => pair.events.includes("broken"));
    // Nothing that it says is read from then on.
    expect(pair.events.filter((event) => event === "broken")).toHaveLength(1);
  });
});
