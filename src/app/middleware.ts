// What the author of a `_middleware.ts` writes against: the phases of a request, in the order in which
// they run. Types, and a function that changes nothing.

import type { Context, InitContext } from "./context.ts";

/** The context of a middleware: `state` is its own, and it may set `user` for everything that follows. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export type MiddlewareContext<State = any, User = any> = Omit<Context<State, User>, "user"> & {
  user: User | undefined;
};

/** Nothing: go on. A Response: it is the answer, and what follows does not run. Anything else is an error. */
// biome-ignore lint/suspicious/noConfusingVoidType: a phase that goes on returns nothing
export type PhaseResult = Response | void;

/** One phase: runs before or after the content, at its place in the order. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export type Phase<State = any, User = any> = (
  request: Request,
  ctx: MiddlewareContext<State, User>,
) => PhaseResult | Promise<PhaseResult>;

/**
 * Runs what is inside, and resolves with its answer; rejects with what it threw. Another request may be
 * given instead of the present one. To be called at most once.
 */
export type Next = (request?: Request) => Promise<Response>;

/** What goes around the content: calls `next`, or answers itself. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export type Wrap<State = any, User = any> = (
  request: Request,
  ctx: MiddlewareContext<State, User>,
  next: Next,
) => Response | Promise<Response>;

/** What became of a request. */
export interface Outcome {
  /** Of the reply that was sent; undefined if there was none, because the client had gone before. */
  readonly status: number | undefined;
  /** Of the reply's body, as far as the web server took it. */
  readonly bytes: number;
  /** From the beginning of the first phase to the end of the reply. */
  readonly durationMs: number;
  /** Why the reply was no longer wanted: "client-gone", "timeout", "body-broken", "stopping"; undefined if it was. */
  readonly aborted: string | undefined;
  /** What a handler or a phase threw, if that became the reply. */
  readonly error: unknown;
}

/**
 * The phases of a request to the files of a folder and of those below it. Each phase runs for all
 * folders, outermost first, before the next one begins.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export interface Middleware<State = any, User = any> {
  /** Once per worker, before its first request of this folder. If it rejects, the folder answers 500. */
  init?(worker: InitContext): State | Promise<State>;
  /** First. */
  begin?: Phase<State, User>;
  /** From where, when, how: may refuse before anybody is asked who they are. */
  access?: Phase<State, User>;
  /** Who it is: sets `ctx.user`, or answers 401. */
  authenticate?: Phase<State, User>;
  /** Whether they may: refuses, usually with 403. */
  authorize?: Phase<State, User>;
  /** Last before the content. */
  fixup?: Phase<State, User>;
  /** A stream that the request's body passes through, or nothing. Not called where there is no body. */
  filterRequest?(
    request: Request,
    ctx: MiddlewareContext<State, User>,
    // biome-ignore lint/suspicious/noConfusingVoidType: a filter that does not want it returns nothing
  ): TransformStream<Uint8Array, Uint8Array> | void;
  /** Around the content: may answer itself, or change the request, the response or both. */
  wrap?: Wrap<State, User>;
  /** A stream that the response's body passes through, or nothing; innermost folder first. Its Content-Length is dropped. */
  filterResponse?(
    request: Request,
    ctx: MiddlewareContext<State, User>,
    response: Response,
    // biome-ignore lint/suspicious/noConfusingVoidType: a filter that does not want it returns nothing
  ): TransformStream<Uint8Array, Uint8Array> | void;
  /** After the reply, whatever it was. */
  log?(request: Request, ctx: MiddlewareContext<State, User>, outcome: Outcome): void | Promise<void>;
  /** Last, after what was deferred; innermost folder first. */
  cleanup?(request: Request, ctx: MiddlewareContext<State, User>): void | Promise<void>;
  /** Once, when the worker has finished its last request. Without it, `state[Symbol.asyncDispose]` is called. */
  dispose?(state: State): void | Promise<void>;
}

/** The middleware that it was given, with `ctx.state` typed by what `init` returns. */
// biome-ignore lint/suspicious/noExplicitAny: as in Context
export function defineMiddleware<State = undefined, User = any>(
  middleware: Middleware<State, User>,
): Middleware<State, User> {
  return middleware;
}
