// What is said to the inspector of one thread: stops it, lists its calls, lets it go on. The order of
// what is said is all that matters here, because V8 leaves a thread stopped for ever, so that not even
// `terminate` ends it, whose session goes away while it is stopped, or before a stop that was asked for
// has come (Node 22, 24 and 26). So a session ends only when its thread has said that debugging is off,
// or is gone, however long that takes; and a stop that finds no code to stop at is given some.
//
//   Debugger.enable → Debugger.pause → (stopped) → no more stops · Debugger.resume → Debugger.disable → end

import { systemClock } from "./clock.ts";

/** A thread in JavaScript stops at once. One that has not stopped by then waits for an event: it is given code. */
const NUDGE_MS = 20;

/** The name of the code that it is given. */
export const NUDGE_URL = "holdfast:nudge";

/** A call that a stopped thread is in; lines and columns count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber?: number | undefined;
  };
}

/** What its inspector says of a script. */
export interface ScriptParsed {
  readonly url: string;
  readonly sourceMapURL?: string;
}

/** A session with a thread's inspector. */
export interface InspectorSession {
  /** The answer to it is to come as `answered(id)`. */
  say(id: number, method: string, params: object): void;
  /** Nothing is said any more. */
  end(): void;
}

type Step = "enabling" | "pausing" | "resuming" | "disabling" | "over";

export class Inspection {
  /** The innermost first. Undefined if the thread has gone. */
  readonly calls: Promise<readonly CallFrame[] | undefined>;
  /** The thread is free of this session. */
  readonly closed: Promise<void>;
  readonly #session: InspectorSession;
  readonly #calls = Promise.withResolvers<readonly CallFrame[] | undefined>();
  readonly #closed = Promise.withResolvers<void>();
  #step: Step = "enabling";
  #messages = 0;
  /** The number of the message whose answer is waited for. */
  #awaited = 0;
  #cancelNudge = (): void => {};
  #wanted = true;

  constructor(session: InspectorSession) {
    this.#session = session;
    this.calls = this.#calls.promise;
    this.closed = this.#closed.promise;
  }

  begin(): void {
    this.#awaited = this.#say("Debugger.enable");
  }

  /** Nobody waits for the result any more: the thread is not stopped if it has not been asked to. */
  giveUp(): void {
    this.#wanted = false;
  }

  answered(id: number): void {
    if (id !== this.#awaited) return;
    if (this.#step === "enabling") {
      if (!this.#wanted) {
        this.#disable();
        return;
      }
      this.#step = "pausing";
      this.#say("Debugger.pause");
      this.#cancelNudge = systemClock.at(systemClock.now() + NUDGE_MS, () => {
        this.#say("Runtime.evaluate", { expression: `0 //# sourceURL=${NUDGE_URL}` });
      });
    } else if (this.#step === "disabling") {
      this.end();
    }
  }

  /** Debugger.paused */
  paused(calls: readonly CallFrame[]): void {
    // Also at a `debugger` statement of the app's, before or after the stop that was asked for.
    if (this.#step === "enabling" || this.#step === "pausing") {
      this.#step = "resuming";
      this.#cancelNudge();
      this.#calls.resolve(calls);
      this.#say("Debugger.setSkipAllPauses", { skip: true });
    }
    this.#say("Debugger.resume");
  }

  /** Debugger.resumed */
  resumed(): void {
    if (this.#step === "resuming") this.#disable();
  }

  /** Debugging is off, or the thread has gone, or `error` kept it from being inspected. */
  end(error?: unknown): void {
    if (this.#step === "over") return;
    this.#step = "over";
    this.#cancelNudge();
    if (error === undefined) this.#calls.resolve(undefined);
    else this.#calls.reject(error);
    this.#closed.resolve();
    this.#session.end();
  }

  #disable(): void {
    this.#step = "disabling";
    this.#awaited = this.#say("Debugger.disable");
  }

  #say(method: string, params: object = {}): number {
    const id = ++this.#messages;
    this.#session.say(id, method, params);
    return id;
  }
}
