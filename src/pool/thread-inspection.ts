// One session with the inspector of one thread: stops it, lists its calls, lets it go on. The order of
// what is said is all that matters here, because V8 leaves a thread stopped for ever, so that not even
// `terminate` ends it, whose session goes away while it is stopped, or before a stop that was asked for
// has come (Node 22, 24 and 26). So a session ends only when its thread has said that debugging is off,
// or is gone, however long that takes; and a stop that finds no code to stop at is given some.
//
//   Debugger.enable → Debugger.pause → (stopped) → no more stops · Debugger.resume → Debugger.disable → end

import type { Session } from "node:inspector/promises";
import { systemClock } from "../base/clock.ts";

/** A thread in JavaScript stops at once. One that has not stopped by then waits for an event: it is given code. */
const NUDGE_MS = 20;

/** The name of the code that it is given. */
export const NUDGE_URL = "holdfast:nudge";

/** Messages of the thread's inspector begin like this; it sends one for every script that it ever loaded. */
const SCRIPT_PARSED = /^\{"method":"Debugger\.scriptParsed","params":\{"scriptId":"(\d+)"/;

/** A call that a stopped thread is in; lines and columns count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

/** What was found in a thread. */
export interface Found {
  /** The innermost first. */
  readonly calls: readonly CallFrame[];
  /** What its inspector said of each script, unread JSON, by script id: there may be thousands. */
  readonly scripts: ReadonlyMap<string, string>;
}

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly callFrames: readonly CallFrame[] };
}

type Step = "enabling" | "pausing" | "resuming" | "disabling" | "over";

export class ThreadInspection {
  /** Undefined if the thread has gone. Rejects where this Node has no inspector. */
  readonly found: Promise<Found | undefined>;
  /** The thread is free of this session. */
  readonly closed: Promise<void>;
  readonly #threadId: number;
  readonly #scripts = new Map<string, string>();
  readonly #settleFound: (found: Found | undefined) => void;
  readonly #settleClosed: () => void;
  #session: Session | undefined;
  #sessionId: string | undefined;
  #step: Step = "enabling";
  #messages = 0;
  /** The number of the message whose answer is waited for. */
  #awaited = 0;
  #cancelNudge = (): void => {};
  #wanted = true;

  constructor(threadId: number) {
    this.#threadId = threadId;
    const found = Promise.withResolvers<Found | undefined>();
    const closed = Promise.withResolvers<void>();
    this.found = found.promise;
    this.closed = closed.promise;
    this.#settleFound = found.resolve;
    this.#settleClosed = closed.resolve;
    this.#open().catch((error: unknown) => {
      found.reject(error);
      this.#end();
    });
  }

  /** Nobody waits for the result any more: the thread is not stopped if it has not been asked to. */
  giveUp(): void {
    this.#wanted = false;
  }

  async #open(): Promise<void> {
    const { Session } = await import("node:inspector/promises");
    const session = new Session();
    this.#session = session;
    session.connect();
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      // All are attached to, and only the title tells which thread it is: "[worker 3] its name".
      if (this.#sessionId === undefined && params.workerInfo.title.startsWith(`[worker ${this.#threadId}]`)) {
        this.#sessionId = params.sessionId;
        this.#awaited = this.#say("Debugger.enable");
      } else {
        session.post("NodeWorker.detach", { sessionId: params.sessionId }).catch(() => {}); // it has gone by itself
      }
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId === this.#sessionId) this.#hear(params.message);
    });
    session.on("NodeWorker.detachedFromWorker", ({ params }) => {
      if (params.sessionId === this.#sessionId) this.#end();
    });
    await session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
    // Every thread that exists has been attached to by now.
    if (this.#sessionId === undefined) this.#end();
  }

  #hear(message: string): void {
    const script = SCRIPT_PARSED.exec(message)?.[1];
    if (script !== undefined) {
      this.#scripts.set(script, message);
      return;
    }
    const said = JSON.parse(message) as Said;
    if (said.method === "Debugger.paused") this.#paused(said.params?.callFrames ?? []);
    else if (said.method === "Debugger.resumed" && this.#step === "resuming") this.#disable();
    else if (said.id === this.#awaited) this.#answered();
  }

  #answered(): void {
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
      this.#end();
    }
  }

  #paused(calls: readonly CallFrame[]): void {
    // Also at a `debugger` statement of the app's, before or after the stop that was asked for.
    if (this.#step === "enabling" || this.#step === "pausing") {
      this.#step = "resuming";
      this.#cancelNudge();
      this.#settleFound({ calls, scripts: this.#scripts });
      this.#say("Debugger.setSkipAllPauses", { skip: true });
    }
    this.#say("Debugger.resume");
  }

  #disable(): void {
    this.#step = "disabling";
    this.#awaited = this.#say("Debugger.disable");
  }

  #say(method: string, params: object = {}): number {
    const id = ++this.#messages;
    const message = JSON.stringify({ id, method, params });
    this.#session
      ?.post("NodeWorker.sendMessageToWorker", { sessionId: this.#sessionId ?? "", message })
      .catch(() => this.#end()); // the thread has gone
    return id;
  }

  #end(): void {
    if (this.#step === "over") return;
    this.#step = "over";
    this.#cancelNudge();
    this.#settleFound(undefined);
    this.#settleClosed();
    this.#session?.disconnect();
  }
}
