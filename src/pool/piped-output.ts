// What a worker prints that is a child process: records on a pipe of their own, and what it, or what it
// starts, writes to its standard output and error past Node: lines without a request. Reads no faster than
// the log takes it.

import type { Readable } from "node:stream";
import { PipedOutputReader } from "../messages/output-pipe.ts";
import { type Dropped, OUTPUT_KIND, type OutputRecord, type OutputSource } from "../messages/output-ring.ts";
import { LineSplitter } from "../telemetry/line-splitter.ts";

/** So much may wait for the log; more stays in the pipes. */
const WAITING_BYTES = 256 * 1024;
/** The end of what a worker wrote to its standard error is kept for whoever asks why it ended. */
const LAST_WORDS_BYTES = 4096;

const NOTHING = new Uint8Array(0);

export interface OutputPipes {
  readonly records: Readable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

export class PipedOutput implements OutputSource {
  readonly #pipes: readonly Readable[];
  readonly #broken: (error: unknown) => void;
  #waiting: OutputRecord[] = [];
  #next = 0;
  #waitingBytes = 0;
  #dropped = { records: 0, kib: 0 };
  #wake: (() => void) | undefined;
  #isPaused = false;
  #isOver = false;
  #lastWords = "";
  /** Resolves when all pipes are read to their ends. */
  readonly ended: Promise<void>;

  /** A longer line than `limitBytes` becomes several. `broken` is told of what is no record. */
  constructor({ records, stdout, stderr }: OutputPipes, limitBytes: number, broken: (error: unknown) => void) {
    this.#pipes = [records, stdout, stderr];
    this.#broken = broken;
    const reader = new PipedOutputReader(
      (record) => this.#take(record),
      ({ records: lost, kib }) => {
        this.#dropped.records += lost;
        this.#dropped.kib += kib;
      },
    );
    records.on("data", (bytes: Buffer) => {
      try {
        reader.push(bytes);
      } catch (error) {
        records.destroy();
        this.#broken(error);
      }
    });
    this.#lines(stdout, OUTPUT_KIND.STDOUT, limitBytes);
    this.#lines(stderr, OUTPUT_KIND.STDERR, limitBytes);
    stderr.on("data", (bytes: Buffer) => {
      this.#lastWords = (this.#lastWords + bytes.toString("latin1")).slice(-LAST_WORDS_BYTES);
    });
    this.ended = Promise.all(
      this.#pipes.map(
        (pipe) =>
          new Promise<void>((resolve) => {
            pipe.on("error", () => {}); // "close" follows
            pipe.on("close", () => resolve());
          }),
      ),
    ).then(() => {});
  }

  /** The end of what it wrote to its standard error past Node. */
  get lastWords(): string {
    return this.#lastWords;
  }

  read(): OutputRecord | undefined {
    const record = this.#waiting[this.#next];
    if (record === undefined) return undefined;
    this.#next++;
    this.#waitingBytes -= record.context.length + record.text.length;
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    if (this.#isPaused && this.#waitingBytes < WAITING_BYTES / 2) {
      this.#isPaused = false;
      for (const pipe of this.#pipes) pipe.resume();
    }
    return record;
  }

  dropped(): Dropped {
    const dropped = this.#dropped;
    this.#dropped = { records: 0, kib: 0 };
    return dropped;
  }

  awaited(): Promise<void> {
    if (this.#next < this.#waiting.length || this.#dropped.records > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The process is gone: what its pipes hold is the last, and is taken at once. */
  over(): void {
    this.#isOver = true;
    for (const pipe of this.#pipes) pipe.resume();
  }

  close(): void {
    for (const pipe of this.#pipes) pipe.destroy();
  }

  #lines(pipe: Readable, kind: number, limitBytes: number): void {
    const lines = new LineSplitter(limitBytes, ({ bytes, part, more }) => {
      this.#take({ kind, part, more, context: NOTHING, text: Buffer.from(bytes) });
    });
    pipe.on("data", (bytes: Buffer) => lines.push(bytes));
    pipe.on("end", () => {
      if (lines.midLine) lines.end();
    });
  }

  #take(record: OutputRecord): void {
    this.#waiting.push(record);
    this.#waitingBytes += record.context.length + record.text.length;
    this.wake();
    if (this.#isPaused || this.#isOver || this.#waitingBytes <= WAITING_BYTES) return;
    this.#isPaused = true;
    for (const pipe of this.#pipes) pipe.pause();
  }
}
