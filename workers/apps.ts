// The apps that this worker has loaded, by the file of their module: each is loaded and initialised
// once, however many requests ask for it at the same time, and disposed once. An app that did not
// load is tried again when its files have changed; one whose `init` failed, when a moment has passed.

import { statSync } from "node:fs";
import type { InitContext } from "../src/app/context.ts";
import { type Clock, type Instant, systemClock } from "../src/base/clock.ts";
import { settledWithin } from "../src/base/settled-within.ts";
import type { Loader } from "../src/loader/hooks.ts";
import type { CgiTools } from "./cgi/app.ts";
import { bootFault } from "./failure.ts";
import type { App } from "./kinds/app.ts";
import type { Kind, ModuleExports } from "./kinds/index.ts";
import { fetchApp } from "./kinds/module.ts";
import { importing, Program } from "./program.ts";

export interface AppsOptions {
  readonly loader: Loader;
  /** What a module is, unless it is asked for as something else. */
  readonly kind: Kind;
  readonly init: Omit<InitContext, "file">;
  /** An app has loaded and is initialised. */
  ready?(file: string): void;
  /** For programs that are no modules. */
  readonly tools?: CgiTools;
  /** How long after its import a module may call `listen()`. Default 0. */
  readonly listenWaitMs?: number;
}

/** What became of a module. */
export interface Loaded {
  readonly file: string;
  dispose(): Promise<void>;
}

type Entry =
  | { readonly kind: "loading"; readonly app: Promise<Loaded> }
  | { readonly kind: "ready"; readonly app: Loaded }
  | { readonly kind: "failed"; readonly fault: Error; readonly attempt: Attempt; readonly retryAt: Instant };

interface Attempt {
  /** Files that were read for the first time in it, and those of another one that failed of the same error. */
  readonly files: Map<string, Reading>;
  /** Whether the module's own code ran without error, so that only `init` is to be repeated. */
  evaluated: boolean;
}

interface Reading {
  readonly state: string;
  /** 0: it was not read yet. */
  readonly order: number;
}

/** How long a failure is answered from memory: a broken page under load must not read its files for each request. */
const RETRY_AFTER_MS = 1000;

/** What a file was not read for that is well: descriptors or memory that were short, perhaps for a moment. */
const SHORTAGES: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"]);
/** The same as Node words it of a package.json that it looks for beside the file. */
const SHORT_OF = /^Cannot read package config .*: (?:too many open files|file table overflow|not enough memory)\.$/;

export class Apps {
  readonly #options: AppsOptions;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #attempts = new Set<Attempt>();
  /** The order of the last reading of each file. */
  readonly #read = new Map<string, number>();
  #readings = 0;
  /** In the order in which they became ready. */
  readonly #ready: Loaded[] = [];

  constructor(options: AppsOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** To be told of each file that the loader reads. */
  noticed(file: string): void {
    const order = ++this.#readings;
    this.#read.set(file, order);
    for (const attempt of this.#attempts) attempt.files.set(file, { state: stateOf(file), order });
  }

  /** The app of that file, at once if it is ready. Throws, or rejects with, Fault BOOT if it does not load. */
  get(file: string): App | Promise<App> {
    return this.as(file, this.#kindOf(file));
  }

  /** A server page is what it is beside modules of every kind. */
  #kindOf(file: string): Kind {
    return file.endsWith(".tsp") ? fetchApp : this.#options.kind;
  }

  /** The same for a module that is something else than an app; a file is always asked for as the same. */
  as<T extends Loaded>(file: string, kind: (...args: Parameters<Kind>) => Promise<T>): T | Promise<T> {
    const entry = this.#entries.get(file);
    if (entry === undefined) return this.#load(file, kind);
    if (entry.kind !== "failed") return entry.app as T | Promise<T>;
    if (this.#clock.now() < entry.retryAt) throw entry.fault;
    const { files, evaluated } = entry.attempt;
    const unread = !evaluated && wasShort(entry.fault);
    const changed = unread || [...files].some(([path, { state }]) => stateOf(path) !== state);
    if (!changed && !evaluated) {
      this.#entries.set(file, { ...entry, retryAt: this.#clock.now() + RETRY_AFTER_MS });
      throw entry.fault;
    }
    if (changed) this.#options.loader.forget(this.#unreadSince(files));
    return this.#load(file, kind);
  }

  /** Disposes all, last ready first; tells each failure and goes on. After `deadline` none is waited for. */
  async dispose(deadline: Instant, failed: (file: string, error: unknown) => void): Promise<void> {
    for (const app of this.#ready.splice(0).reverse()) {
      const disposed = app.dispose().catch((error: unknown) => failed(app.file, error));
      await settledWithin(this.#clock, disposed, deadline - this.#clock.now());
    }
  }

  #load<T extends Loaded>(file: string, kind: (...args: Parameters<Kind>) => Promise<T>): Promise<T> {
    const reading = { state: stateOf(file), order: this.#read.get(file) ?? 0 };
    const attempt: Attempt = { files: new Map([[file, reading]]), evaluated: false };
    const app = this.#attempt(file, kind, attempt).then(
      (ready) => {
        this.#entries.set(file, { kind: "ready", app: ready });
        this.#ready.push(ready);
        if ((kind as unknown) === this.#kindOf(file)) this.#options.ready?.(file);
        return ready;
      },
      (error: unknown) => {
        const fault = bootFault(file, error);
        this.#shareFiles(attempt, fault);
        const retryAt = this.#clock.now() + RETRY_AFTER_MS;
        this.#entries.set(file, { kind: "failed", fault, attempt, retryAt });
        throw fault;
      },
    );
    this.#entries.set(file, { kind: "loading", app });
    return app;
  }

  /** What another app has read anew since then is shared with it, not read once more. */
  #unreadSince(files: Attempt["files"]): string[] {
    const unread = [...files].filter(([path, { order }]) => (this.#read.get(path) ?? 0) === order);
    return unread.map(([path]) => path);
  }

  /** A module that failed is not read again by the next app that imports it: Node throws the same error once more. */
  #shareFiles(attempt: Attempt, { cause }: Error): void {
    if (typeof cause !== "object" || cause === null) return;
    for (const other of this.#entries.values()) {
      if (other.kind !== "failed" || other.fault.cause !== cause) continue;
      for (const [from, to] of [
        [other.attempt.files, attempt.files],
        [attempt.files, other.attempt.files],
      ] as const) {
        for (const [path, reading] of from) if (!this.#entries.has(path) && !to.has(path)) to.set(path, reading);
      }
    }
  }

  async #attempt<T>(file: string, kind: (...args: Parameters<Kind>) => Promise<T>, attempt: Attempt): Promise<T> {
    const { loader, init, listenWaitMs, tools } = this.#options;
    if ((kind as Kind).isProgram === true) return kind({}, { ...init, file }, undefined, tools);
    let exports: ModuleExports;
    const program = new Program(listenWaitMs);
    this.#attempts.add(attempt);
    try {
      exports = await importing.run(program, () => loader.import(file));
    } finally {
      this.#attempts.delete(attempt);
    }
    attempt.evaluated = true;
    return kind(exports, { ...init, file }, program);
  }
}

function wasShort({ cause }: Error): boolean {
  const { code, message } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return SHORTAGES.has(code) || SHORT_OF.test(message ?? "");
}

/** Says whether a file is what it was, without reading it. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    // Gone for now: a change like any other.
    return "";
  }
}
