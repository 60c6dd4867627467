import { type CheckedWorker, Checkups, LOOK_MS } from "../../src/pool/checkups.ts";
import { lifeSpan, MEMORY_REST_MS, NO_RECYCLING } from "../../src/pool/recycling.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MAX_MEMORY_BYTES = 100;

class FakeWorker implements CheckedWorker {
  state = "idle";
  startedAt = 0;
  served = 0;
  memoryBytes = 0;
  weighings = 0;
  readonly span = lifeSpan({ ...NO_RECYCLING, maxRequests: 10, maxAgeMs: 60_000 }, 0);

  weigh(): void {
    this.weighings++;
  }
}

describe("a look at the workers", () => {
  let clock: FakeClock;
  let workers: [FakeWorker, FakeWorker];
  let recycled: string[];
  let looks: number;

  beforeEach(() => {
    clock = new FakeClock();
    workers = [new FakeWorker(), new FakeWorker()];
    recycled = [];
    looks = 0;
  });

  function checkups(threads = { min: 2, max: 2, idleTimeoutMs: 0 }): Checkups<FakeWorker> {
    const asked = new Set<FakeWorker>();
    return new Checkups({
      clock,
      threads,
      maxMemoryBytes: MAX_MEMORY_BYTES,
      workers,
      recycle: (worker, reason) => {
        if (asked.has(worker)) return false;
        asked.add(worker);
        recycled.push(`${workers.indexOf(worker)}: ${reason.split(":")[0]}`);
        return true;
      },
      looked: () => {
        looks++;
      },
    });
  }

  it("finds who is old enough, and weighs each for the next look, once a second", () => {
    workers[1].startedAt = 1000;
    checkups().begin();
    clock.advance(59_000);
    expect(recycled).toEqual([]);
    clock.advance(1000);
    expect(recycled).toEqual(["0: recycle.max_age"]);
    clock.advance(1000);
    expect(recycled).toEqual(["0: recycle.max_age", "1: recycle.max_age"]);
    expect([looks, workers[0].weighings]).toEqual([61, 61]);
  });

  it("finds who was given its last request without waiting for the second to be over", () => {
    workers[0].served = 10;
    checkups().look(workers[0]);
    expect(recycled).toEqual(["0: recycle.max_requests"]);
  });

  it("leaves workers alone that do not serve yet, or no more", () => {
    workers[0].served = 10;
    workers[0].state = "draining";
    checkups().look(workers[0]);
    expect(recycled).toEqual([]);
  });

  it("finds one at a time that holds too much, and the next after a rest", () => {
    for (const worker of workers) worker.memoryBytes = MAX_MEMORY_BYTES;
    checkups().begin();
    clock.advance(LOOK_MS + MEMORY_REST_MS - 1);
    expect(recycled).toEqual(["0: recycle.max_memory"]);
    clock.advance(1);
    expect(recycled).toEqual(["0: recycle.max_memory", "1: recycle.max_memory"]);
  });

  it("comes four times within an idle timeout that is shorter than four seconds, where workers come and go", () => {
    checkups({ min: 0, max: 2, idleTimeoutMs: 400 }).begin();
    clock.advance(1000);
    expect(looks).toBe(10);
  });

  it("comes no more after the end", () => {
    const ended = checkups();
    ended.begin();
    ended.end();
    ended.begin();
    expect(clock.pending).toBe(0);
  });
});
