import { MessageChannel } from "node:worker_threads";
import type { Clock } from "../../src/base/clock.ts";
import { FIRST_SLOT_WORD } from "../../src/messages/lane.ts";
import { ThreadLane } from "../../src/pool/threads.ts";
import { type WorkerEvents, WorkerHandle } from "../../src/pool/worker-handle.ts";
import { WorkerLane } from "../../workers/lane.ts";
import type { OpenExchange } from "../../workers/open-exchange.ts";

export interface LanePair {
  readonly handle: WorkerHandle;
  readonly lane: WorkerLane;
  /** What the worker has begun, in order. */
  readonly begun: OpenExchange[];
  readonly events: string[];
  close(): void;
}

/** Both ends of a lane in one thread: the pool's handle, and the worker's lane with `begun` as its host. */
export function lanePair(clock: Clock, options: { readonly concurrency?: number } = {}): LanePair {
  const events: string[] = [];
  const say = (name: string) => () => {
    events.push(name);
  };
  const handlers: WorkerEvents = {
    ready: say("ready"),
    bootFailed: say("bootFailed"),
    unsound: say("unsound"),
    overdue: say("overdue"),
    handlerFailed: say("handlerFailed"),
    log: say("log"),
    loaded: say("loaded"),
    // The pool posts at the end of its turn.
    stirred: () => setImmediate(() => handle.post()),
  };
  const handle = new WorkerHandle({
    id: 1,
    generation: 1,
    concurrency: options.concurrency ?? 8,
    clock,
    requestTimeoutMs: 60_000,
    events: handlers,
  });
  const { port1, port2 } = new MessageChannel();
  const words = new SharedArrayBuffer((FIRST_SLOT_WORD + handle.slots) * Int32Array.BYTES_PER_ELEMENT);
  handle.sit({
    lane: new ThreadLane(port1, new Int32Array(words)),
    life: new Promise(() => {}),
    terminate: say("terminate"),
  });
  port1.on("message", (batch: ArrayBuffer) => handle.receive(Buffer.from(batch)));
  const begun: OpenExchange[] = [];
  const lane = new WorkerLane(port2, words);
  lane.serve({ handle: (exchange) => begun.push(exchange), drain: say("drain") });
  handle.state = "idle";
  return {
    handle,
    lane,
    begun,
    events,
    close: () => {
      port1.close();
      port2.close();
    },
  };
}
