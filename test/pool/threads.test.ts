// Workers as real threads.

import { FROM_WORKER } from "../../src/messages/lane.ts";
import { Threads } from "../../src/pool/threads.ts";
import { APP, type MakeSource, sources, workerSourceContract } from "../contracts/worker-source.ts";
import { eventually } from "../support/eventually.ts";

const errors: unknown[] = [];

const make =
  (maxThreads: number): MakeSource<Threads> =>
  (output) =>
    new Threads({
      maxThreads,
      memoryLimitBytes: 32 * 1024 * 1024,
      onError: (error) => errors.push(error),
      orphaned: () => {},
      output,
    });

describe("a worker thread", () => {
  afterEach(() => expect(errors.splice(0)).toEqual([]));

  workerSourceContract(make(4));

  const openOne = sources(make(1));
  const openFour = sources(make(4));

  it("leaves no memory behind that piles up while workers are recycled", async () => {
    const { ready, drain, ended } = openFour();
    const held = (): number => process.memoryUsage().arrayBuffers / 1024 / 1024;
    const before = held();
    let most = 0;
    for (let round = 0; round < 12; round++) {
      const some = await Promise.all([1, 2, 3].map(() => ready(APP)));
      for (const each of some) drain(each);
      await Promise.all(some.map((each) => ended(each)));
      most = Math.max(most, held() - before);
    }
    // A worker's lane takes 1.3 MiB; 36 of them took 46.
    expect(most).toBeLessThan(24);
  }, 120_000);

  it("waits for a place, and leaves none behind when it is ended while it waits", async () => {
    const { source, start, ready, drain, ended } = openOne();
    const first = await ready(APP);
    const [second, third] = [start(APP), start(APP)];
    second.seat.terminate();
    expect(await ended(second)).toContain("before its thread began");
    drain(first);
    await eventually(() => third.said.includes(FROM_WORKER.READY));
    expect([first.end(), source.alive, source.queued]).toEqual(["drained", 1, 0]);
  });
});
