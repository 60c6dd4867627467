import { setImmediate } from "node:timers/promises";
import { type Asked, watchHeartbeats } from "../../src/supervisor/heartbeat.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Answers at once while it is awake. */
class Sleeper implements Asked {
  awake = true;
  ping(): Promise<number | undefined> {
    return Promise.resolve(this.awake ? 0 : undefined);
  }
}

describe("the heartbeat of pool processes", () => {
  let clock: FakeClock;
  let silent: Sleeper[];
  let end: () => void;

  function watch(...processes: readonly Sleeper[]): void {
    clock = new FakeClock();
    silent = [];
    end = watchHeartbeats({
      clock,
      timeoutMs: 8000,
      processes: () => processes,
      silent: (process) => silent.push(process),
    });
  }

  /** Time passes in steps that a running supervisor sees; answers arrive between them. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      await setImmediate();
    }
  }

  it("leaves processes alone that answer", async () => {
    watch(new Sleeper(), new Sleeper());
    await pass(60_000);
    expect(silent).toEqual([]);
  });

  it("tells of one that has been silent for as long as it may, and of no other", async () => {
    const [good, bad] = [new Sleeper(), new Sleeper()];
    watch(good, bad);
    await pass(10_000);
    bad.awake = false;
    await pass(7500);
    expect(silent).toEqual([]);
    await pass(3000);
    expect(new Set(silent)).toEqual(new Set([bad]));
  });

  it("gives one that never answered the same time", async () => {
    const mute = new Sleeper();
    mute.awake = false;
    watch(mute);
    await pass(9500);
    expect(silent).toEqual([]);
    await pass(1000);
    expect(silent).toEqual([mute]);
  });

  it("believes nobody's silence after it was stopped itself", async () => {
    const process = new Sleeper();
    watch(process);
    await pass(4000);
    process.awake = false;
    // The whole machine sleeps: our timers come late, all at once.
    clock.advance(1999);
    const asleep = clock.now();
    clock.now = () => asleep + 600_000;
    clock.advance(1);
    await setImmediate();
    expect(silent).toEqual([]);
    end();
  });

  it("asks nobody once it is over", () => {
    watch(new Sleeper());
    end();
    expect(clock.pending).toBe(0);
  });
});
