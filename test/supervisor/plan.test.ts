import { NO_HISTORY, type PoolHistory } from "../../src/supervisor/history.ts";
import {
  type Action,
  type Generation,
  type ProcessView,
  plan,
  type Wanted,
  type WantedPool,
} from "../../src/supervisor/plan.ts";

const NEVER = Number.POSITIVE_INFINITY;
const gen = (generation: number, processes = 1): Generation => ({ generation, processes });
const pool = (over: Partial<WantedPool> = {}): WantedPool => ({
  name: "www",
  current: gen(1),
  next: undefined,
  ...over,
});
const wanted = (over: Partial<Wanted> = {}): Wanted => ({
  pools: [pool()],
  reload: "none",
  hold: false,
  endBy: undefined,
  heir: false,
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
  outgoing: false,
  handsOver: false,
  ...over,
});
const served: PoolHistory = { ...NO_HISTORY, complete: true };
const spawn = (generation = 1, name = "www"): Action => ({ kind: "spawn", pool: name, generation });

function planned(
  processes: readonly ProcessView[],
  { now = 0, history = served, ...want }: { now?: number; history?: PoolHistory } & Partial<Wanted> = {},
): readonly Action[] {
  return plan(wanted(want), { processes, history: () => history }, now);
}

describe("plan", () => {
  describe("while pools are wanted", () => {
    it("spawns what is missing", () => {
      expect(planned([])).toEqual([spawn()]);
    });

    it("spawns as many processes as the pool is to have, counting those that are starting", () => {
      const pools = [pool({ current: gen(1, 3) })];
      expect(planned([process({ state: "starting", deadline: 9 })], { pools })).toEqual([spawn(), spawn()]);
    });

    it("does nothing when everything is as wanted", () => {
      expect(planned([process({})])).toEqual([]);
    });

    it("looks at each pool by itself", () => {
      const pools = [pool(), pool({ name: "api" })];
      expect(planned([process({})], { pools })).toEqual([spawn(1, "api")]);
    });

    it("lets a process listen that has booted, and waits for it to do so", () => {
      expect(planned([process({ state: "booted" })])).toEqual([{ kind: "serve", id: 1 }]);
      expect(planned([process({ state: "opening", deadline: 50 })])).toEqual([{ kind: "wake", at: 50 }]);
    });

    it("lets nobody listen while another supervisor serves", () => {
      expect(planned([process({ state: "booted" })], { hold: true })).toEqual([]);
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
      expect(planned([], { history, now: 700 })).toEqual([spawn()]);
    });

    it("replaces at once a process that leaves by itself, and kills it when it has not left in time", () => {
      const leaving = process({ state: "draining", deadline: 500 });
      expect(planned([leaving])).toEqual([spawn()]);
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

    it("drains processes of a pool that is wanted no more, and ends their connections", () => {
      expect(planned([process({})], { pools: [], now: 10 })).toEqual([
        { kind: "drain", id: 1, by: 1010, handOver: false },
      ]);
    });
  });

  describe("when a process asks to be replaced", () => {
    const leaver = process({ id: 1, outgoing: true });

    it("starts another beside it", () => {
      expect(planned([leaver])).toEqual([spawn()]);
    });

    it("lets it serve until the other does", () => {
      expect(planned([leaver, process({ id: 2, state: "booted" })])).toEqual([{ kind: "serve", id: 2 }]);
      expect(planned([leaver, process({ id: 2, state: "opening", deadline: 9 })])).toEqual([{ kind: "wake", at: 9 }]);
    });

    it("then drains it, and it hands its connections over", () => {
      expect(planned([leaver, process({ id: 2 })], { now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 1005, handOver: true },
      ]);
    });

    it("replaces one after the other, so that most serve at any time", () => {
      const pools = [pool({ current: gen(1, 3) })];
      const three = [1, 2, 3].map((id) => process({ id, outgoing: true }));
      expect(planned(three, { pools })).toEqual([spawn()]);
      expect(planned([...three, process({ id: 4 })], { pools, now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 1005, handOver: true },
      ]);
    });
  });

  describe("while a reload boots the next generation", () => {
    const pools = [pool({ current: gen(1, 2), next: gen(2, 2) })];
    const old = [process({ id: 1 }), process({ id: 2 })];
    const fresh = (id: number, state: ProcessView["state"]): ProcessView =>
      process({ id, generation: 2, state, deadline: state === "starting" ? 60_000 : NEVER });
    const booting = { pools, reload: "booting" } as const;

    it("starts it beside the old one", () => {
      expect(planned(old, booting)).toEqual([spawn(2), spawn(2)]);
    });

    it("lets none of it listen before all of it could", () => {
      expect(planned([...old, fresh(3, "booted"), fresh(4, "starting")], booting)).toEqual([
        { kind: "wake", at: 60_000 },
      ]);
    });

    it("keeps the old one complete meanwhile", () => {
      expect(planned([process({}), fresh(3, "booted"), fresh(4, "starting")], booting)).toEqual([spawn(1)]);
    });

    it("promotes it when every process of every pool could serve", () => {
      const two = [...pools, pool({ name: "api", next: gen(7) })];
      const www = [...old, fresh(3, "booted"), fresh(4, "booted")];
      const api = process({ id: 5, pool: "api" });
      const next = process({ id: 6, pool: "api", generation: 7, state: "starting", deadline: 80 });
      expect(planned([...www, api, next], { pools: two, reload: "booting" })).toEqual([{ kind: "wake", at: 80 }]);
      expect(
        planned([...www, api, { ...next, state: "booted", deadline: NEVER }], { pools: two, reload: "booting" }),
      ).toEqual([{ kind: "promote" }]);
    });

    it("promotes at once when nothing is to boot, as when a pool was only removed", () => {
      expect(planned([process({})], { reload: "booting" })).toEqual([{ kind: "promote" }]);
    });

    it("boots a pool that is new, and nothing serves of it before", () => {
      const added = [pool({ current: undefined, next: gen(1) })];
      expect(planned([], { pools: added, reload: "booting" })).toEqual([spawn(1)]);
    });

    it("rolls back when one process of it has failed", () => {
      expect(planned([...old, fresh(3, "booted")], { pools, reload: "failed" })).toEqual([{ kind: "roll-back" }]);
    });

    it("then ends what has booted of it", () => {
      const back = [pool({ current: gen(1, 2) })];
      expect(planned([...old, fresh(3, "booted"), fresh(4, "starting")], { pools: back, now: 5 })).toEqual([
        { kind: "drain", id: 3, by: 1005, handOver: false },
        { kind: "drain", id: 4, by: 1005, handOver: false },
      ]);
    });

    it("once promoted, drains the old one when every process of the new one serves, and not before", () => {
      const promoted = [pool({ current: gen(2, 2) })];
      const opening = { ...fresh(4, "opening"), deadline: 50 };
      expect(planned([...old, fresh(3, "ready"), opening], { pools: promoted })).toEqual([{ kind: "wake", at: 50 }]);
      expect(planned([...old, fresh(3, "ready"), fresh(4, "ready")], { pools: promoted, now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 1005, handOver: true },
        { kind: "drain", id: 2, by: 1005, handOver: true },
      ]);
    });
  });

  describe("when there is much to start", () => {
    const pools = ["a", "b", "c"].map((name) => pool({ name, current: gen(1, 2) }));
    const starts = (processes: readonly ProcessView[], history: PoolHistory, over: Partial<Wanted> = {}) =>
      plan(wanted({ pools, ...over }), { processes, history: () => history }, 0, 3);

    it("starts so many at once, and the next when one of them has booted", () => {
      expect(starts([], NO_HISTORY)).toEqual([spawn(1, "a"), spawn(1, "a"), spawn(1, "b")]);
      const booting = ["a", "a", "b"].map((name, id) => process({ id, pool: name, state: "starting", deadline: 9 }));
      expect(starts(booting, NO_HISTORY)).toEqual([{ kind: "wake", at: 9 }]);
      const [first = process({}), ...others] = booting;
      const serving = { ...first, state: "ready", deadline: NEVER } as const;
      expect(starts([serving, ...others], NO_HISTORY)).toEqual([spawn(1, "b")]);
    });

    it("does not keep what has served waiting, whatever else boots", () => {
      const next = pools.map((each) => ({ ...each, next: gen(2, 2) }));
      const reload = { pools: next, reload: "booting" } as const;
      const serving = ["a", "b", "b", "c", "c"].map((name, id) => process({ id, pool: name }));
      expect(starts(serving, served, reload)).toEqual([spawn(1, "a"), spawn(2, "a"), spawn(2, "a"), spawn(2, "b")]);
      const booting = ["a", "a", "b"].map((name, id) =>
        process({ id: 10 + id, pool: name, generation: 2, state: "starting", deadline: 9 }),
      );
      expect(starts([...serving, ...booting], served, reload)).toEqual([spawn(1, "a")]);
    });
  });

  describe("while everything is to end", () => {
    it("drains every process to the same deadline, also one that is starting", () => {
      const processes = [process({ id: 1 }), process({ id: 2, state: "starting", deadline: 60_000 })];
      expect(planned(processes, { endBy: 3000, now: 5 })).toEqual([
        { kind: "drain", id: 1, by: 3000, handOver: false },
        { kind: "drain", id: 2, by: 3000, handOver: false },
      ]);
    });

    it("starts nothing, also in the middle of a reload", () => {
      expect(planned([], { endBy: 3000 })).toEqual([]);
      expect(planned([], { pools: [pool({ next: gen(2) })], reload: "booting", endBy: 3000 })).toEqual([]);
    });

    it("waits for what is draining, and kills it at the deadline", () => {
      const draining = process({ state: "draining", deadline: 3000 });
      expect(planned([draining], { endBy: 3000, now: 2999 })).toEqual([{ kind: "wake", at: 3000 }]);
      expect(planned([draining], { endBy: 3000, now: 3000 })).toEqual([{ kind: "kill", id: 1 }]);
    });

    it("hurries what is draining when the deadline comes nearer", () => {
      const draining = process({ state: "draining", deadline: 3000 });
      expect(planned([draining], { endBy: 100, now: 50 })).toEqual([
        { kind: "drain", id: 1, by: 100, handOver: false },
      ]);
    });

    it("leaves an earlier deadline as it is", () => {
      const draining = process({ state: "draining", deadline: 300 });
      expect(planned([draining], { endBy: 3000, now: 50 })).toEqual([{ kind: "wake", at: 300 }]);
    });

    it("tells one that hands its connections over that nobody takes them any more", () => {
      const draining = process({ state: "draining", deadline: 300, handsOver: true });
      expect(planned([draining], { endBy: 3000, now: 50 })).toEqual([
        { kind: "drain", id: 1, by: 300, handOver: false },
      ]);
    });

    it("hands connections over when another supervisor serves from now on", () => {
      expect(planned([process({})], { endBy: 3000, heir: true })).toEqual([
        { kind: "drain", id: 1, by: 3000, handOver: true },
      ]);
    });
  });
});
