// What a worker runs that is a process of its own (isolation = "process"): its host lives on the main
// thread, so that chdir, the umask, signals and native modules are the app's. The pool started it, and
// it ends with the pool: when its pipe is closed, there is nobody left to work for.

import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { readBatch } from "../src/messages/batch.ts";
import { FROM_WORKER, type ProcessBoot, TO_WORKER } from "../src/messages/lane.ts";
import { PipedOutputWriter } from "../src/messages/output-pipe.ts";
import { CLAIMS_FD, LANE_FD, OUTPUT_FD } from "../src/messages/pipe.ts";
import { live } from "./life.ts";
import { WorkerOutput } from "./output.ts";
import { PipeRoad } from "./pipe-road.ts";
import type { RoadListener } from "./road.ts";

/** Node's own: at its end a program's `process.exit` only says that it has finished (node/stopping.ts). */
const exit = process.exit.bind(process);

/** Heap of the thread that watches this one, MiB: it holds what the inspector says of each script for a moment. */
const WATCHER_HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };

/** Exit code of a worker whose pool is gone. */
const ORPHANED = 1;

/** The pool's words for the process itself. */
class ProcessRoad extends PipeRoad {
  readonly #booted: (boot: ProcessBoot) => void;

  constructor(booted: (boot: ProcessBoot) => void) {
    const socket = new Socket({ fd: LANE_FD, readable: true, writable: true });
    super({ socket, claimsFd: CLAIMS_FD, orphaned: () => exit(ORPHANED) });
    this.#booted = booted;
    super.listen({ received: (batch) => this.#first(batch), stirred: () => {} });
    // `process.exit` ends the process without another turn.
    process.on("exit", () => this.flush());
  }

  override listen(listener: RoadListener): void {
    super.listen({
      received: (batch) => {
        readBatch(batch, (kind) => {
          if (kind === TO_WORKER.WEIGH) this.#weigh();
        });
        listener.received(batch);
      },
      stirred: () => listener.stirred(),
    });
  }

  #first(batch: Buffer): void {
    readBatch(batch, (kind, _slot, start, end) => {
      if (kind === TO_WORKER.BOOT) this.#booted(JSON.parse(batch.toString("utf8", start, end)) as ProcessBoot);
    });
  }

  #weigh(): void {
    const { heapUsed, external } = process.memoryUsage();
    const { idle, active } = performance.eventLoopUtilization();
    const at = this.writer.open(FROM_WORKER.WEIGHT, 0, 24);
    const { buffer } = this.writer;
    buffer.writeDoubleLE(idle, buffer.writeDoubleLE(heapUsed + external, at));
    buffer.writeDoubleLE(active, at + 16);
  }
}

/** It has to be there before anything of the app can keep this thread from starting it. Without it nobody is told of stacks. */
function startWatcher(): void {
  try {
    const watcher = new Worker(new URL("./watcher.js", import.meta.url), {
      // What the app's own threads are started with must not reach it.
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: WATCHER_HEAP,
    });
    watcher.on("error", () => {});
    watcher.unref();
  } catch {
    // Its user may have no more threads (RLIMIT_NPROC, TasksMax).
  }
}

async function main({ boot, ...clock }: ProcessBoot, road: PipeRoad): Promise<void> {
  process.title = `holdfast: pool ${boot.pool}, worker ${boot.worker}`;
  road.attune(clock);
  // Held, so that writing to its descriptor never blocks.
  const pipe = new Socket({ fd: OUTPUT_FD, readable: false, writable: true }).unref();
  pipe.on("error", () => {}); // the lane tells
  const sink = new PipedOutputWriter(OUTPUT_FD);
  const output = new WorkerOutput(sink, boot.logLimitBytes);
  process.on("exit", () => {
    output.end();
    sink.end();
  });
  // Ctrl-C reaches the whole terminal group; what it means the supervisor decides, and the app may listen too.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => {});
  const leave = (unsound: (error: unknown) => void): void => {
    process.on("SIGTERM", () => unsound(new Error("told by SIGTERM to leave")));
  };
  startWatcher();
  await live({ boot, road, output, id: process.pid, leave });
  // What the app has left open must not keep a drained worker.
  exit(0);
}

const road = new ProcessRoad((boot) => {
  void main(boot, road);
});
