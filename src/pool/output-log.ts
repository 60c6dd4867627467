// What the workers print → lines of the pool's log, at a pace that leaves the main thread free for
// requests. Whoever prints faster than that finds its ring full, and is told about in one line.

import type { Clock, Instant } from "../base/clock.ts";
import type { LogData } from "../messages/lane.ts";
import { OUTPUT_KIND, type OutputRecord, type OutputSource } from "../messages/output-ring.ts";
import type { Log, LogFields } from "../telemetry/log.ts";

/** The rings are looked at this often while they fill, ms; the first line is taken at once. */
export const OUTPUT_PACE_MS = 10;
/** So much is taken of all rings together each time: 6 MB a second. */
export const OUTPUT_PACE_BYTES = 64 * 1024;
/** …and so many lines. */
export const OUTPUT_PACE_LINES = 256;
/** What is left out of one worker's output is told at most this often, ms. */
export const SUPPRESSED_EVERY_MS = 1000;

/** Names that tell where a line comes from: no app gives them another value. */
const RESERVED: ReadonlySet<string> = new Set([
  "level",
  "time",
  "msg",
  "pool",
  "pid",
  "worker",
  "stream",
  "request",
  "method",
  "uri",
  "part",
  "more",
]);

interface Source {
  readonly worker: number;
  readonly reader: OutputSource;
  /** Its worker is gone: what is left is the last. */
  closed: boolean;
  lines: number;
  kib: number;
  toldAt: Instant;
  contextBytes: Uint8Array;
  context: LogFields;
}

export class OutputLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #sources = new Set<Source>();
  /** Those with something to read, perhaps. */
  readonly #filled = new Set<Source>();
  #takenAt: Instant = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Reads what a worker prints from now on. The returned function says that the worker is gone. */
  open(worker: number, reader: OutputSource): () => void {
    const source: Source = {
      worker,
      reader,
      closed: false,
      lines: 0,
      kib: 0,
      toldAt: Number.NEGATIVE_INFINITY,
      contextBytes: new Uint8Array(0),
      context: {},
    };
    this.#sources.add(source);
    this.#listen(source);
    return () => {
      source.closed = true;
      reader.wake();
    };
  }

  /** Takes everything that is left, at once. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const source of this.#sources) {
      source.closed = true;
      source.reader.wake();
      this.#take(source, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    }
    this.#sources.clear();
    this.#filled.clear();
  }

  #listen(source: Source): void {
    source.reader.awaited().then(() => {
      if (!this.#sources.has(source)) return;
      this.#filled.add(source);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#cancel !== undefined) return;
    const due = this.#takenAt + OUTPUT_PACE_MS;
    if (this.#clock.now() >= due) this.#turn();
    else {
      this.#cancel = this.#clock.at(due, () => {
        this.#cancel = undefined;
        this.#turn();
      });
    }
  }

  #turn(): void {
    this.#takenAt = this.#clock.now();
    const bytes = OUTPUT_PACE_BYTES / this.#filled.size;
    const lines = OUTPUT_PACE_LINES / this.#filled.size;
    for (const source of [...this.#filled]) {
      if (!this.#take(source, bytes, lines)) continue;
      this.#filled.delete(source);
      if (source.closed) this.#sources.delete(source);
      else this.#listen(source);
    }
    if (this.#filled.size > 0) this.#schedule();
  }

  /** True once there is nothing left. */
  #take(source: Source, mostBytes: number, mostLines: number): boolean {
    let bytes = 0;
    let lines = 0;
    let record = source.reader.read();
    while (record !== undefined) {
      bytes += record.context.length + record.text.length;
      lines += 1;
      this.#write(source, record);
      if (bytes >= mostBytes || lines >= mostLines) break;
      record = source.reader.read();
    }
    this.#tellDropped(source, record === undefined);
    return record === undefined;
  }

  #write(source: Source, { kind, text, context, part, more }: OutputRecord): void {
    const where = { worker: source.worker, ...contextOf(source, context), ...(part === 0 ? {} : { part, more }) };
    const shown = Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
    if (kind === OUTPUT_KIND.LOG) {
      const { level, message, fields } = JSON.parse(shown) as LogData;
      this.#log[level](message, { ...where, ...(fields === undefined ? {} : ownFields(fields)) });
    } else if (kind === OUTPUT_KIND.STDERR) {
      this.#log.warn(shown, { ...where, stream: "stderr" });
    } else {
      this.#log.info(shown, { ...where, stream: "stdout" });
    }
  }

  #tellDropped(source: Source, emptied: boolean): void {
    const { records, kib } = source.reader.dropped();
    source.lines += records;
    source.kib += kib;
    const now = this.#clock.now();
    if (source.lines === 0 || (!emptied && now - source.toldAt < SUPPRESSED_EVERY_MS)) return;
    const { worker, lines } = source;
    this.#log.warn("output suppressed: printed faster than the log takes it", { worker, lines, kib: source.kib });
    source.toldAt = now;
    source.lines = 0;
    source.kib = 0;
  }
}

/** Nearly always the same as that of the line before. */
function contextOf(source: Source, bytes: Uint8Array): LogFields {
  if (bytes.length === 0) return {};
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).equals(source.contextBytes)) {
    source.contextBytes = bytes;
    source.context = JSON.parse(Buffer.from(bytes).toString("utf8")) as LogFields;
  }
  return source.context;
}

/** What an app adds to a line: `level` becomes `app_level`, or it could pass for another line's. */
export function ownFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [RESERVED.has(name) ? `app_${name}` : name, value]),
  );
}
