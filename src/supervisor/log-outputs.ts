// Where all lines end: standard error, or files that this process alone opens, because pools run as
// users who cannot. It also takes what pool processes write into their pipes.

import { systemClock } from "../base/clock.ts";
import { messageOf } from "../base/fault.ts";
import { settledWithin } from "../base/settled-within.ts";
import type { LogTarget, PoolConfig, SupervisorConfig } from "../config/schema.ts";
import {
  createLog,
  type Log,
  type LogFormat,
  resolveLogFormat,
  standardError,
  wantsColours,
} from "../telemetry/log.ts";
import { LogFile } from "./log-file.ts";
import { type AccessSink, PoolLog } from "./pool-log.ts";

type LogOptions = Pick<SupervisorConfig, "log" | "logFormat" | "logLevel" | "logLimitBytes">;

export class LogOutputs {
  /** The supervisor's own. */
  readonly log: Log;
  readonly #options: LogOptions;
  readonly #format: LogFormat;
  readonly #colours: boolean;
  readonly #stderr = standardError();
  readonly #files = new Map<string, LogFile>();
  /** Processes that write to each. */
  readonly #users = new Map<LogFile, number>();
  readonly #reading = new Set<Promise<void>>();
  #main: LogFile | undefined;

  /** Throws CONFIG when the log cannot be opened. */
  constructor(options: LogOptions) {
    this.#options = options;
    const toTerminal = options.log.kind === "stderr";
    this.#format = resolveLogFormat(options.logFormat, toTerminal && process.stderr.isTTY === true);
    this.#colours = toTerminal && wantsColours();
    this.#main = options.log.kind === "file" ? this.#file(options.log.path) : undefined;
    this.log = createLog(this.#format, options.logLevel, (line) => this.#write(line), this.#colours);
  }

  /** For one process of a pool. Throws CONFIG when its access log cannot be opened. */
  forPool(pool: Pick<PoolConfig, "name" | "accessLog">): PoolLog {
    const { logLevel: level, logLimitBytes: limitBytes } = this.#options;
    return new PoolLog({
      pool: pool.name,
      format: this.#format,
      colours: this.#colours,
      level,
      limitBytes,
      write: this.#main === undefined ? undefined : (line) => this.#write(line),
      access: this.#accessSink(pool.accessLog),
      reading: (ended) => this.#track(ended),
    });
  }

  /** Opens every file anew: logrotate has renamed them. One that cannot be opened is written on as it is. */
  reopen(): void {
    for (const [path, file] of this.#files) {
      if (file !== this.#main && (this.#users.get(file) ?? 0) === 0) {
        // A reload has left it behind.
        this.#files.delete(path);
        this.#users.delete(file);
        file.close();
        continue;
      }
      try {
        file.reopen();
      } catch (error) {
        this.log.error("a log is not reopened", { path: file.path, reason: messageOf(error) });
      }
    }
    this.log.info("logs reopened", { files: this.#files.size });
  }

  /** Closes the files once every pipe has ended, or after `withinMs`; lines from then on go to standard error. */
  async close(withinMs: number): Promise<void> {
    // What a pool's process has started may hold its pipe open.
    await settledWithin(systemClock, Promise.all(this.#reading), withinMs);
    const files = [...this.#files.values()];
    this.#files.clear();
    this.#main = undefined;
    for (const file of files) file.close();
  }

  #track(ended: Promise<void>): void {
    this.#reading.add(ended);
    void ended.then(() => this.#reading.delete(ended));
  }

  #write(line: string): void {
    if (this.#main === undefined) this.#stderr(line);
    else this.#main.write(line);
  }

  #accessSink(target: LogTarget | undefined): AccessSink | undefined {
    if (target === undefined) return undefined;
    if (target.kind === "stderr") {
      return { write: (lines) => this.#stderr(Buffer.from(lines).toString("utf8")), used: () => {} };
    }
    const file = this.#file(target.path);
    return {
      write: (lines) => file.write(lines),
      used: (until) => {
        const users = this.#users.get(file) ?? 0;
        this.#users.set(file, users + 1);
        void until.then(() => this.#users.set(file, (this.#users.get(file) ?? 1) - 1));
      },
    };
  }

  /** Several pools, and the log itself, may share one. */
  #file(path: string): LogFile {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = new LogFile(path, {
        // To standard error, whatever the log is: it may be the very file that cannot be written.
        failing: (failed, error) => this.#stderr(`holdfast: ${failed} cannot be written: ${messageOf(error)}\n`),
        recovered: (failed, lines) => this.log.warn("a log was not written for a while", { path: failed, lost: lines }),
      });
      this.#files.set(path, file);
    }
    return file;
  }
}
