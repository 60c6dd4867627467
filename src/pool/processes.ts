// Workers as child processes (isolation = "process"). The only file that starts them. A child runs as the
// pool does, inherits nothing but its pipes, and never outlives the pool: the kernel kills it with us where
// setpriv(1) can ask for that, and everywhere it leaves when its lane is closed.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { messageOf } from "../base/fault.ts";
import { type ProcessBoot, TO_WORKER, type WorkerBoot } from "../messages/lane.ts";
import type { OutputSource } from "../messages/output-ring.ts";
import { CLAIMS_FD, LANE_FD, OUTPUT_FD, sharedClockMs } from "../messages/pipe.ts";
import { WATCH_FD } from "../messages/watch.ts";
import { Claims } from "./claims.ts";
import { OUT_OF_MEMORY } from "./death.ts";
import type { LoopTimes, Seat, WorkerSource } from "./lane.ts";
import { PipeLane } from "./pipe-lane.ts";
import { PipedOutput } from "./piped-output.ts";
import { ProcessStack } from "./process-stack.ts";

const WORKER_FILE = fileURLToPath(new URL("../../workers/process.js", import.meta.url));
/** Has the kernel end a process with its parent; util-linux 2.33 and newer. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/local/bin/setpriv"];
/** A process that was killed is gone within this time, or it is let go: it runs none of its code any more, ms. */
const KILLED_MS = 800;
/** What a process has said before it ended is read within this, ms. */
const LAST_WORDS_MS = 500;
/** A process whose loop turns says within this time what it holds; of another the system is asked, ms. */
const WEIGH_MS = 250;

export interface ProcessOptions {
  /** Heap of one worker; V8 ends a process that passes it. */
  readonly memoryLimitBytes: number;
  /** Reads what a worker prints from now on; the returned function is called when its process is gone. */
  readonly output: (worker: number, source: OutputSource) => () => void;
}

export class Processes implements WorkerSource {
  readonly #options: ProcessOptions;
  readonly #command: readonly [string, ...string[]];
  readonly #alive = new Set<WorkerProcess>();

  constructor(options: ProcessOptions) {
    this.#options = options;
    const node = [
      process.execPath,
      // Until it has a listener of its own, Node would open its inspector to whoever may send it SIGUSR1.
      "--disable-sigusr1",
      `--max-old-space-size=${Math.ceil(options.memoryLimitBytes / 1024 / 1024)}`,
      WORKER_FILE,
    ] as const;
    const setpriv = process.platform === "linux" ? SETPRIV.find((path) => existsSync(path)) : undefined;
    this.#command = setpriv === undefined ? [...node] : [setpriv, "--pdeathsig=KILL", "--", ...node];
  }

  /** Processes that exist. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Anonymous memory of all of them together; undefined where the system does not tell. */
  residentBytes(): number | undefined {
    let sum = 0;
    for (const { pid } of this.#alive) {
      const bytes = anonymousBytes(pid);
      if (bytes === undefined) return undefined;
      sum += bytes;
    }
    return sum;
  }

  start(boot: WorkerBoot, _slots: number, onBatch: (batch: Buffer) => void): Seat {
    const worker = new WorkerProcess(this.#command, boot, onBatch, this.#options.output);
    this.#alive.add(worker);
    worker.gone.then(() => this.#alive.delete(worker));
    return worker;
  }

  async close(): Promise<void> {
    const all = [...this.#alive];
    for (const worker of all) worker.terminate();
    await Promise.all(all.map(({ gone }) => gone));
  }
}

class WorkerProcess implements Seat {
  readonly lane: PipeLane;
  readonly life: Promise<void>;
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #laneSocket: Socket;
  readonly #claims: Claims;
  readonly #output: PipedOutput;
  readonly #stack: ProcessStack;
  readonly #ended = Promise.withResolvers<void>();
  #loopTimes: LoopTimes | undefined;
  #terminated = false;
  #broken: unknown;

  constructor(
    [command, ...args]: readonly [string, ...string[]],
    boot: WorkerBoot,
    onBatch: (batch: Buffer) => void,
    output: ProcessOptions["output"],
  ) {
    this.#child = spawn(command, args, { stdio: ["ignore", ...Array(WATCH_FD).fill("pipe")] });
    const stdio = (this.#child.stdio as readonly unknown[] | undefined) ?? closedPipes();
    this.#laneSocket = stdio[LANE_FD] as Socket;
    const broken = (error: unknown): void => {
      this.#broken ??= error;
      this.terminate();
    };
    this.#claims = new Claims(stdio[CLAIMS_FD] as Socket, this.#child.pid);
    this.lane = new PipeLane({
      socket: this.#laneSocket,
      claimed: () => this.#claims.look(),
      received: onBatch,
      broken,
    });
    const pipes = { records: stdio[OUTPUT_FD], stdout: stdio[1], stderr: stdio[2] };
    this.#output = new PipedOutput(pipes as Record<keyof typeof pipes, Readable>, boot.logLimitBytes, broken);
    this.#stack = new ProcessStack(stdio[WATCH_FD] as Socket, broken);
    const outputEnded = output(boot.worker, this.#output);
    this.#child.on("exit", (code, signal) => this.#exited(code, signal));
    this.#child.on("error", (error) => {
      // Also emitted when a signal cannot be sent; only without a process does it end this life.
      if (this.#child.pid !== undefined) return;
      this.lane.died(true);
      this.#ended.reject(death(`it could not be started: ${error.message}`));
    });
    const said: ProcessBoot = {
      boot,
      timeOriginMs: performance.timeOrigin,
      originOnSharedClockMs: sharedClockMs() - performance.now(),
    };
    this.lane.writer.json(TO_WORKER.BOOT, 0, said);
    this.lane.post();
    this.life = this.#ended.promise;
    this.gone = this.life.catch(() => {}).then(() => this.#bury(outputEnded));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get #isOver(): boolean {
    return this.#terminated || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#child.kill("SIGKILL");
    setTimeout(() => {
      this.lane.died(this.#child.exitCode !== null || this.#child.signalCode !== null);
      this.#ended.reject(death("it was killed"));
    }, KILLED_MS).unref();
  }

  async memory(): Promise<number | undefined> {
    if (this.#isOver) return undefined;
    const weight = await Promise.race([this.lane.weigh(), delay(WEIGH_MS, undefined, { ref: false })]);
    if (weight === undefined) return anonymousBytes(this.pid);
    this.#loopTimes = weight.loop;
    return weight.bytes;
  }

  loopTimes(): LoopTimes | undefined {
    return this.#isOver ? undefined : this.#loopTimes;
  }

  async stack(withinMs: number): Promise<string | undefined> {
    return this.#isOver ? undefined : this.#stack.take(withinMs);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#output.over();
    // What it said before it died may come after the news of its death.
    const read = new Promise<void>((resolve) => {
      const socket = this.#laneSocket;
      if (socket.readableEnded || socket.destroyed) resolve();
      else socket.once("close", () => resolve());
    });
    void Promise.race([read, delay(LAST_WORDS_MS, undefined, { ref: false })]).then(async () => {
      this.lane.died(true);
      if (this.lane.drained && !this.#terminated) this.#ended.resolve();
      else this.#ended.reject(await this.#causeOf(code, signal));
    });
  }

  async #causeOf(code: number | null, signal: NodeJS.Signals | null): Promise<Error> {
    if (this.#broken !== undefined) return death(`it said what no worker says (${messageOf(this.#broken)})`);
    if (signal === null) return death(`it called process.exit(${code})`);
    if (signal === "SIGABRT" || signal === "SIGTRAP") {
      await Promise.race([this.#output.ended, delay(LAST_WORDS_MS, undefined, { ref: false })]);
      if (/heap out of memory|allocation failed/i.test(this.#output.lastWords)) {
        return Object.assign(death("its heap was full"), { code: OUT_OF_MEMORY });
      }
    }
    return death(this.#terminated ? "it was killed" : `it was ended by ${signal}`);
  }

  async #bury(outputEnded: () => void): Promise<void> {
    await Promise.race([this.#output.ended, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    this.#output.close();
    outputEnded();
    this.#claims.close();
    this.#stack.close();
    this.#laneSocket.destroy();
  }
}

/** Without a descriptor left there is no process, and Node makes no pipes. */
function closedPipes(): readonly Socket[] {
  return Array.from({ length: WATCH_FD + 1 }, () => new Socket().destroy());
}

/** Without a stack: where we noticed tells nobody anything. */
function death(message: string): Error {
  const error = new Error(message);
  error.stack = String(error);
  return error;
}

/** Memory that is the process's own; undefined where the system does not tell, or it has gone. */
function anonymousBytes(pid: number): number | undefined {
  if (process.platform !== "linux" || pid === 0) return undefined;
  try {
    const kib = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined; // it has gone
  }
}
