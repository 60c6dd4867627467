// The JavaScript stack of a thread, taken from outside while the thread runs, through the inspector:
// it reaches a thread whose event loop never turns. Only that thread stops, for as long as it takes
// to list its calls. No port is opened: the session lives inside this process.
//
// What cannot be had: the stack of a thread in native code (a synchronous child process), or in one
// of the loops that V8 has optimised beyond interruption.

import { systemClock } from "../base/clock.ts";
import { loadSourceMap, sourcePlace } from "./source-map.ts";
import { formatStack, relevantFrames, type StackFrame } from "./stack.ts";
import { type CallFrame, type Found, NUDGE_URL, ThreadInspection } from "./thread-inspection.ts";

interface ScriptParsed {
  readonly url: string;
  readonly sourceMapURL?: string;
}

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
      // Whoever ends a thread that still has the session may wait for ever (Node 22).
      await Promise.race([inspection.closed, late]);
      return stack;
    } finally {
      cancel();
      inspection.giveUp();
    }
  }
}

async function describe({ calls, scripts }: Found): Promise<string | undefined> {
  const read = new Map<string, ScriptParsed>();
  const frames = calls.map((call) => frameOf(call, scriptOf(call)));
  // Stopped in nothing but the code that it was given, it had nothing to do.
  const shown = relevantFrames(frames.filter(({ url }) => url !== NUDGE_URL));
  if (shown.length === 0) return undefined;
  const maps = new Map<string, Awaited<ReturnType<typeof loadSourceMap>>>();
  for (const { scriptId, url } of shown) {
    if (maps.has(scriptId)) continue;
    maps.set(scriptId, await loadSourceMap({ url, sourceMapUrl: read.get(scriptId)?.sourceMapURL ?? "" }));
  }
  return formatStack(shown, (frame) => {
    const map = maps.get(frame.scriptId);
    return map === undefined ? undefined : sourcePlace(map, frame.url, frame);
  });

  function scriptOf({ location: { scriptId } }: CallFrame): ScriptParsed | undefined {
    const message = scripts.get(scriptId);
    if (message !== undefined && !read.has(scriptId)) {
      read.set(scriptId, (JSON.parse(message) as { readonly params: ScriptParsed }).params);
    }
    return read.get(scriptId);
  }
}

function frameOf({ functionName, location }: CallFrame, script: ScriptParsed | undefined): StackFrame {
  const { scriptId, lineNumber: line, columnNumber: column = 0 } = location;
  return { functionName, url: script?.url ?? "", line, column, scriptId };
}
