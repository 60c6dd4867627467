// The body of one request on its way to a worker. Enforces what is announced about it, sends no more than the
// worker has room for, and keeps what was sent until it is known that the worker has begun.

import { Fault } from "../base/fault.ts";
import type { Role } from "../fastcgi/record.ts";
import { BODY_WINDOW_BYTES, TO_WORKER } from "../messages/lane.ts";
import { HeldPiece } from "./held-piece.ts";

export interface BodyIntakeOptions {
  readonly role: Role;
  readonly peer: { pause(): void; resume(): void };
  /** CONTENT_LENGTH, or undefined where the web server does not know it. */
  readonly contentLength: number | undefined;
  readonly bodyLimitBytes: number;
}

/** What an intake knows of its exchange, and tells it. */
export interface BodyOwner {
  readonly state: string;
  readonly carrier:
    | { begun(): boolean; hasRoom(bytes: number): boolean; body(kind: number, bytes: Buffer): void }
    | undefined;
  progressed(): void;
  /** Something of it came, or its end. */
  arrived(): void;
  /** It is no body: nothing more of it is wanted. */
  broken(fault: Fault): void;
}

/** What of a body goes with BEGIN, and whether that is all of it. */
export interface FirstOfBody {
  readonly body: readonly Buffer[];
  readonly complete: boolean;
}

const NOTHING = Buffer.alloc(0);

export class BodyIntake {
  readonly #options: BodyIntakeOptions;
  readonly #owner: BodyOwner;
  /** The web server is asked to send no more. */
  paused = false;
  #bytes = 0;
  #stdinEnded = false;
  #dataEnded = false;
  /** What waits for credit, and what was sent but not begun: it may have to be sent again. */
  #waiting: HeldPiece[] = [];
  #sent: HeldPiece[] = [];
  #credit = BODY_WINDOW_BYTES;
  #waitingBytes = 0;

  constructor(options: BodyIntakeOptions, owner: BodyOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  /** The web server announced that it is complete. */
  get ended(): boolean {
    return this.#stdinEnded && (this.#options.role !== "filter" || this.#dataEnded);
  }

  /** Something of it is here, or nothing of it will come. */
  get begun(): boolean {
    return this.#stdinEnded || this.#bytes > 0;
  }

  stdin(bytes: Buffer): void {
    const { bodyLimitBytes, contentLength } = this.#options;
    this.#owner.progressed();
    this.#bytes += bytes.length;
    if (this.#bytes > bodyLimitBytes) {
      this.#break("LIMIT", `the request body is longer than request.body_limit (${bodyLimitBytes} bytes)`);
    } else if (contentLength !== undefined && this.#bytes > contentLength) {
      this.#break("REQUEST", `the request body is longer than its CONTENT_LENGTH ${contentLength}`);
    } else {
      this.#enqueue(TO_WORKER.BODY, bytes);
    }
  }

  stdinEnd(): void {
    const { contentLength, role } = this.#options;
    if (this.#stdinEnded) return;
    this.#stdinEnded = true;
    // A body that is shorter than announced is no body [RFC 3875 §4.2].
    if (contentLength !== undefined && this.#bytes < contentLength && role !== "authorizer") {
      this.#break("REQUEST", `the request body ended after ${this.#bytes} of ${contentLength} bytes`);
    } else {
      this.#enqueue(TO_WORKER.BODY_END, NOTHING);
    }
  }

  data(bytes: Buffer): void {
    this.#owner.progressed();
    this.#enqueue(TO_WORKER.DATA, bytes);
  }

  dataEnd(): void {
    if (this.#dataEnded) return;
    this.#dataEnded = true;
    this.#enqueue(TO_WORKER.DATA_END, NOTHING);
  }

  /** What of it fits the window goes with BEGIN. */
  takeFirst(): FirstOfBody {
    const body: Buffer[] = [];
    let complete = false;
    while (!complete) {
      const piece = this.#waiting[0];
      if (piece === undefined || piece.bytes.length > this.#credit) break;
      if (piece.kind !== TO_WORKER.BODY && piece.kind !== TO_WORKER.BODY_END) break;
      this.#takeWaiting();
      this.#sent.push(piece);
      complete = piece.kind === TO_WORKER.BODY_END;
      if (!complete) body.push(piece.bytes);
    }
    return { body, complete };
  }

  /** Sends what the credit allows. */
  pump(): void {
    const { carrier } = this.#owner;
    if (carrier === undefined) return;
    const isBegun = carrier.begun();
    if (isBegun) this.handled();
    for (let piece = this.#waiting[0]; piece !== undefined; piece = this.#waiting[0]) {
      if (piece.bytes.length > 0 && (this.#credit <= 0 || !carrier.hasRoom(piece.bytes.length))) break;
      this.#takeWaiting();
      carrier.body(piece.kind, piece.bytes);
      if (isBegun) piece.done();
      else this.#sent.push(piece);
    }
    if (this.#waitingBytes === 0) this.#resume();
  }

  /** The worker that had it had not begun: another will get it, from its beginning. */
  takenBack(): void {
    this.#waiting = [...this.#sent, ...this.#waiting];
    this.#waitingBytes += BODY_WINDOW_BYTES - this.#credit;
    this.#credit = BODY_WINDOW_BYTES;
    this.#sent = [];
  }

  /** The handler took `bytes` of it. */
  taken(bytes: number): void {
    this.handled();
    this.#credit += bytes;
    this.pump();
  }

  /** The handler runs: nobody else will need what was sent. */
  handled(): void {
    if (this.#sent.length === 0) return;
    for (const piece of this.#sent) piece.done();
    this.#sent = [];
  }

  // What the peer still sends of the body is read and thrown away: a web server that cannot send
  // it all does not look at the reply [mod_proxy_fcgi sends before it reads].
  drop(): void {
    this.handled();
    for (const piece of this.#waiting) piece.done();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#resume();
  }

  #break(code: "LIMIT" | "REQUEST", message: string): void {
    this.#owner.broken(new Fault(code, message));
  }

  #enqueue(kind: number, bytes: Buffer): void {
    const { carrier } = this.#owner;
    // The usual case of a long body: nothing is kept here, it goes straight into the worker's batch.
    if (carrier?.begun() && this.#waiting.length === 0 && this.#credit > 0 && carrier.hasRoom(bytes.length)) {
      this.handled();
      this.#credit -= bytes.length;
      carrier.body(kind, bytes);
    } else {
      const last = this.#waiting.at(-1);
      if (last?.kind !== kind || !last.add(bytes)) this.#waiting.push(new HeldPiece(kind, bytes));
      this.#waitingBytes += bytes.length;
      if (carrier !== undefined) this.pump();
    }
    const bound = carrier === undefined ? BODY_WINDOW_BYTES : 0;
    if (this.#waitingBytes > bound && !this.paused) {
      this.paused = true;
      this.#options.peer.pause();
    }
    this.#owner.arrived();
  }

  #takeWaiting(): void {
    const piece = this.#waiting.shift();
    if (piece === undefined) return;
    this.#waitingBytes -= piece.bytes.length;
    this.#credit -= piece.bytes.length;
  }

  #resume(): void {
    if (!this.paused) return;
    this.paused = false;
    // It could not send until now.
    this.#owner.progressed();
    this.#options.peer.resume();
  }
}
