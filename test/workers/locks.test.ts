import type { Fault } from "../../src/base/fault.ts";
import { lockName, underLock } from "../../workers/locks.ts";
import { currentExchange } from "../../workers/output.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeExchange } from "../support/fake-exchange.ts";
import { type SharedWorkers, sharedWorkers } from "../support/shared-workers.ts";

let clock: FakeClock;
let workers: SharedWorkers;

beforeEach(() => {
  clock = new FakeClock();
  workers = sharedWorkers(clock, 2);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const stateOf = (worker: 0 | 1) => {
  const state = workers.states[worker];
  if (state === undefined) throw new Error("no such worker");
  return state;
};

describe("a lock around work", () => {
  it("keeps everybody else of the pool out, and lets them in in order", async () => {
    const log: string[] = [];
    const under = (worker: 0 | 1, name: string) =>
      underLock(stateOf(worker), "L", async () => {
        log.push(`${name} in`);
        await turn();
        await turn();
        log.push(`${name} out`);
      });
    await Promise.all([under(0, "a"), under(1, "b"), under(0, "c"), under(1, "d")]);
    expect(log.join(" ")).toMatch(/^(\w in \w out ?){4}$/);
    expect(log.filter((_, n) => n % 2 === 0).map((each) => each[0])).toEqual(
      log.filter((_, n) => n % 2 === 1).map((each) => each[0]),
    );
  });

  it("resolves as the work does, and is free again also when it fails", async () => {
    expect(await underLock(stateOf(0), "L", () => 5)).toBe(5);
    await expect(underLock(stateOf(0), "L", () => Promise.reject(new Error("bad")))).rejects.toThrow("bad");
    await expect(
      underLock(stateOf(0), "L", () => {
        throw new Error("at once");
      }),
    ).rejects.toThrow("at once");
    expect(await underLock(stateOf(1), "L", () => 6, { wait: 0 })).toBe(6);
  });

  it("is had already inside of its own work", async () => {
    const inner = await underLock(stateOf(0), "L", () =>
      underLock(stateOf(0), "M", async () => {
        await turn();
        return underLock(stateOf(0), "L", () => "in");
      }),
    );
    expect(inner).toBe("in");
    await eventually(() => workers.shared.counts.locks.held === 0);
  });

  it("is not had by what its work has left behind", async () => {
    let later: Promise<string> | undefined;
    let begin = (): void => {};
    await underLock(stateOf(0), "L", () => {
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      later = begun.then(() => underLock(stateOf(0), "L", () => "after"));
    });
    await underLock(stateOf(1), "L", async () => {
      begin();
      await eventually(() => workers.shared.counts.locks.waiting === 1);
    });
    expect(await later).toBe("after");
  });

  it("is not had by another request that is called from inside of its work", async () => {
    const [mine, others] = [new FakeExchange(), new FakeExchange()];
    const said = await currentExchange.run(mine, () =>
      underLock(stateOf(0), "L", () =>
        currentExchange.run(others, () =>
          underLock(stateOf(0), "L", () => "had", { wait: 0 }).catch((fault: Fault) => fault.code),
        ),
      ),
    );
    expect(said).toBe("OVERLOAD");
  });

  it("is refused after the time that its asker waits: ten seconds, or what he says", async () => {
    let finish = (): void => {};
    const held = underLock(
      stateOf(0),
      lockName("report"),
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await eventually(() => workers.shared.counts.locks.held === 1);
    const refusals = [undefined, { wait: "2s" as const }].map((options) =>
      underLock(stateOf(1), lockName("report"), () => 1, options).catch((fault: Fault) => fault.message),
    );
    await eventually(() => workers.shared.counts.locks.waiting === 2);
    clock.advance(2000);
    expect(await refusals[1]).toMatch(/app:report was not free within 2000 ms: worker 1 has held it for 2000 ms/);
    expect(workers.shared.counts.locks.waiting).toBe(1);
    clock.advance(8000);
    expect(await refusals[0]).toMatch(/within 10000 ms/);
    finish();
    await held;
  });

  it("goes on when it is held for longer than was said, and the log hears of it", async () => {
    let finish = (): void => {};
    const held = underLock(
      stateOf(0),
      "L",
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
      { hold: "1m" },
    );
    await eventually(() => workers.shared.counts.locks.held === 1);
    const next = underLock(stateOf(1), "L", () => "next", { wait: "5m" });
    await eventually(() => workers.shared.counts.locks.waiting === 1);
    clock.advance(60_000);
    expect([await next, workers.overheld]).toEqual(["next", ["L of 1"]]);
    finish();
    await held;
  });

  it("is refused with times that are none", async () => {
    await expect(underLock(stateOf(0), "L", () => 1, { wait: -1 })).rejects.toThrow("wait cannot be -1");
    await expect(underLock(stateOf(0), "L", () => 1, { hold: 0 })).rejects.toThrow("hold cannot be 0");
  });
});
