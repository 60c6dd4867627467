// What becomes of a request that takes too long, in the log: who it is, how long, and what its worker
// does. A worker whose loop does not turn is stopped for a moment and its stack is taken; one whose loop
// turns is left alone, because the handler waits and is on no stack.

import type { Clock } from "../base/clock.ts";
import { requestFields } from "../cgi/variables.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { Log } from "../telemetry/log.ts";
import type { Exchange } from "./exchange.ts";
import type { LogLimit } from "./log-limit.ts";

/** A loop that has not turned within this time of being asked to is blocked. */
export const LOOP_PROBE_MS = 10;
/** Longest wait for a stack. */
export const STACK_DEADLINE_MS = 1000;
/** Stacks that are taken within STACKS_WINDOW_MS: each stops a thread, and costs the pool some milliseconds. */
export const STACKS_PER_WINDOW = 30;
export const STACKS_WINDOW_MS = 60_000;

/** What is needed of the worker that has the request. */
export interface WatchedWorker {
  readonly id: number;
  /** Exchanges that it has open. */
  readonly open: number;
  /** Gives its loop something to turn for; what is returned tells whether it has. */
  probe(): () => boolean;
  /** Its stack, undefined where it cannot be had in time. */
  stack(withinMs: number): Promise<string | undefined>;
}

export type SlowMessage = "slow request" | "request timed out";

export interface SlowLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly limit: LogLimit;
}

export class SlowLog {
  readonly #options: SlowLogOptions;
  /** Being taken; several requests of one worker share one. */
  readonly #stacks = new Map<WatchedWorker, Promise<StackFields>>();
  #windowSince = Number.NEGATIVE_INFINITY;
  #takenInWindow = 0;

  constructor(options: SlowLogOptions) {
    this.#options = options;
  }

  /** The handler of `exchange`, which `worker` has begun, passed request.slow or request.timeout. */
  note(message: SlowMessage, worker: WatchedWorker, exchange: Exchange): void {
    const { clock, log, limit } = this.#options;
    const suppressed = limit.admit(message);
    if (suppressed === undefined) return;
    // Now, because it may be closed by the time the stack is here.
    const fields = {
      worker: worker.id,
      ...requestFields(new Params(exchange.params)),
      ms: Math.round(clock.now() - exchange.begunAt),
      open: worker.open,
      phase: phaseOf(exchange),
      ...(suppressed > 0 ? { suppressed } : {}),
    };
    const turned = worker.probe();
    clock.at(clock.now() + LOOP_PROBE_MS, () => {
      if (turned()) {
        log.warn(message, { ...fields, where: "waiting", note: WAITING });
        return;
      }
      this.#stackOf(worker).then((found) => log.warn(message, { ...fields, where: "blocked", ...found }));
    });
  }

  #stackOf(worker: WatchedWorker): Promise<StackFields> {
    let stack = this.#stacks.get(worker);
    if (stack === undefined) {
      stack = this.#take(worker).finally(() => this.#stacks.delete(worker));
      this.#stacks.set(worker, stack);
    }
    return stack;
  }

  async #take(worker: WatchedWorker): Promise<StackFields> {
    const now = this.#options.clock.now();
    if (now - this.#windowSince >= STACKS_WINDOW_MS) {
      this.#windowSince = now;
      this.#takenInWindow = 0;
    }
    if (this.#takenInWindow >= STACKS_PER_WINDOW) {
      return { note: `no stack: ${STACKS_PER_WINDOW} were taken in this minute` };
    }
    this.#takenInWindow++;
    try {
      const stack = await worker.stack(STACK_DEADLINE_MS);
      return stack === undefined ? { note: NO_STACK } : { stack };
    } catch (error) {
      return { note: `no stack: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
}

interface StackFields {
  readonly stack?: string;
  readonly note?: string;
}

const WAITING = "the worker's loop turns: the handler waits for something";
const NO_STACK = "no stack: the worker is in native code, in a loop that cannot be interrupted, or went on meanwhile";

function phaseOf(exchange: Exchange): string {
  if (exchange.closed) return "nobody waits for the reply any more";
  if (exchange.awaitsPeer) return "the web server takes the reply slowly";
  if (exchange.state === "replying") return "the reply is being sent";
  if (exchange.awaitsBody) return "the request body is not complete";
  return "no reply yet";
}
