// A child process's road to its pool: a pipe with a message each way per turn (src/messages/pipe.ts), and a
// second one on which it claims what it begins. Nothing is shared, so everything that the pool is to
// know has to be said: a finished reply at once, and at the end of a turn that the loop has turned.

import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import { BatchWriter } from "../src/messages/batch.ts";
import { BEGIN_FLAG_FIRM, BEGIN_FLAG_REVOKED, FROM_WORKER, type ProcessBoot } from "../src/messages/lane.ts";
import {
  CLAIM_BYTES,
  MESSAGE_HEADER_BYTES,
  MessageReader,
  sharedClockMs,
  writeMessageHeader,
} from "../src/messages/pipe.ts";
import type { Road, RoadListener } from "./road.ts";

export interface PipeEnd {
  /** The stream of messages. */
  readonly socket: Socket;
  /** Claims are written here; it blocks, or has room for all that one turn of the pool can offer. */
  readonly claimsFd: number;
  /** The pool is gone: nobody waits for anything any more. */
  readonly orphaned: () => void;
}

export class PipeRoad implements Road {
  readonly writer = new BatchWriter();
  readonly #socket: Socket;
  readonly #claimsFd: number;
  readonly #reader: MessageReader;
  readonly #claim = Buffer.alloc(CLAIM_BYTES);
  #timeOrigin = performance.timeOrigin;
  #listener: RoadListener | undefined;
  /** Messages that came before anybody listened. */
  #early: Buffer[] = [];
  #leaseMs = 0;
  /** Offers that were met, begun or not. */
  #met = 0;
  #read = 0;
  #told = 0;
  #micros = 0;
  #closing = false;

  constructor({ socket, claimsFd, orphaned }: PipeEnd) {
    this.#socket = socket;
    this.#claimsFd = claimsFd;
    this.#reader = new MessageReader((batch, leaseMs) => this.#message(batch, leaseMs));
    socket.on("data", (bytes: Buffer) => this.#reader.push(bytes));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      if (!this.#closing) orphaned();
    });
  }

  get timeOrigin(): number {
    return this.#timeOrigin;
  }

  /** Takes over the pool's clock. */
  attune({ timeOriginMs, originOnSharedClockMs }: Omit<ProcessBoot, "boot">): void {
    this.#timeOrigin = timeOriginMs - originOnSharedClockMs + sharedClockMs() - performance.now();
  }

  listen(listener: RoadListener): void {
    this.#listener = listener;
    for (const batch of this.#early.splice(0)) listener.received(batch);
    listener.stirred();
  }

  publish(): void {}

  finished(): void {
    this.#send();
  }

  flush(): boolean {
    if (this.#closing) return false;
    if (this.#told !== this.#read) {
      this.#told = this.#read;
      const at = this.writer.open(FROM_WORKER.TURNED, 0, 8);
      this.writer.buffer.writeUInt32LE(this.#read, at);
      this.writer.buffer.writeUInt32LE(this.#micros, at + 4);
    }
    this.#send();
    return false;
  }

  rest(): void {}

  claim(slot: number, flags: number): boolean {
    this.#met = (this.#met + 1) >>> 0;
    const mayBegin = (flags & BEGIN_FLAG_REVOKED) === 0;
    const firm = (flags & BEGIN_FLAG_FIRM) !== 0;
    if (mayBegin && (firm || sharedClockMs() < this.#leaseMs)) {
      this.#claim.writeUInt32LE(this.#met, 0);
      writeSync(this.#claimsFd, this.#claim);
      // Whoever looked for the claim before it was written did so after the lease.
      if (firm || sharedClockMs() < this.#leaseMs) return true;
    }
    this.writer.mark(FROM_WORKER.RETURNED, slot);
    return false;
  }

  spent(micros: number): void {
    this.#micros = micros;
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#send();
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.end(() => this.#socket.destroy());
    });
  }

  #message(batch: Buffer, leaseMs: number): void {
    this.#read = (this.#read + 1) >>> 0;
    if (this.#listener === undefined) {
      this.#early.push(batch);
      return;
    }
    this.#leaseMs = leaseMs;
    this.#listener.received(batch);
    this.#listener.stirred();
  }

  // Node writes at once what the pipe has room for.
  #send(): void {
    if (this.writer.empty || this.#socket.destroyed) return;
    const message = this.writer.takeBehind(MESSAGE_HEADER_BYTES);
    writeMessageHeader(message, 0);
    this.#socket.write(message);
  }
}
