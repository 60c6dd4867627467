// What should happen now, from what is wanted and what is. Pure: same inputs, same actions; no clock,
// no process. It is asked again after every event and every action, so nothing depends on having
// seen an event: a crash, a start, a reload and a stop are not four mechanisms but four inputs.

import type { Instant } from "../base/clock.ts";
import type { PoolHistory } from "./history.ts";

/** A version of a pool, and how many processes it consists of. */
export interface Generation {
  readonly generation: number;
  readonly processes: number;
}

export interface WantedPool {
  readonly name: string;
  /** Serves, and is kept up. Undefined: the pool is new, and a reload has to succeed before it serves. */
  readonly current: Generation | undefined;
  /** Boots beside it, and takes its place once it could serve as a whole. */
  readonly next: Generation | undefined;
}

export interface Wanted {
  readonly pools: readonly WantedPool[];
  /** `booting` until every `next` could serve; `failed` once one of them cannot. All pools change, or none does. */
  readonly reload: "none" | "booting" | "failed";
  /** Nobody listens yet: another supervisor still serves. */
  readonly hold: boolean;
  /** Set when everything is to end: by then nothing runs any more. */
  readonly endBy: Instant | undefined;
  /** Another supervisor serves from now on, and takes the connections that are kept. */
  readonly heir: boolean;
  /** How long a replaced process may take to drain, ms. */
  readonly drainMs: number;
}

/**
 * starting: its workers boot. booted: it could serve, and waits until it may. opening: it was told to
 * listen. ready: it serves. draining: it finishes what it has. gone: it has ended.
 */
export type ProcessState = "starting" | "booted" | "opening" | "ready" | "draining" | "gone";

/** A pool process as the supervisor sees it. */
export interface ProcessView {
  readonly id: number;
  readonly pool: string;
  readonly generation: number;
  readonly state: ProcessState;
  /** When it must have left its state: to be ready, or to be gone. Infinity while it may stay as it is. */
  readonly deadline: Instant;
  readonly killed: boolean;
  /** It asked to be replaced, and serves until it is. */
  readonly outgoing: boolean;
  /** It drains, and gives its connections away instead of ending them. */
  readonly handsOver: boolean;
}

export interface Actual {
  readonly processes: readonly ProcessView[];
  readonly history: (pool: string) => PoolHistory;
}

export type Action =
  | { readonly kind: "spawn"; readonly pool: string; readonly generation: number }
  /** It may listen. */
  | { readonly kind: "serve"; readonly id: number }
  /** `handOver`: somebody serves who can take its connections. */
  | { readonly kind: "drain"; readonly id: number; readonly by: Instant; readonly handOver: boolean }
  /** It passed its deadline. */
  | { readonly kind: "kill"; readonly id: number }
  /** The process is gone: its life goes into the pool's history. */
  | { readonly kind: "forget"; readonly id: number }
  /** The first start of this pool failed: so does the whole start. */
  | { readonly kind: "give-up"; readonly pool: string }
  /** Every `next` becomes `current`. */
  | { readonly kind: "promote" }
  /** Every `next` is dropped, and what serves serves on. */
  | { readonly kind: "roll-back" }
  /** Nothing is to be done before then. */
  | { readonly kind: "wake"; readonly at: Instant };

/** `startsAtOnce`: processes that may be booting at a time, besides those that take the place of a lost one. */
export function plan(
  wanted: Wanted,
  actual: Actual,
  now: Instant,
  startsAtOnce = Number.POSITIVE_INFINITY,
): readonly Action[] {
  const gone = actual.processes.filter(({ state }) => state === "gone");
  // What a death means for the next spawn is known only once it is in the history.
  if (gone.length > 0) return gone.map(({ id }) => ({ kind: "forget", id }));
  const actions = [
    ...overdue(actual.processes, now),
    ...(wanted.endBy === undefined ? running(wanted, actual, now) : ending(wanted, wanted.endBy, actual.processes)),
  ];
  const possible = inTurn(actions, wanted, actual, startsAtOnce);
  const due = possible.filter((action) => action.kind !== "wake");
  return due.length > 0 ? due : earliest(actions);
}

/**
 * Without the starts that have to wait for others. All at once, each would take as long as all of them
 * together, and where there are many they would pass their boot timeout.
 */
function inTurn(
  actions: readonly Action[],
  { pools }: Wanted,
  { processes, history }: Actual,
  startsAtOnce: number,
): readonly Action[] {
  let free = startsAtOnce - processes.filter(({ state, killed }) => state === "starting" && !killed).length;
  const isReplacement = (pool: string, generation: number): boolean =>
    history(pool).complete && pools.some(({ name, current }) => name === pool && current?.generation === generation);
  return actions.filter((action) => {
    if (action.kind !== "spawn" || isReplacement(action.pool, action.generation)) return true;
    free--;
    return free >= 0;
  });
}

function overdue(processes: readonly ProcessView[], now: Instant): readonly Action[] {
  return processes
    .filter(({ killed }) => !killed)
    .map(({ id, deadline }) => (now < deadline ? { kind: "wake", at: deadline } : { kind: "kill", id }));
}

function ending({ heir }: Wanted, endBy: Instant, processes: readonly ProcessView[]): readonly Action[] {
  return processes
    .filter(
      ({ state, deadline, killed, handsOver }) =>
        !killed && (state !== "draining" || deadline > endBy || handsOver !== heir),
    )
    .map(({ id, state, deadline }) => {
      const by = state === "draining" ? Math.min(deadline, endBy) : endBy;
      return { kind: "drain", id, by, handOver: heir };
    });
}

function running(wanted: Wanted, actual: Actual, now: Instant): readonly Action[] {
  if (wanted.reload === "failed") return [{ kind: "roll-back" }];
  if (wanted.reload === "booting" && wanted.pools.every((pool) => couldChange(pool, actual))) {
    return [{ kind: "promote" }];
  }
  const drainBy = now + wanted.drainMs;
  const strangers = actual.processes.filter(({ pool }) => !wanted.pools.some(({ name }) => name === pool));
  return [
    // Nobody is left who would take their connections.
    ...drain(strangers, drainBy, false),
    ...wanted.pools.flatMap((pool) => [
      ...upkeep(pool, wanted.hold, actual, now),
      ...preparation(pool, actual),
      ...replacement(pool, actual, drainBy),
    ]),
  ];
}

/** Keeps what serves complete. */
function upkeep({ name, current }: WantedPool, hold: boolean, actual: Actual, now: Instant): readonly Action[] {
  if (current === undefined) return [];
  const { failures, complete, retryAt } = actual.history(name);
  if (failures > 0 && !complete) return [{ kind: "give-up", pool: name }];
  const processes = staying(name, current, actual);
  const booted = hold ? [] : processes.filter(({ state }) => state === "booted");
  const missing = current.processes - processes.length;
  return [
    ...booted.map(({ id }): Action => ({ kind: "serve", id })),
    ...(missing > 0 && now < retryAt ? [{ kind: "wake", at: retryAt } as const] : spawn(name, current, missing)),
  ];
}

/** Starts what is to come. Nothing of it is ever started again: one that dies has failed the reload. */
function preparation({ name, next }: WantedPool, actual: Actual): readonly Action[] {
  return next === undefined ? [] : spawn(name, next, next.processes - of(name, next, actual).length);
}

/** Drains what is not wanted any more, once what is wanted serves. */
function replacement({ name, current, next }: WantedPool, actual: Actual, drainBy: Instant): readonly Action[] {
  const kept = current === undefined ? [] : staying(name, current, actual);
  const coming = next === undefined ? [] : of(name, next, actual);
  const former = actual.processes.filter(
    (process) => process.pool === name && !kept.includes(process) && !coming.includes(process),
  );
  const succeeded = current !== undefined && kept.filter(({ state }) => state === "ready").length >= current.processes;
  const useless = former.filter((process) => !isServing(process));
  return [...(succeeded ? drain(former.filter(isServing), drainBy, true) : []), ...drain(useless, drainBy, false)];
}

const isServing = ({ state }: ProcessView): boolean => state === "ready" || state === "opening";

/** Whether the new version of the pool could take its place at once. */
function couldChange({ name, next }: WantedPool, actual: Actual): boolean {
  return (
    next === undefined || of(name, next, actual).filter(({ state }) => state === "booted").length >= next.processes
  );
}

function of(pool: string, { generation }: Generation, { processes }: Actual): readonly ProcessView[] {
  return processes.filter(
    (process) => process.pool === pool && process.generation === generation && process.state !== "draining",
  );
}

/** Without the first of those that asked to be replaced: one at a time. */
function staying(pool: string, current: Generation, actual: Actual): readonly ProcessView[] {
  const all = of(pool, current, actual);
  const leaver = all.find(({ outgoing }) => outgoing);
  return all.filter((process) => process !== leaver);
}

function spawn(pool: string, { generation }: Generation, count: number): readonly Action[] {
  return Array.from({ length: Math.max(0, count) }, () => ({ kind: "spawn", pool, generation }));
}

function drain(processes: readonly ProcessView[], by: Instant, handOver: boolean): readonly Action[] {
  return processes.filter(({ state }) => state !== "draining").map(({ id }) => ({ kind: "drain", id, by, handOver }));
}

function earliest(wakes: readonly Action[]): readonly Action[] {
  const at = Math.min(...wakes.flatMap((action) => (action.kind === "wake" ? [action.at] : [])));
  return at === Number.POSITIVE_INFINITY ? [] : [{ kind: "wake", at }];
}
