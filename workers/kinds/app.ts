// What the host needs of an app, whatever kind of module it came from.

import type { Context } from "../../src/app/context.ts";
import type { RequestContext } from "../context.ts";
import type { Role, WorkerExchange } from "../exchange.ts";

/** Where in the site, and how, an exchange asks. */
export interface Place {
  /** Upper case. */
  readonly method: string;
  /** The part of the URL under which the pool is mounted; "" for all of it. */
  readonly mount: string;
  /** Variables that say which file was found; undefined where none was looked for. */
  readonly corrections: Readonly<Record<string, string>> | undefined;
  /** Middleware has the reply next: what is added to every reply is added behind it. */
  readonly isWrapped?: boolean;
}

export interface App {
  /** Absolute path of its module. */
  readonly file: string;
  /** What its `init` resolved to. */
  readonly state: unknown;
  /** Calls the author's handler; what it returns or throws is not judged here. */
  respond(role: Role, request: Request, ctx: Context): unknown;
  /**
   * Called in place of `respond`, where the app answers the exchange by itself: nothing web-standard is made for it.
   * Undefined once it is answered. Throws, or rejects with, what went wrong while a 500 can still be sent.
   */
  answer?(exchange: WorkerExchange, ctx: RequestContext, place: Place): Promise<void> | undefined;
  /** Once, after the last request. Rejects with what the author's code threw. */
  dispose(): Promise<void>;
}
