import { MessageChannel } from "node:worker_threads";
import type { Clock } from "../../src/base/clock.ts";
import { FIRST_SLOT_WORD, HOLD_MS, RING_BYTES } from "../../src/messages/lane.ts";
import { ringMemory } from "../../src/messages/ring.ts";
import { Bells } from "../../src/pool/bells.ts";
import { lifeSpan, NO_RECYCLING } from "../../src/pool/recycling.ts";
import { ThreadLane } from "../../src/pool/thread-lane.ts";
import type { WorkerEvents } from "../../src/pool/worker-events.ts";
import { WorkerHandle } from "../../src/pool/worker-handle.ts";
import { WorkerLane } from "../../workers/lane.ts";
import type { OpenExchange } from "../../workers/open-exchange.ts";
import { ThreadRoad } from "../../workers/thread-road.ts";

export interface LanePairOptions {
  readonly concurrency?: number;
  readonly asked?: WorkerEvents["asked"];
}

export interface LanePair {
  readonly handle: WorkerHandle;
  readonly lane: WorkerLane;
  /** What the worker has begun, in order. */
  readonly begun: OpenExchange[];
  readonly events: string[];
  close(): Promise<void>;
}

export interface PairedHandle {
  readonly handle: WorkerHandle;
  readonly events: string[];
  /** Makes a listener that remembers. */
  say(name: string): () => void;
}

/** The pool's handle of a worker, which posts and rests at the end of each turn as the pool does. */
export function pairedHandle(clock: Clock, options: LanePairOptions = {}): PairedHandle {
  const events: string[] = [];
  const say = (name: string) => () => {
    events.push(name);
  };
  const handlers: WorkerEvents = {
    ready: say("ready"),
    bootFailed: say("bootFailed"),
    unsound: say("unsound"),
    overdue: say("overdue"),
    slow: say("slow"),
    worn: say("worn"),
    handlerFailed: say("handlerFailed"),
    givenBack: say("givenBack"),
    log: say("log"),
    loaded: say("loaded"),
    asked: (asker, ask) => options.asked?.(asker, ask),
    stirred: () => setImmediate(turn),
  };
  // The pool posts and rests at the end of its turn, and posts again soon where not all could be sent.
  const turn = (): void => {
    if (handle.post()) setTimeout(turn, HOLD_MS).unref();
    handle.rest();
  };
  const handle = new WorkerHandle({
    id: 1,
    generation: 1,
    concurrency: options.concurrency ?? 8,
    clock,
    requestTimeoutMs: 60_000,
    span: lifeSpan(NO_RECYCLING, 0),
    events: handlers,
  });
  return { handle, events, say };
}

/** Both ends of a lane in one thread: the pool's handle, and the worker's lane with `begun` as its host. */
export function lanePair(clock: Clock, options: LanePairOptions = {}): LanePair {
  const { handle, events, say } = pairedHandle(clock, options);
  const { port1, port2 } = new MessageChannel();
  const words = new SharedArrayBuffer((FIRST_SLOT_WORD + handle.slots) * Int32Array.BYTES_PER_ELEMENT);
  const bells = new Bells();
  const [inbox, outbox] = [ringMemory(RING_BYTES), ringMemory(RING_BYTES)];
  const poolLane = new ThreadLane({
    port: port1,
    words,
    inbox,
    outbox,
    bells,
    received: (batch) => handle.receive(batch),
  });
  handle.sit({
    lane: poolLane,
    life: new Promise(() => {}),
    terminate: say("terminate"),
    memory: async () => undefined,
    loopTimes: () => undefined,
    stack: async () => undefined,
  });
  const begun: OpenExchange[] = [];
  const lane = new WorkerLane(
    new ThreadRoad({ port: port2, words, inbox, outbox, bell: poolLane.bellAddress }),
    say("log"),
  );
  lane.serve({ handle: (exchange) => begun.push(exchange), drain: say("drain") });
  handle.state = "idle";
  return {
    handle,
    lane,
    begun,
    events,
    close: async () => {
      await lane.close();
      poolLane.close();
      bells.close();
    },
  };
}
