// Finds pool processes that live and do nothing: their main thread answers no more. No app runs there,
// so it takes a defect, a debugger or a stopped process; whoever connects would wait for ever.

import type { Clock, Instant } from "../base/clock.ts";

/** Questions in the time that a process may be silent. */
const QUESTIONS = 4;

/** A process that can be asked. */
export interface Asked {
  /** Resolves with undefined if no answer came in time. */
  ping(withinMs: number): Promise<number | undefined>;
}

export interface HeartbeatOptions<P extends Asked> {
  readonly clock: Clock;
  /** How long a process may be silent. */
  readonly timeoutMs: number;
  /** Those that should answer now. */
  readonly processes: () => readonly P[];
  /** Called again and again for a process that stays silent. */
  readonly silent: (process: P) => void;
}

/** Asks until the returned function is called. */
export function watchHeartbeats<P extends Asked>(options: HeartbeatOptions<P>): () => void {
  const { clock, timeoutMs, processes, silent } = options;
  const everyMs = timeoutMs / QUESTIONS;
  let heard = new WeakMap<P, Instant>();
  let lastTurn = clock.now();
  let cancel = (): void => {};
  const turn = (): void => {
    const now = clock.now();
    // We were stopped ourselves, as when the machine slept: then nobody's silence means anything.
    if (now - lastTurn > 2 * everyMs) heard = new WeakMap();
    lastTurn = now;
    for (const process of processes()) {
      const since = heard.get(process);
      if (since === undefined) heard.set(process, now);
      else if (now - since >= timeoutMs) silent(process);
      void process.ping(timeoutMs).then((answer) => {
        if (answer !== undefined) heard.set(process, clock.now());
      });
    }
    // What has arrived by then is read before anybody is judged again.
    const read = setImmediate(() => {
      cancel = clock.at(now + everyMs, turn);
    });
    cancel = () => clearImmediate(read);
  };
  cancel = clock.at(lastTurn + everyMs, turn);
  return () => cancel();
}
