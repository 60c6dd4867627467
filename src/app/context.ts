// What a handler author writes against: the shapes of a handler module and of what it is given.
// Types only; workers/ makes the values. Every name here is public.

import type { Cookies, Csrf } from "./cookies.ts";
import type { SendFileOptions } from "./send-file.ts";
import type { RequestSession } from "./session.ts";
import type { Cache, LockFunction } from "./shared.ts";
import type { UploadOptions, UploadPart } from "./uploads.ts";

/** What belongs to a line of the log: names and values that JSON can carry. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes to the pool's log, beside the worker and the request that it is about. */
export interface Log {
  /** Something failed, and somebody has to look. */
  error(message: string, fields?: LogFields): void;
  /** Something is not as it should be. */
  warn(message: string, fields?: LogFields): void;
  /** Something happened. */
  info(message: string, fields?: LogFields): void;
  /** For whoever looks for a mistake; not written unless `log_level` is "debug". */
  debug(message: string, fields?: LogFields): void;
}

/** The worker that answers. */
export interface WorkerInfo {
  /** Which worker of its pool this is; a replacement gets a new number. */
  readonly id: number;
  /** Which reload the worker belongs to. */
  readonly generation: number;
  /** Requests this worker has begun, with the present one. */
  readonly requests: number;
}

/** What `init` is given. */
export interface InitContext {
  /** Which worker of its pool this is. */
  readonly id: number;
  /** Which reload it belongs to. */
  readonly generation: number;
  /** Name of the pool. */
  readonly pool: string;
  /** Absolute path of the module. */
  readonly file: string;
  /** `process.env`: what the pool's configuration lets through. Never a request's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Lines of this worker, about no request. */
  readonly log: Log;
}

/** The client, as the web server says. */
export interface RemoteAddress {
  /** REMOTE_ADDR; "" if the web server does not say. */
  readonly address: string;
  /** REMOTE_PORT; undefined if the web server does not say. */
  readonly port: number | undefined;
}

/**
 * What is in `ctx.locals`, for you to name:
 *
 *     declare module "holdfast" {
 *       interface Locals { user?: User }
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an author's declarations are merged into it
export interface Locals {}

/** State is what `init` resolved to: give its type, or `typeof init`. User is what `authenticate` of a middleware sets. */
// biome-ignore lint/suspicious/noExplicitAny: a handler that does not name its state's type uses it unchecked
export interface Context<State = any, User = any> {
  /** What the module's `init` returned in this worker; undefined without one. */
  readonly state: StateOf<State>;
  /**
   * The request's CGI meta-variables (RFC 3875 §4.1) and what else the web server sent, as UTF-8.
   * No prototype, frozen; without HTTP_PROXY. Behind `root`, SCRIPT_NAME, SCRIPT_FILENAME and
   * PATH_INFO say which file was found.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * What the names in brackets on the file's path stand for: `users/[id].ts` asked as `/users/7` has
   * `{ id: "7" }`, `[...path].ts` the rest of the path as one string. Decoded once; no prototype, frozen.
   */
  readonly params: Readonly<Record<string, string>>;
  /**
   * Who it is, as a middleware has found out; undefined without one. Whom the web server has
   * authenticated is `env.REMOTE_USER`.
   */
  readonly user: User;
  /** Aborts when the client has gone, the request's time is over, or the worker stops. */
  readonly signal: AbortSignal;
  /** When `request.timeout` is over, on `performance.now()`; Infinity: never. */
  readonly deadline: number;
  /** Work that may outlive the reply. A worker that drains waits for it; its error goes to the log. */
  waitUntil(promise: PromiseLike<unknown>): void;
  /**
   * Calls `work` when the reply is complete, given up or no longer wanted: the last one first, each after
   * the one before it. A worker that drains waits for it; its error goes to the log.
   */
  defer(work: () => unknown): void;
  /** What your code keeps for this request; no prototype. Name what is in it: see `Locals`. */
  readonly locals: Locals;
  /** What all workers of the pool share. */
  readonly cache: Cache;
  /** Calls a function while nobody else in the pool runs under the same name. */
  readonly lock: LockFunction;
  /**
   * A file as a reply: with validators and 304, 412, ranges (also several) and 416, in pieces as the client takes them. 404
   * where there is no such regular file, 403 where it may not be read. Apache sends it by itself where its configuration
   * sets HOLDFAST_XSENDFILE for the file's folder.
   */
  sendFile(path: string, options?: SendFileOptions): Promise<Response>;
  /**
   * Tells the client what the page will need, as `Link` headers of the reply [RFC 8288]: `</app.css>; rel=preload; as=style`.
   * Apache cannot pass a 103 on from FastCGI, so they do not go before the reply.
   */
  earlyHints(...links: readonly string[]): void;
  /** The client's cookies, and those that the reply sets. */
  readonly cookies: Cookies;
  /** Tokens against requests that another site has made a browser send. */
  readonly csrf: Csrf;
  /**
   * The parts of a form as they arrive: files that are too large for memory, or that are to be saved. Instead of
   * `request.formData()`: the body is read once, and before the reply. Fails with 400, 413 and 415 as that does.
   */
  uploads(options?: UploadOptions): AsyncIterableIterator<UploadPart>;
  /** The visitor's session: `const session = await ctx.session.open()`. */
  readonly session: RequestSession;
  /** Lines of this request. */
  readonly log: Log;
  /** Who answers. */
  readonly worker: WorkerInfo;
  /** Who asks, as far as the web server knows. */
  readonly remoteAddress: RemoteAddress;
}

/** The state itself, or what a function such as `init` resolves to. */
export type StateOf<State> = State extends (...args: never[]) => infer Result ? Awaited<Result> : State;

/** Answers a request. The context comes twice, because Workers-style apps look for `waitUntil` in the third place. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export type Handler<State = any> = (
  request: Request,
  ctx: Context<State>,
  executionCtx: Context<State>,
) => Response | Promise<Response>;

/** The default export of a handler module. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export interface HandlerModule<State = any> {
  /** Once per worker, before its first request of this module. A worker whose `app` rejects here is not ready. */
  init?(worker: InitContext): State | Promise<State>;
  /** Every request. */
  fetch?: Handler<State>;
  /** Answers FastCGI's authorizer role: status 200 allows, all else refuses. Without it `fetch` is asked. */
  authorize?: Handler<State>;
  /** Answers FastCGI's filter role; the request's body is FCGI_DATA. Without it `fetch` is asked. */
  filter?: Handler<State>;
  /** GET, and HEAD where there is none for it. */
  GET?: Handler<State>;
  /** HEAD; its body is not sent. */
  HEAD?: Handler<State>;
  /** POST. */
  POST?: Handler<State>;
  /** PUT. */
  PUT?: Handler<State>;
  /** PATCH. */
  PATCH?: Handler<State>;
  /** DELETE. */
  DELETE?: Handler<State>;
  /** OPTIONS; without it, `Allow` says what there is. */
  OPTIONS?: Handler<State>;
  /** Once, when the worker has finished its last request. Without it, `state[Symbol.asyncDispose]` is called. */
  dispose?(state: State): void | Promise<void>;
}
