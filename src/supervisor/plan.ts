// What should happen now, from what is wanted and what is. Pure: same inputs, same actions; no clock,
// no process. It is asked again after every event and every action, so nothing depends on having
// seen an event: a crash, a start and a stop are not three mechanisms but three inputs.

import type { Instant } from "../base/clock.ts";
import type { PoolHistory } from "./history.ts";

export interface WantedPool {
  readonly name: string;
  /** Processes of any other generation are replaced by this one, which serves before they drain. */
  readonly generation: number;
  readonly processes: number;
}

export interface Wanted {
  readonly pools: readonly WantedPool[];
  /** Set when everything is to end: by then nothing runs any more. */
  readonly endBy: Instant | undefined;
  /** How long a replaced process may take to drain, ms. */
  readonly drainMs: number;
}

export type ProcessState = "starting" | "ready" | "draining" | "gone";

/** A pool process as the supervisor sees it. */
export interface ProcessView {
  readonly id: number;
  readonly pool: string;
  readonly generation: number;
  readonly state: ProcessState;
  /** When it must have left its state: to be ready, or to be gone. Infinity while it may stay as it is. */
  readonly deadline: Instant;
  readonly killed: boolean;
}

export interface Actual {
  readonly processes: readonly ProcessView[];
  readonly history: (pool: string) => PoolHistory;
}

export type Action =
  | { readonly kind: "spawn"; readonly pool: string; readonly generation: number }
  | { readonly kind: "drain"; readonly id: number; readonly by: Instant }
  /** It passed its deadline. */
  | { readonly kind: "kill"; readonly id: number }
  /** The process is gone: its life goes into the pool's history. */
  | { readonly kind: "forget"; readonly id: number }
  /** The first start of this pool failed: so does the whole start. */
  | { readonly kind: "give-up"; readonly pool: string }
  /** Nothing is to be done before then. */
  | { readonly kind: "wake"; readonly at: Instant };

export function plan(wanted: Wanted, actual: Actual, now: Instant): readonly Action[] {
  const gone = actual.processes.filter(({ state }) => state === "gone");
  // What a death means for the next spawn is known only once it is in the history.
  if (gone.length > 0) return gone.map(({ id }) => ({ kind: "forget", id }));
  const actions = [
    ...overdue(actual.processes, now),
    ...(wanted.endBy === undefined ? running(wanted, actual, now) : ending(wanted.endBy, actual.processes)),
  ];
  const due = actions.filter((action) => action.kind !== "wake");
  return due.length > 0 ? due : earliest(actions);
}

function overdue(processes: readonly ProcessView[], now: Instant): readonly Action[] {
  return processes
    .filter(({ killed }) => !killed)
    .map(({ id, deadline }) => (now < deadline ? { kind: "wake", at: deadline } : { kind: "kill", id }));
}

function ending(endBy: Instant, processes: readonly ProcessView[]): readonly Action[] {
  return processes
    .filter(({ state, deadline, killed }) => !killed && (state !== "draining" || deadline > endBy))
    .map(({ id }) => ({ kind: "drain", id, by: endBy }));
}

function running(wanted: Wanted, { processes, history }: Actual, now: Instant): readonly Action[] {
  const strangers = processes.filter(({ pool }) => !wanted.pools.some(({ name }) => name === pool));
  return [
    ...drain(strangers, now + wanted.drainMs),
    ...wanted.pools.flatMap((pool): readonly Action[] => {
      const ours = processes.filter((process) => process.pool === pool.name && process.state !== "draining");
      const current = ours.filter(({ generation }) => generation === pool.generation);
      const former = ours.filter(({ generation }) => generation !== pool.generation);
      const serving = current.filter(({ state }) => state === "ready").length;
      const { failures, complete, retryAt } = history(pool.name);
      if (failures > 0 && !complete) return [{ kind: "give-up", pool: pool.name }];
      const missing = pool.processes - current.length;
      return [
        ...(missing > 0 ? spawn(pool, missing, retryAt, now) : []),
        // The old serves until the new does.
        ...(serving >= pool.processes ? drain(former, now + wanted.drainMs) : []),
      ];
    }),
  ];
}

function spawn(pool: WantedPool, count: number, notBefore: Instant, now: Instant): readonly Action[] {
  if (now < notBefore) return [{ kind: "wake", at: notBefore }];
  return Array.from({ length: count }, () => ({ kind: "spawn", pool: pool.name, generation: pool.generation }));
}

function drain(processes: readonly ProcessView[], by: Instant): readonly Action[] {
  return processes.filter(({ state }) => state !== "draining").map(({ id }) => ({ kind: "drain", id, by }));
}

function earliest(wakes: readonly Action[]): readonly Action[] {
  const at = Math.min(...wakes.flatMap((action) => (action.kind === "wake" ? [action.at] : [])));
  return at === Number.POSITIVE_INFINITY ? [] : [{ kind: "wake", at }];
}
