// A lane to a child process: what is begun, and what comes back, without a shared word.

import { setTimeout as delay } from "node:timers/promises";
import { LEASE_MS, sharedClockMs } from "../../src/messages/pipe.ts";
import { laneContract, lanes } from "../contracts/lane.ts";
import { eventually } from "../support/eventually.ts";
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
    await eventually(() => made.exchange.carrier?.begun());
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
