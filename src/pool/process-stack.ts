// The JavaScript stack of a worker process, taken while it runs: asks the thread that watches its main thread
// (workers/watcher.ts). No port is opened: the inspector is spoken to inside of the worker's process.

import type { Socket } from "node:net";
import { systemClock } from "../base/clock.ts";
import { type Seen, seenReader, WATCH } from "../messages/watch.ts";
import { describeCalls } from "./calls.ts";

export class ProcessStack {
  readonly #socket: Socket;
  /** An answer is to come, also when nobody waits for it any more. */
  #isAsked = false;
  #answered = (_seen: Seen | undefined): void => {};

  /** `broken` is told of what is no answer. */
  constructor(socket: Socket, broken: (error: unknown) => void) {
    this.#socket = socket;
    const reader = seenReader((seen) => {
      if (!this.#isAsked) throw new RangeError("calls that nobody asked for");
      this.#isAsked = false;
      this.#answered(seen);
    });
    socket.on("data", (bytes: Buffer) => {
      try {
        reader.push(bytes);
      } catch (error) {
        socket.destroy();
        broken(error);
      }
    });
    socket.on("error", () => {}); // its process has ended, and says so
    socket.on("close", () => this.#answered(undefined));
  }

  /** Undefined where there is none within `withinMs`, or the watcher is still about what it was asked before. */
  async take(withinMs: number): Promise<string | undefined> {
    if (this.#isAsked || this.#socket.destroyed) return undefined;
    this.#isAsked = true;
    const { promise, resolve } = Promise.withResolvers<Seen | undefined>();
    this.#answered = resolve;
    this.#socket.write(Buffer.of(WATCH.LOOK));
    const cancel = systemClock.at(systemClock.now() + withinMs, () => {
      this.#socket.write(Buffer.of(WATCH.GIVE_UP));
      resolve(undefined);
    });
    try {
      const seen = await promise;
      if (seen === undefined) return undefined;
      const scripts = new Map(seen.scripts);
      return await describeCalls(seen.calls, (scriptId) => scripts.get(scriptId));
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
