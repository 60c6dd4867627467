// What the host needs of an app, whatever kind of module it came from.

import type { Context } from "../../src/app/context.ts";
import type { Role } from "../exchange.ts";

export interface App {
  /** Absolute path of its module. */
  readonly file: string;
  /** What its `init` resolved to. */
  readonly state: unknown;
  /** Calls the author's handler; what it returns or throws is not judged here. */
  respond(role: Role, request: Request, ctx: Context): unknown;
  /** Once, after the last request. Rejects with what the author's code threw. */
  dispose(): Promise<void>;
}
