import { NO_HISTORY, type PoolHistory } from "../../src/supervisor/history.ts";
import { type Action, type ProcessView, plan, type Wanted } from "../../src/supervisor/plan.ts";

const NEVER = Number.POSITIVE_INFINITY;
const wanted = (over: Partial<Wanted> = {}): Wanted => ({
  pools: [{ name: "www", generation: 1, processes: 1 }],
  endBy: undefined,
  drainMs: 1000,
  ...over,
});
const process = (over: Partial<ProcessView>): ProcessView => ({
  id: 1,
  pool: "www",
  generation: 1,
  state: "ready",
  deadline: NEVER,
  killed: false,
  ...over,
});
const served: PoolHistory = { ...NO_HISTORY, complete: true };

function planned(
  processes: readonly ProcessView[],
  { now = 0, history = served, ...want }: { now?: number; history?: PoolHistory } & Partial<Wanted> = {},
): readonly Action[] {
  return plan(wanted(want), { processes, history: () => history }, now);
}

describe("plan", () => {
  describe("while pools are wanted", () => {
    it("spawns what is missing", () => {
      expect(planned([])).toEqual([{ kind: "spawn", pool: "www", generation: 1 }]);
    });

    it("spawns as many processes as the pool is to have, counting those that are starting", () => {
      const pools = [{ name: "www", generation: 1, processes: 3 }];
      const spawn = { kind: "spawn", pool: "www", generation: 1 };
      expect(planned([process({ state: "starting", deadline: 9 })], { pools })).toEqual([spawn, spawn]);
    });

    it("does nothing when everything is as wanted", () => {
      expect(planned([process({})])).toEqual([]);
    });

    it("looks at each pool by itself", () => {
      const pools = [
        { name: "www", generation: 1, processes: 1 },
        { name: "api", generation: 1, processes: 1 },
      ];
      expect(planned([process({})], { pools })).toEqual([{ kind: "spawn", pool: "api", generation: 1 }]);
    });

    it("wakes when a starting process should have become ready, and kills it then", () => {
      const starting = process({ state: "starting", deadline: 500 });
      expect(planned([starting], { now: 499 })).toEqual([{ kind: "wake", at: 500 }]);
      expect(planned([starting], { now: 500 })).toEqual([{ kind: "kill", id: 1 }]);
    });

    it("kills a process once", () => {
      expect(planned([process({ state: "starting", deadline: 500, killed: true })], { now: 900 })).toEqual([]);
    });

    it("kills a serving process that must leave, when its time is over", () => {
      expect(planned([process({ deadline: 500 })], { now: 500 })).toEqual([{ kind: "kill", id: 1 }]);
    });

    it("forgets a process that is gone before it decides what that means", () => {
      expect(planned([process({ state: "gone" })])).toEqual([{ kind: "forget", id: 1 }]);
    });

    it("waits with the next process until its pause is over", () => {
      const history = { ...served, failures: 3, retryAt: 700 };
      expect(planned([], { history, now: 699 })).toEqual([{ kind: "wake", at: 700 }]);
      expect(planned([], { history, now: 700 })).toEqual([{ kind: "spawn", pool: "www", generation: 1 }]);
    });

    it("replaces at once a process that leaves by itself, and kills it when it has not left in time", () => {
      const leaving = process({ state: "draining", deadline: 500 });
      expect(planned([leaving])).toEqual([{ kind: "spawn", pool: "www", generation: 1 }]);
      const beside = process({ id: 2 });
      expect(planned([leaving, beside], { now: 499 })).toEqual([{ kind: "wake", at: 500 }]);
      expect(planned([leaving, beside], { now: 500 })).toEqual([{ kind: "kill", id: 1 }]);
    });

    it("waits with the replacement too, where processes have not lived long enough", () => {
      const history = { ...served, failures: 3, retryAt: 700 };
      const leaving = process({ state: "draining", deadline: 900 });
      expect(planned([leaving], { history, now: 699 })).toEqual([{ kind: "wake", at: 700 }]);
    });

    it("wakes for the earliest of several deadlines", () => {
      const processes = [
        process({ state: "starting", deadline: 500 }),
        process({ id: 2, state: "draining", deadline: 300 }),
      ];
      expect(planned(processes)).toEqual([{ kind: "wake", at: 300 }]);
    });

    it("gives up when a process of the first start failed", () => {
      const history = { ...NO_HISTORY, failures: 1 };
      expect(planned([], { history })).toEqual([{ kind: "give-up", pool: "www" }]);
    });

    it("drains processes of a pool that is wanted no more", () => {
      expect(planned([process({})], { pools: [], now: 10 })).toEqual([{ kind: "drain", id: 1, by: 1010 }]);
    });
  });

  describe("while one generation replaces another", () => {
    const pools = [{ name: "www", generation: 2, processes: 2 }];
    const old = [process({ id: 1 }), process({ id: 2 })];
    const fresh = (id: number, state: ProcessView["state"]): ProcessView =>
      process({ id, generation: 2, state, deadline: state === "starting" ? 60_000 : NEVER });

    it("starts the new one beside the old one", () => {
      const spawn = { kind: "spawn", pool: "www", generation: 2 };
      expect(planned(old, { pools })).toEqual([spawn, spawn]);
    });

    it("leaves the old one serving until every process of the new one does", () => {
      expect(planned([...old, fresh(3, "ready"), fresh(4, "starting")], { pools })).toEqual([
        { kind: "wake", at: 60_000 },
      ]);
    });

    it("drains the old one then", () => {
      expect(planned([...old, fresh(3, "ready"), fresh(4, "ready")], { pools, now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 1005 },
        { kind: "drain", id: 2, by: 1005 },
      ]);
    });
  });

  describe("while everything is to end", () => {
    it("drains every process to the same deadline, also one that is starting", () => {
      const processes = [process({ id: 1 }), process({ id: 2, state: "starting", deadline: 60_000 })];
      expect(planned(processes, { endBy: 3000, now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 3000 },
        { kind: "drain", id: 2, by: 3000 },
      ]);
    });

    it("starts nothing", () => {
      expect(planned([], { endBy: 3000 })).toEqual([]);
    });

    it("waits for what is draining, and kills it at the deadline", () => {
      const draining = process({ state: "draining", deadline: 3000 });
      expect(planned([draining], { endBy: 3000, now: 2999 })).toEqual([{ kind: "wake", at: 3000 }]);
      expect(planned([draining], { endBy: 3000, now: 3000 })).toEqual([{ kind: "kill", id: 1 }]);
    });

    it("hurries what is draining when the deadline comes nearer", () => {
      const draining = process({ state: "draining", deadline: 3000 });
      expect(planned([draining], { endBy: 100, now: 50 })).toEqual([{ kind: "drain", id: 1, by: 100 }]);
    });

    it("leaves an earlier deadline as it is", () => {
      const draining = process({ state: "draining", deadline: 300 });
      expect(planned([draining], { endBy: 3000, now: 50 })).toEqual([{ kind: "wake", at: 300 }]);
    });
  });
});
