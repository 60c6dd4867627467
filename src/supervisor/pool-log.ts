// The log of one pool process as the supervisor takes it: which pipes there are, and what comes out of
// them. The pool's name on each line is ours to write: what a process says of itself is only claimed.

import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { LogLevel } from "../base/fault.ts";
import type { LogSettings } from "../messages/lifecycle.ts";
import { LineSplitter } from "../telemetry/line-splitter.ts";
import { createLog, formatLine, type Log, type LogFormat, type WriteLine } from "../telemetry/log.ts";

/** A longer line than this is no line of the log, and is taken apart as what the app prints is. */
const RECORD_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

/** Where an access log goes. */
export interface AccessSink {
  /** Takes whole lines. */
  write(lines: Uint8Array): void;
  /** A process begins to write, which ends with the promise. */
  used(until: Promise<void>): void;
}

export interface PoolLogOptions {
  readonly pool: string;
  readonly format: LogFormat;
  readonly colours: boolean;
  readonly level: LogLevel;
  readonly limitBytes: number;
  /** Takes the log's lines in their form; undefined: the process writes to our own standard error by itself. */
  readonly write: WriteLine | undefined;
  /** Undefined: there is no access log. */
  readonly access: AccessSink | undefined;
  /** Told of each pipe that is read; the promise resolves at its end. */
  readonly reading: (ended: Promise<void>) => void;
}

export class PoolLog {
  readonly #options: PoolLogOptions;
  readonly #raw: Log;

  constructor(options: PoolLogOptions) {
    this.#options = options;
    const { format, level, write = () => {}, colours, pool } = options;
    this.#raw = createLog(format, level, write, colours).with({ pool });
  }

  /** For stdout and stderr of the process. */
  get stdio(): "inherit" | "pipe" {
    return this.#options.write === undefined ? "inherit" : "pipe";
  }

  /** What follows the other descriptors: the pipe of the access log, if there is one. */
  get accessStdio(): readonly "pipe"[] {
    return this.#options.access === undefined ? [] : ["pipe"];
  }

  settings(accessFd: number): LogSettings {
    const { format, colours, level, limitBytes, access } = this.#options;
    const piped = this.stdio === "pipe";
    return {
      format: piped ? "json" : format,
      colours: !piped && colours,
      level,
      piped,
      limitBytes,
      ...(access === undefined ? {} : { accessFd }),
    };
  }

  /** Reads its pipes until they end, which is after its end. */
  attach(child: ChildProcess, accessFd: number): void {
    // Nothing was started, so there are no pipes; "error" tells why.
    if (child.pid === undefined) return;
    const { access, reading } = this.#options;
    const pipes: (Readable | null)[] = [child.stdout, child.stderr];
    if (access !== undefined) pipes.push(child.stdio[accessFd] as Readable);
    for (const pipe of pipes) {
      if (pipe !== null) reading(ended(pipe));
    }
    if (this.stdio === "pipe") {
      this.#readLines(child.stdout, "stdout", child.pid);
      this.#readLines(child.stderr, "stderr", child.pid);
    }
    if (access === undefined) return;
    const pipe = child.stdio[accessFd] as Readable;
    access.used(ended(pipe));
    readWholeLines(pipe, (lines) => access.write(lines));
  }

  #readLines(stream: Readable | null, name: "stdout" | "stderr", pid: number | undefined): void {
    const print = (text: string, more: { readonly part?: number; readonly more?: boolean }): void => {
      const fields = { pid, stream: name, ...more };
      if (name === "stdout") this.#raw.info(text, fields);
      else this.#raw.warn(text, fields);
    };
    const lines = new LineSplitter(RECORD_BYTES, ({ bytes }) => {
      const text = Buffer.from(bytes).toString("utf8");
      const record = name === "stderr" ? recordOf(text) : undefined;
      if (record !== undefined) this.#relay(record);
      else this.#split(bytes, print);
    });
    stream?.on("data", (bytes: Buffer) => lines.push(bytes));
    stream?.on("end", () => {
      if (lines.midLine) lines.end();
    });
    // A pipe that breaks has no more to say; "exit" tells the rest.
    stream?.on("error", () => {});
  }

  #relay({ level, time, ...rest }: LogRecord): void {
    const { pool, write, format, colours } = this.#options;
    write?.(formatLine(`${JSON.stringify({ level, time, ...rest, pool })}\n`, format, colours));
  }

  #split(line: Uint8Array, print: (text: string, more: { part?: number; more?: boolean }) => void): void {
    const pieces = new LineSplitter(this.#options.limitBytes, ({ bytes, part, more }) => {
      print(Buffer.from(bytes).toString("utf8"), part === 0 ? {} : { part, more });
    });
    pieces.push(line);
    pieces.end();
  }
}

/** Resolves when nothing more comes, for whatever reason. */
function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [name: string]: unknown;
}

/** A line as our own log writes it; undefined for anything else that came out of the process. */
function recordOf(line: string): LogRecord | undefined {
  if (!line.startsWith('{"level":"')) return undefined;
  try {
    const record = JSON.parse(line) as Partial<LogRecord>;
    return typeof record.time === "string" && typeof record.msg === "string" ? (record as LogRecord) : undefined;
  } catch {
    // It only looked like one.
    return undefined;
  }
}

/** Hands on whole lines only, so that those of several processes never mix. */
function readWholeLines(stream: Readable, lines: (lines: Uint8Array) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  const endLine = (): void => {
    lines(Buffer.concat([rest, Buffer.of(NEWLINE)]));
    rest = Buffer.alloc(0);
  };
  stream.on("data", (bytes: Buffer) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    if (end > 0) lines(all.subarray(0, end));
    rest = all.subarray(end);
    // Not the work of our access log: it is ended for whoever wrote it.
    if (rest.length > RECORD_BYTES) endLine();
  });
  stream.on("end", () => {
    if (rest.length > 0) endLine();
  });
  stream.on("error", () => {});
}
