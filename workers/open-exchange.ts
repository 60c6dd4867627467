// One exchange on the worker's lane: implements what the handler model builds on (exchange.ts).
// Answers exactly once, also after an abort, because the pool frees the slot only then.

import { buffersPassed } from "../src/base/buffer-garbage.ts";
import { FAULTS, type Fault, type FaultCode, toFaultData } from "../src/base/fault.ts";
import { Params } from "../src/fastcgi/name-values.ts";
import { type FrameWriter, put } from "../src/messages/batch.ts";
import {
  type AbortReason,
  CHUNK_BYTES,
  FROM_WORKER,
  type LogData,
  REPLY_HEADROOM_BYTES,
  REPLY_MAX_BYTES,
  REPLY_PREFIX_BYTES,
  REPLY_TAILROOM_BYTES,
  REPLY_WINDOW_BYTES,
  WINDOW_STEP_BYTES,
} from "../src/messages/lane.ts";
import type { ReplyStream, Role, WorkerExchange } from "./exchange.ts";
import { IncomingBody } from "./incoming-body.ts";

/** Where an exchange's frames go. */
export interface Outgoing {
  readonly writer: FrameWriter;
  stirred(): void;
  finished(slot: number): void;
  log(data: LogData, about: WorkerExchange): void;
}

export interface OpenExchangeOptions {
  readonly outbox: Outgoing;
  readonly slot: number;
  readonly role: Role;
  readonly params: Buffer;
  readonly deadline: number;
  readonly rehearsal: boolean;
}

const FAULT_CODES = Object.keys(FAULTS) as FaultCode[];

export class OpenExchange implements WorkerExchange {
  readonly role: Role;
  readonly params: Params;
  readonly deadline: number;
  readonly rehearsal: boolean;
  readonly stdin: IncomingBody;
  readonly data: IncomingBody | undefined;
  aborted: AbortReason | undefined;
  context: WorkerExchange["context"];
  readonly #outbox: Outgoing;
  readonly #slot: number;
  #controller: AbortController | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #answered = false;
  /** The last frame of it is written: its slot may name another exchange by now. */
  #over = false;
  #stream: OutgoingBody | undefined;
  /** Of the request's body so much was taken that the pool has not been told of. */
  #takenBytes = 0;

  constructor(options: OpenExchangeOptions) {
    this.role = options.role;
    this.params = new Params(options.params);
    this.deadline = options.deadline;
    this.rehearsal = options.rehearsal;
    this.#outbox = options.outbox;
    this.#slot = options.slot;
    this.stdin = new IncomingBody((bytes) => this.#taken(bytes));
    if (options.role === "filter") this.data = new IncomingBody((bytes) => this.#taken(bytes));
    if (options.role === "authorizer") this.stdin.end(); // [FCGI §6.3] it gets no FCGI_STDIN
  }

  get body(): IncomingBody {
    return this.stdin;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted !== undefined) this.#controller.abort(abortError(this.aborted));
    }
    return this.#controller.signal;
  }

  get over(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    if (this.#over) this.#ended.resolve();
    return this.#ended.promise;
  }

  // ---- from the lane -----------------------------------------------------------------------------

  abort(reason: AbortReason): void {
    if (this.aborted !== undefined) return;
    this.aborted = reason;
    const error = abortError(reason);
    this.stdin.fail(error);
    this.data?.fail(error);
    this.#controller?.abort(error);
    this.#stream?.abort(error);
  }

  credit(bytes: number): void {
    this.#stream?.credit(bytes);
  }

  // ---- for the host ------------------------------------------------------------------------------

  reply(status: number, head: string, body: string | Uint8Array | undefined, fault?: Fault): void {
    if (this.#answered) return;
    const bodyLength = body === undefined ? 0 : typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const length = head.length + bodyLength;
    if (length > REPLY_MAX_BYTES) {
      const stream = this.stream(status, head);
      // All of it is in memory already; the stream keeps what the credit does not allow yet.
      stream.write(typeof body === "string" ? Buffer.from(body) : (body as Uint8Array))?.catch(() => {});
      stream.end();
      return;
    }
    this.#answered = true;
    const { writer } = this.#outbox;
    const payload = REPLY_PREFIX_BYTES + REPLY_HEADROOM_BYTES + length + REPLY_TAILROOM_BYTES;
    let at = writer.open(FROM_WORKER.REPLY, this.#slot, payload);
    at = writePrefix(writer.buffer, at, status, fault) + REPLY_HEADROOM_BYTES;
    writer.buffer.write(head, at, "latin1");
    if (typeof body === "string") writer.buffer.write(body, at + head.length, "utf8");
    else if (body !== undefined) put(writer.buffer, body, at + head.length);
    this.#done();
  }

  stream(status: number, head: string): ReplyStream {
    if (this.#answered) throw new TypeError("an exchange is answered once");
    this.#answered = true;
    const { writer } = this.#outbox;
    const at = writer.open(FROM_WORKER.HEAD, this.#slot, REPLY_PREFIX_BYTES + head.length);
    writer.buffer.write(head, writePrefix(writer.buffer, at, status, undefined), "latin1");
    this.#stream = new OutgoingBody(this.#outbox, this.#slot, () => this.#done());
    if (this.aborted !== undefined) this.#stream.abort(abortError(this.aborted));
    this.#outbox.stirred();
    return this.#stream;
  }

  log(level: LogData["level"], message: string, fields?: Record<string, unknown>): void {
    this.#outbox.log({ level, message, ...(fields === undefined ? {} : { fields }) }, this);
  }

  #taken(bytes: number): void {
    // Both streams of a filter share one window, so the first is credited for the second's sake.
    if (this.#over || (this.stdin.ended && (this.data?.ended ?? true))) return;
    this.#takenBytes += bytes;
    if (this.#takenBytes < WINDOW_STEP_BYTES) return;
    this.#outbox.writer.word(FROM_WORKER.TAKEN, this.#slot, this.#takenBytes);
    this.#takenBytes = 0;
    this.#outbox.stirred();
  }

  #done(): void {
    this.#over = true;
    this.#ended?.resolve();
    this.#outbox.finished(this.#slot);
    this.#outbox.stirred();
  }
}

/** A reply body that goes out as the web server takes it. */
class OutgoingBody implements ReplyStream {
  readonly #outbox: Outgoing;
  readonly #slot: number;
  readonly #done: () => void;
  #credit = REPLY_WINDOW_BYTES;
  /** Accepted, and waiting for credit. */
  #waiting: Uint8Array[] = [];
  #ending = false;
  #closed = false;
  #error: Error | undefined;
  #writers: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(outbox: Outgoing, slot: number, done: () => void) {
    this.#outbox = outbox;
    this.#slot = slot;
    this.#done = done;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#closed || this.#ending) return Promise.reject(new TypeError("the reply has ended"));
    if (bytes.length > 0) this.#waiting.push(bytes);
    this.#send();
    if (this.#waiting.length === 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#writers.push({ resolve, reject });
    });
  }

  end(): void {
    this.#ending = true;
    this.#send();
  }

  fail(fault: Fault): void {
    if (this.#closed) return;
    this.#close();
    this.#outbox.writer.json(FROM_WORKER.FAIL, this.#slot, toFaultData(fault, "HANDLER"));
    this.#done();
  }

  credit(bytes: number): void {
    this.#credit += bytes;
    this.#send();
  }

  /** Nobody wants the rest: the reply is over, whatever its writer still does. */
  abort(error: Error): void {
    if (this.#closed) return;
    this.#error = error;
    for (const writer of this.#writers.splice(0)) writer.reject(error);
    this.#finish(FROM_WORKER.STOPPED);
  }

  #send(): void {
    if (this.#closed) return;
    const { writer } = this.#outbox;
    for (let piece = this.#waiting[0]; piece !== undefined && this.#credit > 0; piece = this.#waiting[0]) {
      const length = Math.min(piece.length, CHUNK_BYTES, this.#credit);
      writer.bytes(FROM_WORKER.CHUNK, this.#slot, piece.subarray(0, length));
      buffersPassed(length);
      this.#credit -= length;
      if (length < piece.length) this.#waiting[0] = piece.subarray(length);
      else this.#waiting.shift();
    }
    this.#outbox.stirred();
    if (this.#waiting.length > 0) return;
    for (const each of this.#writers.splice(0)) each.resolve();
    if (this.#ending) this.#finish(FROM_WORKER.END);
  }

  #finish(kind: number): void {
    this.#close();
    this.#outbox.writer.mark(kind, this.#slot);
    this.#done();
  }

  #close(): void {
    this.#closed = true;
    this.#waiting = [];
    for (const each of this.#writers.splice(0)) each.resolve();
  }
}

function writePrefix(buffer: Buffer, at: number, status: number, fault: Fault | undefined): number {
  buffer.writeUInt16LE(status, at);
  return buffer.writeUInt16LE(fault === undefined ? 0 : FAULT_CODES.indexOf(fault.code) + 1, at + 2);
}

function abortError(reason: AbortReason): Error {
  return new DOMException(reason, "AbortError");
}
