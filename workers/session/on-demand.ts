// Stands in a worker for its sessions until a handler looks at one: only then is anything of them loaded.

import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestSession, Session } from "../../src/app/session.ts";
import { systemClock } from "../../src/base/clock.ts";
import { onDemand } from "../../src/base/on-demand.ts";
import type { SessionRequest } from "./request-session.ts";
import type { WorkerSessions, WorkerSessionsOptions } from "./worker-sessions.ts";

export class SessionsOnDemand {
  readonly #load: () => Promise<WorkerSessions>;
  /** Undefined: nobody has asked for it. */
  #worker: Promise<WorkerSessions> | undefined;

  /** To be made outside of any request. */
  constructor(options: Omit<WorkerSessionsOptions, "clock" | "outside">) {
    const outside = AsyncLocalStorage.snapshot();
    this.#load = onDemand(() => outside(() => load({ ...options, clock: systemClock, outside })));
  }

  of(request: SessionRequest): RequestSession {
    return new LazySession(() => this.#loaded(), request);
  }

  async close(): Promise<void> {
    const worker = await this.#worker?.catch(() => undefined);
    await worker?.close();
  }

  #loaded(): Promise<WorkerSessions> {
    this.#worker = this.#load();
    return this.#worker;
  }
}

class LazySession implements RequestSession {
  readonly #worker: () => Promise<WorkerSessions>;
  readonly #request: SessionRequest;
  #real: Promise<RequestSession> | undefined;

  constructor(worker: () => Promise<WorkerSessions>, request: SessionRequest) {
    this.#worker = worker;
    this.#request = request;
  }

  async open<Data extends object>(): Promise<Session<Data>> {
    return (await this.#loaded()).open<Data>();
  }

  async peek<Data extends object>(): Promise<Readonly<Partial<Data>> | undefined> {
    return (await this.#loaded()).peek<Data>();
  }

  #loaded(): Promise<RequestSession> {
    this.#real ??= this.#load();
    return this.#real;
  }

  async #load(): Promise<RequestSession> {
    const [{ SessionOfRequest }, worker] = await Promise.all([import("./request-session.ts"), this.#worker()]);
    return new SessionOfRequest(worker, this.#request);
  }
}

async function load(options: WorkerSessionsOptions): Promise<WorkerSessions> {
  const { WorkerSessions } = await import("./worker-sessions.ts");
  return new WorkerSessions(options);
}
