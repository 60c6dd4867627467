// Which script runs: set around its evaluation, and followed through everything that it starts.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Pending } from "./pending.ts";

/** One run of a script, as far as others need it. */
export interface ScriptCall {
  readonly pending: Pending;
  readonly isOver: boolean;
  /** Its `process`. */
  readonly process: NodeJS.Process;
  /** Something of it is finished: perhaps all is. */
  look(): void;
}

export const currentCall = new AsyncLocalStorage<ScriptCall>();
