// Why a worker's life ended, in words.

import { Fault, isError, messageOf } from "../base/fault.ts";

/** Code of the error with which a life ends that needed more heap than it may have; Node's own for threads. */
export const OUT_OF_MEMORY = "ERR_WORKER_OUT_OF_MEMORY";

/** For its exchanges and the log. */
export function describeDeath(error: unknown): Fault {
  if (isError(error) && error.code === OUT_OF_MEMORY) {
    return new Fault("WORKER_LOST", "the worker passed its memory_limit and was ended", { cause: error });
  }
  return new Fault("WORKER_LOST", `the worker ended: ${messageOf(error)}`, { cause: error });
}
