// One run of a script: its streams, its `process`, and its end. A process of its own would end when
// nothing keeps its event loop, or by process.exit; here that is looked for (pending.ts).

import { EventEmitter } from "node:events";
import { type Readable, Writable } from "node:stream";
import { systemClock } from "../../src/base/clock.ts";
import { currentCall, type ScriptCall } from "./current-call.ts";
import type { CgiInput } from "./input.ts";
import type { CgiOutput } from "./output.ts";
import { Pending } from "./pending.ts";

/** A run is looked at this often once its script has been evaluated, besides when something of it is finished, ms. */
const LOOK_MS = 20;
/** After its header block: how long a promise that nothing seems to work on keeps a run, ms. */
const PROMISE_PATIENCE_MS = 100;

/** What `process.exit` throws, to leave the script where it is. */
export class ScriptExit extends Error {
  override readonly name = "ScriptExit";
}

export interface ScriptRunOptions {
  /** Absolute path. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: CgiInput;
  readonly output: CgiOutput;
  /** Told once: what it exited with. */
  readonly ended: (code: number) => void;
}

export class ScriptRun implements ScriptCall {
  readonly pending = new Pending();
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly process: NodeJS.Process;
  readonly #options: ScriptRunOptions;
  readonly #events = new EventEmitter();
  #evaluated = false;
  #isOver = false;
  #lookDue = false;
  #quietSince: number | undefined;
  #exitCode: number | string | undefined;
  #isFinal = false;

  constructor(options: ScriptRunOptions) {
    this.#options = options;
    this.stdin = Object.assign(options.input.stream(), { fd: 0, isTTY: false });
    this.stdout = new Stdout(options.output);
    this.process = this.#makeProcess();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it reads. */
  get input(): CgiInput {
    return this.#options.input;
  }

  /** Runs `evaluate`, and what it starts, as this script. Rejects with what it throws, unless it left by itself. */
  async run(evaluate: () => unknown): Promise<void> {
    try {
      await currentCall.run(this, evaluate);
      this.#evaluated = true;
      this.look();
    } catch (error) {
      if (!(error instanceof ScriptExit)) throw error;
    }
  }

  /** Nobody wants it any more, or it failed: its timers stop, its streams break. */
  stop(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.pending.stop();
    this.stdin.destroy();
    this.stdout.destroy();
    this.#options.ended(code);
  }

  look(): void {
    if (this.#lookDue || this.#isOver || !this.#evaluated) return;
    this.#lookDue = true;
    // Not in the script's name: it would wait for itself.
    currentCall.exit(() => {
      setImmediate(() => {
        this.#lookDue = false;
        this.#look();
      });
    });
  }

  #look(): void {
    if (this.#isOver) return;
    if (this.pending.isHeld || this.#reads || this.stdout.writableLength > 0) this.#quietSince = undefined;
    else if (this.#isPatient()) this.#quietSince ??= systemClock.now();
    else if (this.#isFinal) {
      this.#exit(this.#code(0));
      return;
    } else {
      // What 'beforeExit' starts is waited for too.
      this.#isFinal = true;
      currentCall.run(this, () => this.#events.emit("beforeExit", this.#code(0)));
      this.look();
      return;
    }
    currentCall.exit(() => setTimeout(() => this.look(), LOOK_MS));
  }

  /** An unsettled promise may wait for a connection that another request opened; of that nothing is known. */
  #isPatient(): boolean {
    if (!this.pending.isPromised) return false;
    if (!this.#options.output.hasHead) return true;
    return this.#quietSince === undefined || systemClock.now() - this.#quietSince < PROMISE_PATIENCE_MS;
  }

  get #reads(): boolean {
    const { stdin } = this;
    if (stdin.readableEnded || stdin.destroyed) return false;
    return stdin.readableFlowing === true || stdin.listenerCount("readable") > 0;
  }

  #code(otherwise: number): number {
    return Number(this.#exitCode ?? otherwise) || 0;
  }

  #exit(code: number): void {
    if (this.#isOver) return;
    try {
      currentCall.run(this, () => this.#events.emit("exit", code));
    } finally {
      // What it wrote is on its way already: each write is handed over at once.
      if (!this.#isOver) {
        this.#options.output.end();
        this.stop(code);
      }
    }
  }

  #makeProcess(): NodeJS.Process {
    const { file, env } = this.#options;
    const own: Record<PropertyKey, unknown> = {
      env,
      argv: [process.execPath, file],
      argv0: process.argv0,
      stdin: this.stdin,
      stdout: this.stdout,
      exit: (code?: number | string) => {
        this.#exit(Number(code ?? this.#code(0)) || 0);
        throw new ScriptExit("process.exit");
      },
      abort: () => {
        this.stop(134);
        throw new ScriptExit("process.abort");
      },
      reallyExit: undefined,
    };
    for (const name of EMITTER_METHODS) {
      const method = this.#events[name] as (...args: unknown[]) => unknown;
      own[name] = (...args: unknown[]) => {
        const result = method.apply(this.#events, args);
        return result === this.#events ? this.process : result;
      };
    }
    Object.defineProperty(own, "exitCode", {
      get: () => this.#exitCode,
      set: (code: number | string | undefined) => {
        this.#exitCode = code;
      },
      enumerable: true,
    });
    return new Proxy(own, {
      get(target, key) {
        if (key in target && Object.hasOwn(target, key)) return target[key];
        const value: unknown = Reflect.get(process, key);
        return typeof value === "function" && !/^class\b/.test(String(value)) ? value.bind(process) : value;
      },
      has: (target, key) => key in target || key in process,
    }) as unknown as NodeJS.Process;
  }
}

const EMITTER_METHODS = [
  "on",
  "once",
  "off",
  "addListener",
  "removeListener",
  "removeAllListeners",
  "prependListener",
  "prependOnceListener",
  "emit",
  "listeners",
  "listenerCount",
  "eventNames",
] as const;

class Stdout extends Writable {
  readonly fd = 1;
  readonly isTTY = false;
  readonly #output: CgiOutput;

  constructor(output: CgiOutput) {
    super({ decodeStrings: true });
    this.#output = output;
    this.on("error", () => {}); // its reader has left: as with a pipe that nobody reads
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const full = this.#output.write(chunk);
    if (full === undefined) done();
    else void full.then(done);
  }
}
