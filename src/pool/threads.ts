// Workers as threads. The only file that knows piscina, which owns the threads: each runs one task for
// its whole life (docs/decisions/0005-piscina.md).

import { MessageChannel, type Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { buffersDied } from "../base/buffer-garbage.ts";
import { Fault } from "../base/fault.ts";
import { readBatch } from "../messages/batch.ts";
import { FIRST_SLOT_WORD, FROM_WORKER, RING_BYTES, type WorkerBoot, type WorkerLife } from "../messages/lane.ts";
import { makeOutputMemory, OutputReader, type OutputSource } from "../messages/output-ring.ts";
import { notedPrograms, programsMemory } from "../messages/programs.ts";
import { ringMemory } from "../messages/ring.ts";
import { Bells } from "./bells.ts";
import type { Seat, WorkerSource } from "./lane.ts";
import { ThreadLane } from "./thread-lane.ts";
import { ThreadStacks } from "./thread-stack.ts";

export interface ThreadOptions {
  /** Upper bound of threads alive at one time, replacements included. */
  readonly maxThreads: number;
  /** Heap of one worker; Node ends a thread that passes it, as far as it can. */
  readonly memoryLimitBytes: number;
  /** Called for trouble that belongs to no worker's life. */
  readonly onError: (error: unknown) => void;
  /** Told when a thread is gone: programs that it had not seen the end of. */
  readonly orphaned: (pids: readonly number[]) => void;
  /** Reads what a worker prints from now on; the returned function is called when its thread is gone. */
  readonly output: (worker: number, source: OutputSource) => () => void;
}

const WORKER_FILE = new URL("../../workers/main.js", import.meta.url).href;

export class Threads implements WorkerSource {
  readonly #piscina: Piscina;
  readonly #maxThreads: number;
  /** Lives whose thread may exist, also one that has finished its task: piscina would give it a second one. */
  #lives = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #bells = new Bells();
  readonly #stacks = new ThreadStacks();
  readonly #output: ThreadOptions["output"];
  readonly #orphaned: ThreadOptions["orphaned"];

  constructor(options: ThreadOptions) {
    this.#maxThreads = options.maxThreads;
    this.#output = options.output;
    this.#orphaned = options.orphaned;
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
    const inbox = ringMemory(RING_BYTES);
    const outbox = ringMemory(RING_BYTES);
    const output = makeOutputMemory();
    const programs = boot.cgi === undefined ? undefined : programsMemory(boot.cgi.children);
    const outputEnded = this.#output(boot.worker, new OutputReader(output));
    let threadId: number | undefined;
    let terminated = false;

    const received = (batch: Buffer): void => {
      if (threadId === undefined) {
        readBatch(batch, (kind, _slot, start) => {
          if (kind === FROM_WORKER.BORN) threadId = batch.readUInt32LE(start);
        });
        if (terminated) this.#terminate(threadId);
      }
      onBatch(batch);
    };
    const lane = new ThreadLane({ port: port1, words, inbox, outbox, bells: this.#bells, received });

    const life = this.#live(
      { port: port2, words, inbox, outbox, bell: lane.bellAddress, output, programs, boot },
      () => threadId,
      () => terminated,
    ).finally(() => {
      // What it said before it died may come after the news of its death.
      lane.collect();
      outputEnded();
      lane.close();
      if (programs !== undefined) this.#orphaned(notedPrograms(programs));
      // Shared memory counts for nothing in V8's eyes: under recycling it would pile up for hours.
      buffersDied(words.byteLength + inbox.byteLength + outbox.byteLength + output.byteLength);
    });
    return {
      lane,
      life,
      terminate: () => {
        terminated = true;
        this.#wake();
        this.#terminate(threadId);
      },
      memory: async () => {
        const statistics = terminated ? undefined : await this.#thread(threadId)?.getHeapStatistics();
        // Memory of ArrayBuffers is part of the external memory.
        return statistics && statistics.used_heap_size + statistics.external_memory;
      },
      loopTimes: () => (terminated ? undefined : this.#thread(threadId)?.performance.eventLoopUtilization()),
      stack: async (withinMs) =>
        threadId === undefined || terminated ? undefined : this.#stacks.take(threadId, withinMs),
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
    this.#bells.close();
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
    await this.#thread(threadId)?.terminate();
  }

  #thread(threadId: number | undefined): Worker | undefined {
    // A thread that is gone has the id -1 and is no longer listed.
    return threadId === undefined ? undefined : this.#piscina.threads.find((each) => each.threadId === threadId);
  }
}
