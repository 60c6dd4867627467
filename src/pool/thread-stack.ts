// The JavaScript stack of a thread, taken from outside while the thread runs, through the inspector:
// it reaches a thread whose event loop never turns. Only that thread stops, for as long as it takes
// to list its calls. No port is opened: the session lives inside this process.
//
// What cannot be had: the stack of a thread in native code (a synchronous child process), or in one
// of the loops that V8 has optimised beyond interruption.

import { systemClock } from "../base/clock.ts";
import type { ScriptParsed } from "../base/inspection.ts";
import { describeCalls } from "./calls.ts";
import { type Found, ThreadInspection } from "./thread-inspection.ts";

export class ThreadStacks {
  #turn: Promise<unknown> = Promise.resolve();
  /** Threads whose inspection outlived its caller's patience. */
  readonly #busy = new Set<number>();

  /**
   * The stack of a thread of this process, as text; undefined where there is none within `withinMs`.
   * One at a time: whoever asks meanwhile waits, and its time runs.
   */
  take(threadId: number, withinMs: number): Promise<string | undefined> {
    const deadline = systemClock.now() + withinMs;
    const taken = this.#turn.then(() => this.#take(threadId, deadline));
    this.#turn = taken.catch(() => undefined); // whoever asked is told
    return taken;
  }

  async #take(threadId: number, deadline: number): Promise<string | undefined> {
    if (this.#busy.has(threadId)) return undefined;
    this.#busy.add(threadId);
    const inspection = new ThreadInspection(threadId);
    inspection.closed.then(() => this.#busy.delete(threadId));
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const cancel = systemClock.at(deadline, () => resolve(undefined));
    try {
      const found = await Promise.race([inspection.found, late]);
      const stack = found === undefined ? undefined : await describe(found);
      // Whoever ends a thread that still has the session may wait for ever (Node 22 and 24).
      await Promise.race([inspection.closed, late]);
      return stack;
    } finally {
      cancel();
      inspection.giveUp();
    }
  }
}

function describe({ calls, scripts }: Found): Promise<string | undefined> {
  return describeCalls(calls, (scriptId) => {
    const message = scripts.get(scriptId);
    return message === undefined ? undefined : (JSON.parse(message) as { readonly params: ScriptParsed }).params;
  });
}
