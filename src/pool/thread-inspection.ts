// A session with the inspector of one thread of this process (src/base/inspection.ts has what is said in it).

import type { Session } from "node:inspector/promises";
import { type CallFrame, Inspection } from "../base/inspection.ts";

/** Messages of the thread's inspector begin like this; it sends one for every script that it ever loaded. */
const SCRIPT_PARSED = /^\{"method":"Debugger\.scriptParsed","params":\{"scriptId":"(\d+)"/;

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

export class ThreadInspection {
  /** Undefined if the thread has gone. Rejects where this Node has no inspector. */
  readonly found: Promise<Found | undefined>;
  /** The thread is free of this session. */
  readonly closed: Promise<void>;
  readonly #threadId: number;
  readonly #scripts = new Map<string, string>();
  readonly #inspection: Inspection;
  #session: Session | undefined;
  #sessionId: string | undefined;

  constructor(threadId: number) {
    this.#threadId = threadId;
    this.#inspection = new Inspection({
      say: (id, method, params) => this.#say(JSON.stringify({ id, method, params })),
      end: () => this.#session?.disconnect(),
    });
    this.found = this.#inspection.calls.then((calls) => calls && { calls, scripts: this.#scripts });
    this.closed = this.#inspection.closed;
    this.#open().catch((error: unknown) => this.#inspection.end(error));
  }

  /** Nobody waits for the result any more: the thread is not stopped if it has not been asked to. */
  giveUp(): void {
    this.#inspection.giveUp();
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
        this.#inspection.begin();
      } else {
        session.post("NodeWorker.detach", { sessionId: params.sessionId }).catch(() => {}); // it has gone by itself
      }
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId === this.#sessionId) this.#hear(params.message);
    });
    session.on("NodeWorker.detachedFromWorker", ({ params }) => {
      if (params.sessionId === this.#sessionId) this.#inspection.end();
    });
    await session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
    // Every thread that exists has been attached to by now.
    if (this.#sessionId === undefined) this.#inspection.end();
  }

  #hear(message: string): void {
    const script = SCRIPT_PARSED.exec(message)?.[1];
    if (script !== undefined) {
      this.#scripts.set(script, message);
      return;
    }
    const said = JSON.parse(message) as Said;
    if (said.method === "Debugger.paused") this.#inspection.paused(said.params?.callFrames ?? []);
    else if (said.method === "Debugger.resumed") this.#inspection.resumed();
    else if (said.id !== undefined) this.#inspection.answered(said.id);
  }

  #say(message: string): void {
    this.#session
      ?.post("NodeWorker.sendMessageToWorker", { sessionId: this.#sessionId ?? "", message })
      .catch(() => this.#inspection.end()); // the thread has gone
  }
}
