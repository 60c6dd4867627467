// One request and its reply as the pool sees them, from the end of its params to the last byte of
// its reply. Knows neither sockets nor workers: `Peer` is the web server's side, `Carrier` the
// worker's. Enforces what is announced about the body, and that a reply is given exactly once.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Role } from "../fastcgi/record.ts";
import { type AbortReason, BODY_WINDOW_BYTES, TO_WORKER } from "../messages/lane.ts";

/**
 * receiving → queued → given → replying → closed. `given`: on a worker's lane, perhaps not begun, and
 * then it may return to `queued`. `closed`: the web server has its answer, or is gone; the worker may
 * still be at it.
 */
export type ExchangeState = "receiving" | "queued" | "given" | "replying" | "closed";

/** The web server's side of an exchange, as a gateway implements it. */
export interface Peer {
  /** A whole CGI response at [start, end) of `buffer`, with lane.ts's room before and after it. */
  reply(buffer: Buffer, start: number, end: number): void;
  head(block: Buffer): void;
  /** `taken` is called once the web server's side has taken the bytes. */
  chunk(bytes: Buffer, taken: () => void): void;
  end(): void;
  refuse(fault: Fault): void;
  /** Ends the connection in mid-reply, so that the web server sees an incomplete body. */
  cut(): void;
  pause(): void;
  resume(): void;
}

/** The worker's side of an exchange that was given to it. */
export interface Carrier {
  body(kind: number, bytes: Buffer): void;
  abort(reason: AbortReason): void;
  /** True once the handler runs; from then on nobody else may run it. */
  begun(): boolean;
  /** The handler passed its deadline. */
  overdue(): void;
  /** The handler takes longer than request.slow. */
  slow(): void;
}

/** What the pool wants to know of an exchange's end. */
export type Outcome = "replied" | "refused" | "cut" | "aborted";

export interface ExchangeOptions {
  readonly role: Role;
  /** The whole name-value stream, checked [FastCGI §3.4]. */
  readonly params: Buffer;
  readonly peer: Peer;
  /** CONTENT_LENGTH, or undefined where the web server does not know it. */
  readonly contentLength: number | undefined;
  readonly bodyLimitBytes: number;
  readonly clock: Clock;
  /** Something of the body came, or its end. */
  readonly arrived: (exchange: Exchange) => void;
  readonly closed: (exchange: Exchange, outcome: Outcome, fault?: Fault) => void;
}

interface Piece {
  readonly kind: number;
  readonly bytes: Buffer;
}

const NOTHING = Buffer.alloc(0);

export class Exchange {
  readonly role: Role;
  readonly params: Buffer;
  readonly receivedAt: Instant;
  readonly #peer: Peer;
  readonly #contentLength: number | undefined;
  readonly #bodyLimitBytes: number;
  readonly #clock: Clock;
  readonly #arrived: ExchangeOptions["arrived"];
  readonly #closed: ExchangeOptions["closed"];

  state: ExchangeState = "receiving";
  queuedAt: Instant = 0;
  givenAt: Instant = 0;
  /** When it was last seen on a worker's lane without having been begun. */
  waitedUntil: Instant = 0;
  /** Its handler passed request.timeout, and the workforce knows. */
  overdue = false;
  /** A worker came too late to begin it: whoever gets it next begins it however late. */
  firm = false;
  /** Its handler passed request.slow, and the slow log knows. */
  slow = false;
  /** When the last byte of the request body came, or the peer last took a byte of the reply. */
  progressAt: Instant;
  clientGone = false;
  carrier: Carrier | undefined;
  /** It is answered by the pool itself, on one of its own paths. */
  own = false;
  /** HTTP status of the reply that a worker began, or 0. */
  status = 0;

  #bodyBytes = 0;
  #bodyEnded = false;
  #dataEnded = false;
  #paused = false;
  /** What waits for credit, and what was sent but not begun: it may have to be sent again. */
  #waiting: Piece[] = [];
  #sent: Piece[] = [];
  #credit = BODY_WINDOW_BYTES;
  #waitingBytes = 0;
  #untaken = 0;

  constructor(options: ExchangeOptions) {
    this.role = options.role;
    this.params = options.params;
    this.#clock = options.clock;
    this.receivedAt = options.clock.now();
    this.progressAt = this.receivedAt;
    this.#peer = options.peer;
    this.#contentLength = options.contentLength;
    this.#bodyLimitBytes = options.bodyLimitBytes;
    this.#arrived = options.arrived;
    this.#closed = options.closed;
  }

  get closed(): boolean {
    return this.state === "closed";
  }

  /** When its handler began, as far as the pool has looked. */
  get begunAt(): Instant {
    return Math.max(this.givenAt, this.waitedUntil);
  }

  /** The request body was announced as complete by the web server. */
  get bodyEnded(): boolean {
    return this.#bodyEnded && (this.role !== "filter" || this.#dataEnded);
  }

  /** Something of the body is here, or nothing of it will come: worth a worker's while. */
  get worthBeginning(): boolean {
    return this.#bodyEnded || this.#bodyBytes > 0 || this.role === "authorizer";
  }

  /** True while the pool waits for the web server to send more of the body. */
  get awaitsBody(): boolean {
    return !this.bodyEnded && !this.#paused && !this.closed && this.role !== "authorizer";
  }

  /** True while the web server has not taken all that was written to it. */
  get awaitsPeer(): boolean {
    return this.#untaken > 0;
  }

  /** `bytes` are only lent: what is not sent on at once is copied. */
  stdin(bytes: Buffer): void {
    if (this.closed) return;
    this.progressAt = this.#clock.now();
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > this.#bodyLimitBytes) {
      this.#breakBody(
        new Fault("LIMIT", `the request body is longer than request.body_limit (${this.#bodyLimitBytes} bytes)`),
      );
      return;
    }
    if (this.#contentLength !== undefined && this.#bodyBytes > this.#contentLength) {
      this.#breakBody(
        new Fault("REQUEST", `the request body is longer than its CONTENT_LENGTH ${this.#contentLength}`),
      );
      return;
    }
    this.#enqueue({ kind: TO_WORKER.BODY, bytes });
  }

  /** [FastCGI §5.3] The web server ends FCGI_STDIN with an empty record. */
  stdinEnd(): void {
    if (this.closed || this.#bodyEnded) return;
    this.#bodyEnded = true;
    // A body that is shorter than announced is no body [RFC 3875 §4.2].
    if (this.#contentLength !== undefined && this.#bodyBytes < this.#contentLength && this.role !== "authorizer") {
      this.#breakBody(
        new Fault("REQUEST", `the request body ended after ${this.#bodyBytes} of ${this.#contentLength} bytes`),
      );
      return;
    }
    this.#enqueue({ kind: TO_WORKER.BODY_END, bytes: NOTHING });
  }

  data(bytes: Buffer): void {
    if (this.closed) return;
    this.progressAt = this.#clock.now();
    this.#enqueue({ kind: TO_WORKER.DATA, bytes });
  }

  dataEnd(): void {
    if (this.closed || this.#dataEnded) return;
    this.#dataEnded = true;
    this.#enqueue({ kind: TO_WORKER.DATA_END, bytes: NOTHING });
  }

  /**
   * Hands the exchange to a worker: what of the body fits the window is taken along. Returns the
   * body bytes that go with BEGIN and whether they are all of it.
   */
  give(carrier: Carrier): { readonly body: readonly Buffer[]; readonly complete: boolean } {
    this.state = "given";
    this.givenAt = this.#clock.now();
    this.carrier = carrier;
    const body: Buffer[] = [];
    let complete = false;
    while (!complete) {
      const piece = this.#waiting[0];
      if (piece === undefined || piece.bytes.length > this.#credit) break;
      if (piece.kind !== TO_WORKER.BODY && piece.kind !== TO_WORKER.BODY_END) break;
      this.#takeWaiting();
      complete = piece.kind === TO_WORKER.BODY_END;
      if (!complete) body.push(piece.bytes);
    }
    return { body, complete };
  }

  /** Sends what the credit allows. Call after `give`, once BEGIN is written. */
  pump(): void {
    const carrier = this.carrier;
    if (carrier === undefined) return;
    for (let piece = this.#waiting[0]; piece !== undefined; piece = this.#waiting[0]) {
      if (piece.bytes.length > 0 && this.#credit <= 0) break;
      this.#takeWaiting();
      carrier.body(piece.kind, piece.bytes);
    }
    if (this.#waitingBytes === 0) this.#resume();
  }

  /** The worker it was given to had not begun: back to the queue, with its whole body. */
  takenBack(): void {
    this.state = "queued";
    this.givenAt = 0;
    this.carrier = undefined;
    this.#waiting = [...this.#sent, ...this.#waiting];
    this.#waitingBytes += BODY_WINDOW_BYTES - this.#credit;
    this.#credit = BODY_WINDOW_BYTES;
    this.#sent = [];
  }

  /** The handler took `bytes` of the body. */
  taken(bytes: number): void {
    this.#sent = [];
    this.#credit += bytes;
    this.pump();
  }

  // ---- the reply -------------------------------------------------------------------------------

  reply(buffer: Buffer, start: number, end: number): void {
    if (this.closed) return;
    this.#close("replied");
    this.#peer.reply(buffer, start, end);
  }

  head(block: Buffer): void {
    if (this.closed) return;
    this.#sent = [];
    this.state = "replying";
    this.#peer.head(block);
  }

  /** `taken(n)` is called when the web server has taken n more bytes. */
  chunk(bytes: Buffer, taken: (bytes: number, exchange: Exchange) => void): void {
    if (this.closed) {
      taken(bytes.length, this);
      return;
    }
    if (this.#untaken === 0) this.progressAt = this.#clock.now();
    this.#untaken += bytes.length;
    this.#peer.chunk(bytes, () => {
      this.#untaken -= bytes.length;
      this.progressAt = this.#clock.now();
      taken(bytes.length, this);
    });
  }

  end(): void {
    if (this.closed) return;
    this.#close("replied");
    this.#peer.end();
  }

  /** The exchange failed: an HTTP error if nothing was sent yet, else a cut connection. */
  fail(fault: Fault): void {
    if (this.closed) return;
    if (this.state === "replying") {
      this.#close("cut", fault);
      this.#peer.cut();
    } else {
      this.#close("refused", fault);
      this.#peer.refuse(fault);
    }
  }

  /** The worker stopped in mid-reply because of an abort: what was sent must not look whole. */
  stopped(): void {
    if (this.closed) return;
    this.#close("aborted");
    this.#peer.cut();
  }

  /** As `fail`, and whoever works on it is told to stop. */
  abandon(fault: Fault, reason: AbortReason): void {
    if (this.closed) return;
    this.carrier?.abort(reason);
    this.fail(fault);
  }

  /**
   * The web server closed its side. The handler is told; if the body was complete its reply is
   * still welcome, because a peer may close only its sending half.
   */
  peerEnded(): void {
    if (this.closed || this.clientGone) return;
    this.clientGone = true;
    this.carrier?.abort("client-gone");
    const begun = this.carrier?.begun() ?? false;
    if (!begun || (!this.bodyEnded && this.role !== "authorizer")) this.peerGone();
  }

  /** Nothing can be written to the web server any more. */
  peerGone(): void {
    if (this.closed) return;
    if (!this.clientGone) this.carrier?.abort("client-gone");
    this.clientGone = true;
    this.#close("aborted");
  }

  /** The worker has answered, finished, or died: nothing more will be sent to it. */
  carrierDone(): void {
    this.carrier = undefined;
    this.#drop();
  }

  #breakBody(fault: Fault): void {
    this.abandon(fault, "body-broken");
  }

  #enqueue({ kind, bytes }: Piece): void {
    const { carrier } = this;
    // The usual case of a long body: nothing is kept here, it goes straight into the worker's batch.
    if (carrier?.begun() && this.#waiting.length === 0 && this.#credit > 0) {
      this.#sent = [];
      this.#credit -= bytes.length;
      carrier.body(kind, bytes);
    } else {
      this.#waiting.push({ kind, bytes: bytes.length === 0 ? NOTHING : Buffer.from(bytes) });
      this.#waitingBytes += bytes.length;
      if (carrier !== undefined) this.pump();
    }
    const bound = carrier === undefined ? BODY_WINDOW_BYTES : 0;
    if (this.#waitingBytes > bound && !this.#paused) {
      this.#paused = true;
      this.#peer.pause();
    }
    this.#arrived(this);
  }

  #takeWaiting(): void {
    const piece = this.#waiting.shift();
    if (piece === undefined) return;
    this.#waitingBytes -= piece.bytes.length;
    this.#credit -= piece.bytes.length;
    if (this.state === "given") this.#sent.push(piece);
  }

  #close(outcome: Outcome, fault?: Fault): void {
    this.state = "closed";
    this.#drop();
    this.#closed(this, outcome, fault);
  }

  // What the peer still sends of the body is read and thrown away: a web server that cannot send
  // it all does not look at the reply [mod_proxy_fcgi sends before it reads].
  #drop(): void {
    this.#waiting = [];
    this.#sent = [];
    this.#waitingBytes = 0;
    this.#resume();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // It could not send until now.
    this.progressAt = this.#clock.now();
    this.#peer.resume();
  }
}
