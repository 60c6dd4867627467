// An exchange that was given to a worker: which slot of the lane names it, and what it says to the
// worker there. Its end, and taking it back, are the handle's (worker-handle.ts).

import type { FrameWriter } from "../messages/batch.ts";
import { ABORT_REASONS, type AbortReason, TO_WORKER } from "../messages/lane.ts";
import type { Carrier, Exchange } from "./exchange.ts";

/** What an exchange that was given to a worker needs of its handle. */
export interface Side {
  writer(): FrameWriter;
  begun(slot: number): boolean;
  withdraw(assignment: Assignment): boolean;
  overdue(assignment: Assignment): void;
  slow(assignment: Assignment): void;
  stirred(): void;
  /** Pumps the exchange's body when its lane may have room for more. */
  awaitRoom(assignment: Assignment): void;
}

/** An exchange on a worker's lane. */
export class Assignment implements Carrier {
  readonly exchange: Exchange;
  readonly slot: number;
  readonly #side: Side;
  /** Its slot may name another exchange by now. */
  finished = false;
  /** Of the reply's body the web server has taken so much that the worker has not been told of. */
  creditBytes = 0;
  /** Something of the request's body waits for room on the lane. */
  awaitsRoom = false;

  constructor(exchange: Exchange, slot: number, side: Side) {
    this.exchange = exchange;
    this.slot = slot;
    this.#side = side;
  }

  body(kind: number, bytes: Buffer): void {
    // The end of a body is a frame, too.
    if (bytes.length > 0) this.#side.writer().append(kind, this.slot, bytes);
    else this.#side.writer().mark(kind, this.slot);
    this.#side.stirred();
  }

  hasRoom(bytes: number): boolean {
    if (this.#side.writer().hasRoom(bytes)) return true;
    this.#side.awaitRoom(this);
    return false;
  }

  abort(reason: AbortReason): void {
    // What has not begun never will, and the worker need not hear of it.
    if (this.finished || this.#side.withdraw(this)) return;
    const writer = this.#side.writer();
    const at = writer.open(TO_WORKER.ABORT, this.slot, 1);
    writer.buffer[at] = ABORT_REASONS.indexOf(reason);
    this.#side.stirred();
  }

  begun(): boolean {
    return !this.finished && this.#side.begun(this.slot);
  }

  overdue(): void {
    this.#side.overdue(this);
  }

  slow(): void {
    this.#side.slow(this);
  }
}
