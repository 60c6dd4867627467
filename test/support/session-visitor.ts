// A browser and a worker's sessions, without threads or HTTP: each visit is a request with its handler, its reply's
// head and its end.

import type { Session } from "../../src/app/session.ts";
import { systemClock } from "../../src/base/clock.ts";
import { isError } from "../../src/base/fault.ts";
import type { PoolConfig } from "../../src/config/schema.ts";
import { Params } from "../../src/fastcgi/name-values.ts";
import type { ReplyHook } from "../../workers/context.ts";
import { SessionOfRequest } from "../../workers/session/request-session.ts";
import type { SessionStore } from "../../workers/session/store.ts";
import { openStore } from "../../workers/session/stores/index.ts";
import { WorkerSessions } from "../../workers/session/worker-sessions.ts";
import { sessionOptions } from "./session-options.ts";
import { sharedWorkers } from "./shared-workers.ts";

export interface SiteOptions {
  readonly session?: Partial<PoolConfig["session"]>;
  readonly secrets?: readonly string[];
  readonly mount?: string;
  readonly wrap?: (store: SessionStore) => SessionStore;
}

/** A worker, and what it has written to its log. */
export class SessionSite {
  /** Moves when it is told to. */
  now = 1_750_000_000_000;
  readonly lines: string[] = [];
  /** Names of what its store was asked. */
  readonly asked: string[] = [];
  readonly #shared = sharedWorkers(systemClock, 1);

  worker(options: SiteOptions = {}): WorkerSessions {
    const session = sessionOptions(options.session);
    const [poolState] = this.#shared.states;
    return new WorkerSessions({
      options: session,
      pool: "test",
      mount: options.mount ?? "",
      cookieSecrets: options.secrets ?? [],
      processes: 1,
      from: import.meta.dirname,
      poolState,
      clock: systemClock,
      wallClock: () => this.now,
      log: (_level, message) => this.lines.push(message),
      outside: (work) => work(),
      store: this.#watched(options, session),
    });
  }

  /** Opens the real one when it is first asked. */
  #watched({ wrap = (store) => store }: SiteOptions, options: PoolConfig["session"]): SessionStore {
    const [poolState] = this.#shared.states;
    const opening = { options, namespace: "test", processes: 1, from: "", poolState, now: () => this.now, log() {} };
    const real = openStore(opening).then(wrap);
    const call = async (name: keyof SessionStore, ...given: readonly unknown[]): Promise<never> => {
      this.asked.push(name);
      return Reflect.apply((await real)[name] as () => unknown, await real, given) as never;
    };
    return {
      name: "watched",
      read: (...given) => call("read", ...given),
      claim: (...given) => call("claim", ...given),
      wait: (...given) => call("wait", ...given),
      release: (...given) => call("release", ...given),
      create: (...given) => call("create", ...given),
      update: (...given) => call("update", ...given),
      touch: (...given) => call("touch", ...given),
      destroy: (...given) => call("destroy", ...given),
      close: () => call("close"),
    };
  }
}

export interface Visit {
  readonly request: SessionOfRequest;
  readonly open: () => Promise<Session<Bag>>;
  /** Sends the reply's head now; what the handler does from then on is done while the body is sent. */
  readonly sendHead: () => Promise<void>;
  readonly abort: AbortController;
}

export type Bag = Record<string, unknown>;

export interface Visited {
  readonly setCookie: string | undefined;
  readonly cacheControl: string | null;
  readonly lines: readonly string[];
  /** What the handler, or saving, has thrown. */
  readonly error: (Error & { readonly status?: number; readonly code?: unknown }) | undefined;
}

/** Remembers the cookies that it was given. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly #worker: WorkerSessions;
  readonly https: boolean;
  /** Of each visit, ms. */
  readonly #patienceMs: number;

  constructor(worker: WorkerSessions, options: { readonly https?: boolean; readonly patienceMs?: number } = {}) {
    this.#worker = worker;
    this.#patienceMs = options.patienceMs ?? Number.POSITIVE_INFINITY;
    this.https = options.https ?? false;
  }

  get cookie(): string | undefined {
    return [...this.cookies.values()][0];
  }

  async visit(handler: (visit: Visit) => unknown, headers: Readonly<Record<string, string>> = {}): Promise<Visited> {
    const hooks: ReplyHook[] = [];
    const deferred: (() => unknown)[] = [];
    const lines: string[] = [];
    const abort = new AbortController();
    const sent = new Headers(headers);
    let isHeadSent = false;
    let failureCookie: (() => string | undefined) | undefined;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const request = new SessionOfRequest(this.#worker, {
      params: Params.from([
        ...(this.https ? ([["HTTPS", "on"]] as const) : []),
        ...(cookie === "" ? [] : ([["HTTP_COOKIE", `theme=dark; ${cookie}; lang=en`]] as const)),
      ] as [string, string][]),
      signal: abort.signal,
      deadline: systemClock.now() + this.#patienceMs,
      log: (_level, message) => lines.push(message),
      get isHeadSent() {
        return isHeadSent;
      },
      beforeReply: (hook) => hooks.push(hook),
      beforeFailure: (cookie) => {
        failureCookie = cookie;
      },
      defer: (work) => deferred.push(work),
    });
    const sendHead = async (): Promise<void> => {
      if (isHeadSent) return;
      for (const hook of hooks) await hook({ status: 200, headers: sent });
      isHeadSent = true;
      this.#keep(sent.getSetCookie());
    };
    let error: unknown;
    try {
      await handler({ request, open: () => request.open<Bag>(), sendHead, abort });
      await sendHead();
    } catch (thrown) {
      error = thrown;
      const setCookie = isHeadSent ? undefined : failureCookie?.();
      if (setCookie !== undefined) sent.append("set-cookie", setCookie);
      this.#keep(sent.getSetCookie());
    }
    for (const work of deferred.reverse()) {
      try {
        await work();
      } catch (thrown) {
        error ??= thrown;
      }
    }
    // A test that fails in a handler has failed.
    if (isError(error) && "matcherResult" in error) throw error;
    return {
      setCookie: sent.getSetCookie()[0],
      cacheControl: sent.get("cache-control"),
      lines,
      error: isError(error) ? error : error === undefined ? undefined : new Error(String(error)),
    };
  }

  /** What the session holds, as the next request sees it. */
  async look(): Promise<Bag | undefined> {
    let seen: Bag | undefined;
    await this.visit(async ({ request }) => {
      seen = await request.peek<Bag>();
    });
    return seen === undefined ? undefined : { ...seen };
  }

  #keep(setCookies: readonly string[]): void {
    for (const setCookie of setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
      if (/; Max-Age=0(;|$)/.test(setCookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}
