// Workers as threads. The only file that knows piscina, MessagePort and SharedArrayBuffer: piscina
// owns the threads, each of which runs one task for its whole life (docs/decisions/0002-lanes.md).

import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { Fault, isError, messageOf } from "../base/fault.ts";
import { readBatch } from "../messages/batch.ts";
import {
  FIRST_SLOT_WORD,
  FROM_WORKER,
  SLOT_BEGUN,
  SLOT_OFFERED,
  SLOT_SEEN,
  SLOT_TAKEN_BACK,
  WORD_BATCHES_SEEN,
  WORD_RECENT_MICROS,
  type WorkerBoot,
  type WorkerLife,
} from "../messages/lane.ts";
import type { Lane, Seat, WorkerSource } from "./lane.ts";

export interface ThreadOptions {
  /** Upper bound of threads alive at one time, replacements included. */
  readonly maxThreads: number;
  /** Heap of one worker; Node ends a thread that passes it, as far as it can. */
  readonly memoryLimitBytes: number;
  /** Called for trouble that belongs to no worker's life. */
  readonly onError: (error: unknown) => void;
}

const WORKER_FILE = new URL("../../workers/main.js", import.meta.url).href;

export class Threads implements WorkerSource {
  readonly #piscina: Piscina;
  readonly #maxThreads: number;
  /** Lives whose thread may exist, also one that has finished its task: piscina would give it a second one. */
  #lives = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ThreadOptions) {
    this.#maxThreads = options.maxThreads;
    this.#piscina = new Piscina({
      filename: WORKER_FILE,
      minThreads: 0,
      maxThreads: options.maxThreads,
      idleTimeout: 0,
      concurrentTasksPerWorker: 1,
      // An idle worker must keep its event loop: database connections live there.
      atomics: "disabled",
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(options.memoryLimitBytes / 1024 / 1024) },
    });
    this.#piscina.on("error", options.onError);
  }

  start(boot: WorkerBoot, slots: number, onBatch: (batch: Buffer) => void): Seat {
    const { port1, port2 } = new MessageChannel();
    const words = new SharedArrayBuffer((FIRST_SLOT_WORD + slots) * Int32Array.BYTES_PER_ELEMENT);
    let threadId: number | undefined;
    let terminated = false;

    const received = (batch: ArrayBuffer): void => {
      const bytes = Buffer.from(batch);
      if (threadId === undefined) {
        readBatch(bytes, (kind, _slot, start) => {
          if (kind === FROM_WORKER.BORN) threadId = bytes.readUInt32LE(start);
        });
        if (terminated) this.#terminate(threadId);
      }
      onBatch(bytes);
    };
    port1.on("message", received);

    const life = this.#live(
      { port: port2, words, boot },
      () => threadId,
      () => terminated,
    ).finally(() => {
      // What it said before it died may come after the news of its death.
      for (let left = receiveMessageOnPort(port1); left !== undefined; left = receiveMessageOnPort(port1)) {
        received(left.message as ArrayBuffer);
      }
      port1.close();
    });
    return {
      lane: new ThreadLane(port1, new Int32Array(words)),
      life,
      terminate: () => {
        terminated = true;
        this.#wake();
        this.#terminate(threadId);
      },
    };
  }

  /** Threads that exist. */
  get alive(): number {
    return this.#piscina.threads.length;
  }

  /** Lives that piscina holds and has given no thread: none, but for a moment. */
  get queued(): number {
    return this.#piscina.queueSize;
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }

  async #live(life: WorkerLife, threadId: () => number | undefined, terminated: () => boolean): Promise<void> {
    while (this.#lives >= this.#maxThreads && !terminated()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (terminated()) {
      life.port.close();
      throw new Fault("WORKER_LOST", "it was ended before its thread began");
    }
    this.#lives++;
    try {
      // Its type is taken from the wrong overload of postMessage.
      await this.#piscina.run(life, { transferList: [life.port] as never });
    } finally {
      await this.#terminate(threadId());
      this.#lives--;
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #terminate(threadId: number | undefined): Promise<void> {
    // A thread that is gone has the id -1 and is no longer listed.
    const thread = this.#piscina.threads.find((each: Worker) => each.threadId === threadId);
    if (threadId !== undefined && thread !== undefined) await thread.terminate();
  }
}

/** A lane over one port and shared words. */
export class ThreadLane implements Lane {
  readonly #port: MessagePort;
  readonly #words: Int32Array<SharedArrayBuffer>;
  #sent = 0;

  constructor(port: MessagePort, words: Int32Array<SharedArrayBuffer>) {
    this.#port = port;
    this.#words = words;
  }

  send(batch: ArrayBuffer): void {
    this.#sent = (this.#sent + 1) | 0;
    this.#port.postMessage(batch, [batch]);
  }

  offer(slot: number): void {
    Atomics.store(this.#words, FIRST_SLOT_WORD + slot, SLOT_OFFERED);
  }

  begun(slot: number): boolean {
    return Atomics.load(this.#words, FIRST_SLOT_WORD + slot) === SLOT_BEGUN;
  }

  takeBack(slot: number): boolean {
    const was = Atomics.compareExchange(this.#words, FIRST_SLOT_WORD + slot, SLOT_OFFERED, SLOT_TAKEN_BACK);
    return was === SLOT_OFFERED;
  }

  metTakenBack(slot: number): boolean {
    return Atomics.load(this.#words, FIRST_SLOT_WORD + slot) === SLOT_SEEN;
  }

  get sent(): number {
    return this.#sent;
  }

  hasSeen(batch: number): boolean {
    return ((Atomics.load(this.#words, WORD_BATCHES_SEEN) - batch) | 0) >= 0;
  }

  recentMicros(): number {
    return Atomics.load(this.#words, WORD_RECENT_MICROS);
  }
}

/** Why a worker's life ended, in words for its exchanges and the log. */
export function describeDeath(error: unknown): Fault {
  if (isError(error) && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new Fault("WORKER_LOST", "the worker passed its memory_limit and was ended", { cause: error });
  }
  return new Fault("WORKER_LOST", `the worker ended: ${messageOf(error)}`, { cause: error });
}
