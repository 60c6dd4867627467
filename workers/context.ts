// The second argument of every handler: made for each request, so each part is made when it is
// first looked at.

import type { Context, Locals, Log, RemoteAddress, WorkerInfo } from "../src/app/context.ts";
import type { Cookies, Csrf } from "../src/app/cookies.ts";
import type { SendFileOptions } from "../src/app/send-file.ts";
import type { RequestSession } from "../src/app/session.ts";
import type { Cache, LockOptions } from "../src/app/shared.ts";
import type { UploadOptions, UploadPart } from "../src/app/uploads.ts";
import { Fault } from "../src/base/fault.ts";
import { isSecure, metaVariables, remoteAddress } from "../src/cgi/variables.ts";
import type { FormLimits } from "../src/messages/lane.ts";
import { RequestCookies } from "./cookies.ts";
import { RequestCsrf } from "./csrf.ts";
import type { WorkerExchange } from "./exchange.ts";
import { readUploads } from "./forms/request-uploads.ts";
import type { Keys } from "./keys.ts";
import { pathBelow } from "./path-below.ts";
import { NO_POOL_STATE, type PoolState } from "./pool-state.ts";
import { formAgain } from "./request.ts";
import type { SessionsOnDemand } from "./session/on-demand.ts";
import { cacheOf, lockOf } from "./shared-on-demand.ts";
import { traceOf } from "./trace.ts";

/** What the host tells about the worker and the request's place in it. */
export interface ContextOptions {
  readonly exchange: WorkerExchange;
  readonly request: Request;
  /** The pool's. */
  readonly form: FormLimits;
  readonly state: unknown;
  readonly worker: WorkerInfo;
  /** Variables that the resolution of a file has corrected. */
  readonly corrections: Readonly<Record<string, string>> | undefined;
  /** What the pool signs and encrypts with. Throws HANDLER where no secret is configured. */
  readonly keys: () => Keys;
  /** Of the pool. Default "". */
  readonly mount?: string;
  /** What the names in brackets on the file's path stand for. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly waitUntil: (promise: PromiseLike<unknown>, exchange: WorkerExchange) => void;
  /** What the workers of the pool share; absent: there is no pool. */
  readonly poolState?: PoolState | undefined;
  /** Absent: there is no pool. */
  readonly sessions?: SessionsOnDemand | undefined;
}

/** The head of a reply that is about to be sent. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: Headers;
}

/** May add to the headers; the reply waits for it. What it throws becomes a 500. */
export type ReplyHook = (reply: ReplyHead) => void | Promise<void>;

/** Of what `earlyHints` is given past its types. */
const LINKS_WANTED =
  'ctx.earlyHints takes texts such as "</app.css>; rel=preload; as=style", each an argument of its own';
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

export class RequestContext implements Context<unknown> {
  readonly #options: ContextOptions;
  #replyHooks: ReplyHook[] | undefined;
  #failureCookie: (() => string | undefined) | undefined;
  #isReplying = false;
  #cookies: Cookies | undefined;
  #csrf: Csrf | undefined;
  #deferred: (() => unknown)[] | undefined;
  #env: Readonly<Record<string, string | undefined>> | undefined;
  #log: Log | undefined;
  #locals: Locals | undefined;
  #state: unknown;
  /** What the handler was given. */
  #request: Request;
  #user: unknown;
  #session: RequestSession | undefined;

  constructor(options: ContextOptions) {
    this.#options = options;
    this.#request = options.request;
    this.#state = options.state;
    options.exchange.context = this;
  }

  get state(): unknown {
    return this.#state;
  }

  /** For a host that makes the context before it knows who answers, and what request a middleware gives them. */
  belongsTo(state: unknown, request: Request): void {
    this.#state = state;
    this.#request = request;
  }

  get user(): unknown {
    return this.#user;
  }

  set user(user: unknown) {
    this.#user = user;
  }

  get session(): RequestSession {
    this.#session ??= this.#openSession();
    return this.#session;
  }

  get worker(): WorkerInfo {
    return this.#options.worker;
  }

  get signal(): AbortSignal {
    return this.#options.exchange.signal;
  }

  get deadline(): number {
    return this.#options.exchange.deadline;
  }

  get env(): Readonly<Record<string, string | undefined>> {
    this.#env ??= environment(this.#options);
    return this.#env;
  }

  get params(): Readonly<Record<string, string>> {
    return this.#options.params ?? NO_PARAMS;
  }

  /** For a module that routes by itself: see path-below.ts. */
  get pathBelow(): readonly string[] | undefined {
    const { exchange, corrections, mount = "" } = this.#options;
    return pathBelow({ params: exchange.params, corrections, mount });
  }

  get log(): Log {
    this.#log ??= logOf(this.#options.exchange);
    return this.#log;
  }

  get remoteAddress(): RemoteAddress {
    return remoteAddress(this.#options.exchange.params);
  }

  get locals(): Locals {
    this.#locals ??= Object.create(null) as Locals;
    return this.#locals;
  }

  get cache(): Cache {
    return cacheOf(this.poolState);
  }

  lock<T>(name: string, work: () => T | PromiseLike<T>, options?: LockOptions): Promise<T> {
    return lockOf(this.poolState, name, work, options);
  }

  /** For parts of ours that share something between workers: sessions, the cache, locks. */
  get poolState(): PoolState {
    return this.#options.poolState ?? NO_POOL_STATE;
  }

  uploads(options: UploadOptions = {}): AsyncIterableIterator<UploadPart> {
    return readUploads(this, { form: this.#options.form, request: this.#request }, options);
  }

  /** For parts of ours that read a body into memory. */
  get formLimits(): FormLimits {
    return this.#options.form;
  }

  async sendFile(path: string, options: SendFileOptions = {}): Promise<Response> {
    const { request, exchange } = this.#options;
    const { sendFile } = await import("./send-file.ts");
    return sendFile(path, options, { method: request.method, params: exchange.params, over: exchange.over });
  }

  earlyHints(...links: readonly string[]): void {
    for (const link of links) if (typeof link !== "string") throw new TypeError(`${LINKS_WANTED}, not ${typeof link}`);
    this.beforeReply(({ headers }) => {
      for (const link of links) headers.append("link", link);
    });
  }

  get cookies(): Cookies {
    const { exchange, keys } = this.#options;
    this.#cookies ??= new RequestCookies({
      header: exchange.params.getUtf8("HTTP_COOKIE"),
      isSecure: isSecure(exchange.params),
      keys,
      beforeReply: (hook) => this.beforeReply(hook),
    });
    return this.#cookies;
  }

  get csrf(): Csrf {
    const { exchange, keys, request } = this.#options;
    const { cookies } = this;
    this.#csrf ??= new RequestCsrf({ request, isSecure: isSecure(exchange.params), keys, cookies, formOf: formAgain });
    return this.#csrf;
  }

  waitUntil(promise: PromiseLike<unknown>): void {
    this.#options.waitUntil(promise, this.#options.exchange);
  }

  defer(work: () => unknown): void {
    if (this.#deferred === undefined) {
      this.#deferred = [];
      const { exchange } = this.#options;
      this.waitUntil(exchange.over.then(() => this.#runDeferred(exchange)));
    }
    this.#deferred.push(work);
  }

  /** For parts of ours that keep something for the request: a session, cookies. Throws HANDLER once the reply has begun. */
  beforeReply(hook: ReplyHook): void {
    if (this.#isReplying) {
      throw new Fault("HANDLER", "the reply has begun: it takes no more cookies or headers", {
        hint: "Set them before the handler returns its Response, not while the body streams.",
      });
    }
    this.#replyHooks ??= [];
    this.#replyHooks.push(hook);
  }

  /** Undefined where nothing is to be done before a reply is sent. */
  get replyHooks(): readonly ReplyHook[] | undefined {
    return this.#replyHooks;
  }

  /** The Set-Cookie of a reply to a failure, for which no hook is called. */
  get failureCookie(): string | undefined {
    return this.#failureCookie?.();
  }

  /** No hook would be called any more. */
  replying(): void {
    this.#isReplying = true;
  }

  #openSession(): RequestSession {
    const { exchange, sessions } = this.#options;
    if (sessions === undefined) throw new Fault("HANDLER", "there is no pool that could keep sessions");
    const isHeadSent = (): boolean => this.#isReplying;
    return sessions.of({
      params: exchange.params,
      get signal() {
        return exchange.signal;
      },
      deadline: exchange.deadline,
      log: (level, message, fields) => exchange.log(level, message, fields),
      get isHeadSent() {
        return isHeadSent();
      },
      beforeReply: (hook) => this.beforeReply(hook),
      beforeFailure: (cookie) => {
        this.#failureCookie = cookie;
      },
      defer: (work) => this.defer(work),
    });
  }

  /** Last first, each after the one before it; the failure of one is logged and keeps none from running. */
  async #runDeferred(exchange: WorkerExchange): Promise<void> {
    for (let work = this.#deferred?.pop(); work !== undefined; work = this.#deferred?.pop()) {
      try {
        await work();
      } catch (error) {
        exchange.log("error", "a deferred function failed", { stack: traceOf(error) });
      }
    }
    // What comes later, from a waitUntil, gets a turn of its own.
    this.#deferred = undefined;
  }
}

/** Names come from the peer: no prototype that one of them could be, or shadow. */
function environment({ exchange, corrections }: ContextOptions): Readonly<Record<string, string | undefined>> {
  const env = Object.create(null) as Record<string, string | undefined>;
  for (const [name, value] of metaVariables(exchange.params)) env[name] = utf8(value);
  return Object.freeze(Object.assign(env, corrections));
}

/** `value` has one char per byte. */
function utf8(value: string): string {
  return /^[\0-\x7f]*$/.test(value) ? value : Buffer.from(value, "latin1").toString("utf8");
}

function logOf(exchange: WorkerExchange): Log {
  return {
    error: (message, fields) => exchange.log("error", message, fields),
    warn: (message, fields) => exchange.log("warn", message, fields),
    info: (message, fields) => exchange.log("info", message, fields),
    debug: (message, fields) => exchange.log("debug", message, fields),
  };
}
