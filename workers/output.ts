// What the app prints, and what it logs: lines, with the request that they belong to, on their way to
// the pool's log. Takes the place of the thread's own stdout and stderr, which would reach the pool in
// pieces of any length, without an owner, and not at all when the thread is ended.

import { AsyncLocalStorage } from "node:async_hooks";
import { Writable } from "node:stream";
import { isError, messageOf } from "../src/base/fault.ts";
import { requestFields } from "../src/cgi/variables.ts";
import type { LogData } from "../src/messages/lane.ts";
import { OUTPUT_KIND, type OutputSink } from "../src/messages/output-ring.ts";
import { LineSplitter, type PrintedLine } from "../src/telemetry/line-splitter.ts";
import type { WorkerExchange } from "./exchange.ts";

/** Whose request runs: set around each handler, and followed through everything that it starts. */
export const currentExchange = new AsyncLocalStorage<Pick<WorkerExchange, "params" | "context">>();

/** Whose line it is; undefined: of no request. */
type Owner = Pick<WorkerExchange, "params"> | undefined;

const NOTHING = new Uint8Array(0);

export class WorkerOutput {
  readonly #sink: OutputSink;
  readonly #limitBytes: number;
  readonly #streams: readonly PrintStream[];
  #contextOwner: Owner;
  #context: Uint8Array = NOTHING;

  constructor(sink: OutputSink, limitBytes: number) {
    this.#sink = sink;
    this.#limitBytes = limitBytes;
    this.#streams = [this.#stream(1, OUTPUT_KIND.STDOUT), this.#stream(2, OUTPUT_KIND.STDERR)];
  }

  /** Gives this worker's `process.stdout` and `process.stderr`, and with them `console`, their new meaning. */
  install(): void {
    for (const [index, name] of (["stdout", "stderr"] as const).entries()) {
      const stream = this.#streams[index];
      Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
    }
    // `process.exit` ends the worker without another turn.
    process.on("exit", () => this.end());
  }

  /**
   * A line of ours or of `ctx.log`, about a request or about none. Never throws, whatever an app passes; what is
   * longer than the limit becomes several lines.
   */
  log({ level, message: said, fields }: LogData, about: Owner = currentExchange.getStore()): void {
    const message = messageOf(said);
    const shown = toJson(fields);
    if (message.length + (shown?.length ?? 0) <= this.#limitBytes / CHARACTER_BYTES) {
      this.#write(about, { kind: OUTPUT_KIND.LOG, text: Buffer.from(lineOf(level, message, shown)) });
      return;
    }
    const pieces = new LineSplitter(this.#limitBytes, ({ bytes, part, more }) => {
      const text = Buffer.from(lineOf(level, Buffer.from(bytes).toString("utf8"), undefined));
      this.#write(about, { kind: OUTPUT_KIND.LOG, text, part, more });
    });
    pieces.push(Buffer.from(shown === undefined ? message : `${message} ${shown}`));
    pieces.end();
  }

  /** Hands on the beginning of a line that will not be ended. */
  end(): void {
    for (const stream of this.#streams) stream.endLine();
  }

  #stream(fd: number, kind: number): PrintStream {
    return new PrintStream(fd, this.#limitBytes, (owner, { bytes: text, part, more }) => {
      this.#write(owner, { kind, text, part, more });
    });
  }

  #write(owner: Owner, line: { kind: number; text: Uint8Array; part?: number; more?: boolean }): void {
    this.#sink.write({ part: 0, more: false, ...line, context: this.#contextFor(owner) });
  }

  /** The JSON that names a request; made once while the same one prints. */
  #contextFor(owner: Owner): Uint8Array {
    if (owner !== this.#contextOwner) {
      this.#contextOwner = owner;
      this.#context = owner === undefined ? NOTHING : Buffer.from(JSON.stringify(requestFields(owner.params)));
    }
    return this.#context;
  }
}

/** UTF-8 needs at most so many bytes for a unit of a string: what is this much shorter needs no count. */
const CHARACTER_BYTES = 3;

class PrintStream extends Writable {
  readonly fd: number;
  readonly #lines: LineSplitter;
  #owner: Owner;

  constructor(fd: number, limitBytes: number, line: (owner: Owner, line: PrintedLine) => void) {
    super();
    this.fd = fd;
    this.#lines = new LineSplitter(limitBytes, (printed) => line(this.#owner, printed));
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const owner = currentExchange.getStore();
    if (owner !== this.#owner) {
      // Two requests never share a line.
      this.endLine();
      this.#owner = owner;
    }
    this.#lines.push(chunk);
    done();
  }

  endLine(): void {
    if (this.#lines.midLine) this.#lines.end();
  }
}

function lineOf(level: LogData["level"], message: string, fields: string | undefined): string {
  return `{"level":"${level}","message":${JSON.stringify(message)}${fields === undefined ? "" : `,"fields":${fields}`}}`;
}

/** An app may log anything: errors, bigints, what refers to itself. Undefined: these are no fields. */
function toJson(fields: unknown): string | undefined {
  try {
    const json = JSON.stringify(fields, (_name, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      return isError(value) ? { message: messageOf(value), stack: String(value.stack) } : value;
    });
    // Of what is no object, or says of itself that it is none, there are no names.
    return json?.startsWith("{") || json?.startsWith("[") ? json : undefined;
  } catch (error) {
    return JSON.stringify({ unloggable: messageOf(error) });
  }
}
