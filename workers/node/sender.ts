// What a Node app writes → the exchange's reply. What is written in one turn of the event loop and
// ended in it goes as one frame with its length; the rest goes as the web server takes it. It knows
// neither Node's objects nor what becomes of a failure: those are call.ts's.

import type { Fault } from "../../src/base/fault.ts";
import { encodeHead } from "../../src/cgi/response.ts";
import type { RequestContext } from "../context.ts";
import type { ReplyStream, WorkerExchange } from "../exchange.ts";
import { declaredLength, type Head, type HeaderPair, withHooks, wrongLength } from "./reply-head.ts";

type Callback = (error?: Error | null) => void;

/** What is added to every reply by others than the app. */
export type ReplyAdditions = Pick<RequestContext, "replyHooks" | "replying">;

/** What is told of a reply's way. */
export interface SenderOwner {
  /** All that waited has gone. */
  drained(): void;
  /** Bytes went. */
  active(): void;
  /** The reply is handed over, all of it. Comes once, never in the call that causes it. */
  sent(): void;
  /** The exchange is answered: nothing may follow. */
  over(): void;
  failed(error: unknown): void;
  /** The end of the reply waits for this, where the app still reads the request's body. */
  readToEnd(): Promise<void> | undefined;
}

/** As for web-standard replies (reply.ts): a short body that is ended in this turn goes as one frame. */
const GATHER_BYTES = 64 * 1024;

let toldOfTrailers = false;

export class Sender {
  /** `end()` was called. */
  isEnding = false;
  #queuedBytes = 0;
  readonly #exchange: WorkerExchange;
  readonly #hooked: ReplyAdditions | undefined;
  readonly #owner: SenderOwner;
  #head: Head | undefined;
  #encoded = "";
  /** An authorizer's consent has no content [FCGI §6.3]. */
  #isContentless = false;
  #parts: (string | Uint8Array)[] | undefined = [];
  #partsBytes = 0;
  #callbacks: Callback[] = [];
  #turn: NodeJS.Immediate | undefined;
  #stream: ReplyStream | undefined;
  #sentBytes = 0;
  #declared: number | undefined;
  /** All was written. */
  #isFinished = false;
  #hooks: "not run" | "running" | "run" = "not run";
  #isOver = false;
  #isAborted = false;

  constructor(exchange: WorkerExchange, hooked: ReplyAdditions | undefined, owner: SenderOwner) {
    this.#exchange = exchange;
    this.#hooked = hooked;
    this.#owner = owner;
  }

  /** Nothing more can be sent. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Accepted from the app, and not yet by the web server. */
  get queuedBytes(): number {
    // Of an aborted reply some is always missing, so that it never counts as finished.
    return this.#isAborted ? 1 : this.#queuedBytes;
  }

  /** The web server has the head. */
  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** The head as it will be sent, but for what hooks add. Throws Fault HANDLER where it cannot be. */
  begin(head: Head): string {
    const { role } = this.#exchange;
    this.#head = head;
    this.#isContentless = role === "authorizer" && head.status === 200;
    this.#declared = declaredLength(head.headers);
    this.#encoded = this.#encode(head.headers);
    return this.#encoded;
  }

  /** False: better wait for 'drain'. The callback comes when the web server can take the bytes. */
  write(data: string | Uint8Array, encoding: BufferEncoding | undefined, callback: Callback | undefined): boolean {
    if (this.#isOver) return false;
    if (callback) this.#callbacks.push(callback);
    if (data.length > 0 && !this.#isContentless) {
      const isUtf8 =
        typeof data !== "string" || encoding === undefined || encoding === null || /^utf-?8$/i.test(encoding);
      const part = isUtf8 ? data : Buffer.from(data as string, encoding);
      if (this.#stream !== undefined) return this.#push(part);
      this.#parts?.push(part);
      this.#partsBytes += typeof part === "string" ? Buffer.byteLength(part) : part.length;
    }
    if (this.#isEndingWithWhole()) return true;
    // Without data it is `flushHeaders`.
    if (data.length === 0 || this.#partsBytes > GATHER_BYTES) this.#open();
    else this.#turn ??= setImmediate(() => this.#open());
    return this.#stream === undefined ? this.#partsBytes <= GATHER_BYTES : this.#queuedBytes === 0;
  }

  /** All was written. */
  finish(): void {
    if (this.#isOver || this.#isFinished) return;
    this.#isFinished = true;
    if (this.#stream !== undefined) this.#endStream();
    else if (this.#hooks !== "running") this.#sendWhole();
  }

  /** Cuts what was begun; the failure of what was not is the caller's to answer. */
  cut(fault: Fault): void {
    this.#close();
    this.#refuse(fault);
    this.#stream?.fail(fault);
  }

  /** Nobody wants the reply. */
  abort(): void {
    if (this.#isOver) return;
    this.#close();
    this.#isAborted = true;
    this.#refuse(new Error("the client has gone"));
    // The slot is free only when it is answered.
    if (this.#stream === undefined) {
      this.#exchange.reply(503, encodeHead({ status: 503, headers: [], bodyless: true }), undefined);
    }
  }

  trailersDropped(): void {
    if (toldOfTrailers) return;
    toldOfTrailers = true;
    this.#exchange.log("warn", "trailers are dropped: FastCGI has no way for them; told once per worker");
  }

  #isEndingWithWhole(): boolean {
    return this.isEnding && this.#stream === undefined;
  }

  #encode(headers: readonly HeaderPair[]): string {
    const { status, hasBody, length } = this.#head as Head;
    const bodyless = !hasBody || length === 0 || this.#isContentless;
    return encodeHead({ status, headers, role: this.#exchange.role, bodyless });
  }

  #sendWhole(): void {
    if (this.#afterHooks(() => this.#sendWhole())) return;
    const [first = "", ...more] = this.#parts ?? [];
    const content = more.length === 0 ? first : Buffer.concat((this.#parts ?? []).map(toBytes));
    const { hasBody } = this.#head as Head;
    if (hasBody && !this.#isContentless && this.#declared !== undefined && this.#declared !== this.#partsBytes) {
      this.#owner.failed(wrongLength(this.#declared, this.#partsBytes));
      return;
    }
    if (this.#owner.readToEnd() !== undefined) {
      this.#open();
      return;
    }
    const needsLength = hasBody && !this.#isContentless && this.#declared === undefined;
    const head = needsLength ? `Content-Length: ${this.#partsBytes}\r\n${this.#encoded}` : this.#encoded;
    this.#close();
    this.#hooked?.replying();
    this.#exchange.reply((this.#head as Head).status, head, this.#partsBytes === 0 ? undefined : content);
    this.#owner.over();
    process.nextTick(sendCallbacks, this, this.#owner);
  }

  /** The head goes now; the body as it comes. */
  #open(): void {
    this.#turn = undefined;
    if (this.#isOver || this.#stream !== undefined || this.#hooks === "running" || this.#head === undefined) return;
    if (this.#afterHooks(() => this.#open())) return;
    this.#hooked?.replying();
    this.#stream = this.#exchange.stream(this.#head.status, this.#encoded);
    const parts = this.#parts ?? [];
    this.#parts = undefined;
    this.#partsBytes = 0;
    if (parts.length > 0) this.#push(parts.length === 1 ? (parts[0] ?? "") : Buffer.concat(parts.map(toBytes)));
    else this.#called();
    if (this.#isFinished) this.#endStream();
  }

  /** True where hooks run first, and `then` afterwards. */
  #afterHooks(then: () => void): boolean {
    const replyHooks = this.#hooked?.replyHooks;
    const head = this.#head as Head;
    if (replyHooks === undefined || this.#hooks === "run") return false;
    this.#hooks = "running";
    clearImmediate(this.#turn);
    withHooks(head, replyHooks).then(
      (headers) => {
        if (this.#isOver) return;
        this.#hooks = "run";
        try {
          this.#encoded = this.#encode(headers);
          this.#declared = declaredLength(headers);
          // More may have been written, and even all of it, while they ran.
          (this.#isFinished ? () => this.#sendWhole() : then)();
        } catch (error) {
          this.#owner.failed(error);
        }
      },
      (error: unknown) => this.#owner.failed(error),
    );
    return true;
  }

  #push(part: string | Uint8Array): boolean {
    const bytes = toBytes(part);
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    this.#sentBytes += bytes.length;
    if (this.#declared !== undefined && this.#sentBytes > this.#declared) {
      this.#owner.failed(wrongLength(this.#declared, this.#sentBytes));
      return false;
    }
    const waiting = this.#stream?.write(bytes);
    if (waiting === undefined) {
      this.#owner.active();
      for (const callback of callbacks) process.nextTick(callback);
      return this.#queuedBytes === 0;
    }
    this.#queuedBytes += bytes.length;
    waiting.then(
      () => this.#accepted(bytes.length, callbacks),
      (error: Error) => {
        for (const callback of callbacks) callback(error);
      },
    );
    return false;
  }

  #accepted(bytes: number, callbacks: readonly Callback[]): void {
    this.#queuedBytes -= bytes;
    this.#owner.active();
    for (const callback of callbacks) callback();
    if (this.#queuedBytes > 0 || this.#isOver) return;
    if (this.#isFinished) this.#sent();
    else this.#owner.drained();
  }

  #endStream(): void {
    if (this.#declared !== undefined && this.#sentBytes < this.#declared && this.#head?.hasBody === true) {
      this.#owner.failed(wrongLength(this.#declared, this.#sentBytes));
      return;
    }
    if (this.#queuedBytes === 0) this.#sent();
  }

  /** The last byte is with the web server; the end of the reply would make it drop the rest of the request. */
  #sent(): void {
    process.nextTick(sendCallbacks, this, this.#owner);
    const reading = this.#owner.readToEnd();
    if (reading === undefined) this.#end();
    else reading.then(() => this.#end());
  }

  #end(): void {
    if (this.#isOver) return;
    this.#close();
    this.#stream?.end();
    this.#owner.over();
  }

  #close(): void {
    this.#isOver = true;
    clearImmediate(this.#turn);
  }

  /** Whoever waits for bytes to go need not wait for ever. */
  #refuse(error: Error): void {
    for (const callback of this.#callbacks.splice(0)) process.nextTick(callback, error);
  }

  #called(): void {
    for (const callback of this.#callbacks.splice(0)) process.nextTick(callback);
  }

  static finished(sender: Sender): void {
    for (const callback of sender.#callbacks.splice(0)) callback();
  }
}

function sendCallbacks(sender: Sender, owner: SenderOwner): void {
  Sender.finished(sender);
  owner.sent();
}

function toBytes(part: string | Uint8Array): Uint8Array {
  return typeof part === "string" ? Buffer.from(part) : part;
}
