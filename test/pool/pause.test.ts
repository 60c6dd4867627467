import { Pause } from "../../src/pool/pause.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("a pause after workers that were of no use", () => {
  let clock: FakeClock;
  let workers: { startedAt: number; completed: number }[];
  let overs: number;
  let pause: Pause;

  beforeEach(() => {
    clock = new FakeClock();
    workers = [];
    overs = 0;
    pause = new Pause({
      clock,
      backoff: { firstMs: 100, maxMs: 1000 },
      random: () => 0,
      workers,
      over: () => {
        overs++;
      },
    });
  });

  it("holds until its time is over, and grows with each failure", () => {
    const pauses = [1, 2, 3].map(() => {
      const { pauseMs } = pause.begin(clock.now());
      expect([pause.holds, pause.until]).toEqual([true, clock.now() + pauseMs]);
      clock.advance(pauseMs);
      expect([pause.holds, pause.until]).toEqual([false, undefined]);
      return pauseMs;
    });
    expect(pauses).toEqual([0, 50, 100]);
    expect(overs).toBe(3);
  });

  it("ends with the row of failures only once a worker that started later was of use", () => {
    pause.begin(0);
    clock.advance(10);
    workers.push({ startedAt: 10, completed: 0 });
    expect(pause.failures).toBe(1);
    workers[0] = { startedAt: 10, completed: 1 };
    expect(pause.failures).toBe(0);
  });

  it("may be ended before its time, and nobody is called then; the failures count on", () => {
    pause.begin(0);
    pause.end();
    expect([pause.holds, pause.failures, overs, clock.pending]).toEqual([false, 1, 0, 0]);
  });

  it("is over where the trouble is", () => {
    pause.begin(0);
    pause.heal();
    expect([pause.holds, pause.failures]).toEqual([false, 0]);
  });

  it("is not over because nobody is to be tried any more", () => {
    pause.begin(0);
    pause.close();
    expect([pause.holds, clock.pending]).toEqual([true, 0]);
  });
});
