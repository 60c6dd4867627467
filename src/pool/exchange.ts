// One request and its reply as the pool sees them, from the end of its params to the last byte of
// its reply. Knows neither sockets nor workers: `Peer` is the web server's side, `Carrier` the
// worker's. Enforces that a reply is given exactly once; its body is body-intake.ts's.

import type { Clock, Instant } from "../base/clock.ts";
import type { Fault } from "../base/fault.ts";
import type { Linked } from "../base/linked-list.ts";
import type { Role } from "../fastcgi/record.ts";
import type { AbortReason } from "../messages/lane.ts";
import { BodyIntake, type FirstOfBody } from "./body-intake.ts";

/**
 * receiving → queued → given → replying → closed. `given`: on a worker's lane, perhaps not begun, and
 * then it may return to `queued`. `closed`: the web server has its answer, or is gone; the worker may
 * still be at it.
 */
export type ExchangeState = "receiving" | "queued" | "given" | "replying" | "closed";

/** The web server's side of an exchange, as a gateway implements it. */
export interface Peer {
  /**
   * A whole CGI response at [start, end) of `buffer`, with lane.ts's room before and after it. `written` is called
   * once nobody looks at it any more; a gateway may forget that.
   */
  reply(buffer: Buffer, start: number, end: number, written?: () => void): void;
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
  /** Whether the worker's lane has room for so much of a body now. If not, the exchange's `pump` is called once it may have. */
  hasRoom(bytes: number): boolean;
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

export class Exchange implements Linked<Exchange> {
  readonly role: Role;
  readonly params: Buffer;
  readonly receivedAt: Instant;
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #arrived: ExchangeOptions["arrived"];
  readonly #closed: ExchangeOptions["closed"];

  /** Its neighbours among all that are open; the dispatcher's. */
  previous: Exchange | undefined;
  next: Exchange | undefined;

  state: ExchangeState = "receiving";
  /** It waits for the first of its body before it is admitted; the dispatcher's. */
  arriving = false;
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
  /** A worker answers it without the app. */
  rehearsal = false;
  /** HTTP status of the reply that a worker began, or 0. */
  status = 0;

  readonly #intake: BodyIntake;
  #untaken = 0;

  constructor(options: ExchangeOptions) {
    this.role = options.role;
    this.params = options.params;
    this.#clock = options.clock;
    this.receivedAt = options.clock.now();
    this.progressAt = this.receivedAt;
    this.#peer = options.peer;
    this.#closed = options.closed;
    this.#arrived = options.arrived;
    this.#intake = new BodyIntake(options, this);
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
    return this.#intake.ended;
  }

  /** Something of the body is here, or nothing of it will come: worth a worker's while. */
  get worthBeginning(): boolean {
    return this.#intake.begun || this.role === "authorizer";
  }

  /** True while the pool waits for the web server to send more of the body. */
  get awaitsBody(): boolean {
    return !this.bodyEnded && !this.#intake.paused && !this.closed && this.role !== "authorizer";
  }

  /** True while the web server has not taken all that was written to it. */
  get awaitsPeer(): boolean {
    return this.#untaken > 0;
  }

  /** `bytes` are only lent: what is not sent on at once is copied. */
  stdin(bytes: Buffer): void {
    if (!this.closed) this.#intake.stdin(bytes);
  }

  /** [FastCGI §5.3] The web server ends FCGI_STDIN with an empty record. */
  stdinEnd(): void {
    if (!this.closed) this.#intake.stdinEnd();
  }

  data(bytes: Buffer): void {
    if (!this.closed) this.#intake.data(bytes);
  }

  dataEnd(): void {
    if (!this.closed) this.#intake.dataEnd();
  }

  /** Bytes of the body go one way or the other. */
  progressed(): void {
    this.progressAt = this.#clock.now();
  }

  arrived(): void {
    this.#arrived(this);
  }

  /** The body is none: the exchange fails, and whoever works on it is told. */
  broken(fault: Fault): void {
    this.abandon(fault, "body-broken");
  }

  /**
   * Hands the exchange to a worker: what of the body fits the window is taken along. Returns the
   * body bytes that go with BEGIN and whether they are all of it.
   */
  give(carrier: Carrier): FirstOfBody {
    this.state = "given";
    this.givenAt = this.#clock.now();
    this.carrier = carrier;
    return this.#intake.takeFirst();
  }

  /** Sends what the credit allows. Call after `give`, once BEGIN is written. */
  pump(): void {
    this.#intake.pump();
  }

  /** The worker it was given to had not begun: back to the queue, with its whole body. */
  takenBack(): void {
    this.state = "queued";
    this.givenAt = 0;
    this.carrier = undefined;
    this.#intake.takenBack();
  }

  /** The handler took `bytes` of the body. */
  taken(bytes: number): void {
    this.#intake.taken(bytes);
  }

  // ---- the reply -------------------------------------------------------------------------------

  reply(buffer: Buffer, start: number, end: number, written?: () => void): void {
    if (this.closed) return;
    this.#close("replied");
    this.#peer.reply(buffer, start, end, written);
  }

  head(block: Buffer): void {
    if (this.closed) return;
    this.#intake.handled();
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
    this.#intake.drop();
  }

  #close(outcome: Outcome, fault?: Fault): void {
    this.state = "closed";
    this.#intake.drop();
    this.#closed(this, outcome, fault);
  }
}
