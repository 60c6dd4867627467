// A lane between two processes: a stream of messages each way, each of them one batch (lane.ts).
//
//   message := length u32 · spare u32 · lease f64 · batch (length bytes)      (little endian)
//
// The lease is the pool's leave to begin what the batch offers, until that time on a clock which both
// processes read. It takes the place of the words that threads share. The worker claims each offer on a
// socket of its own, synchronously, before it looks at the clock once more and calls the handler:
//
//   worker   clock < lease? · write the claim · clock < lease? · call the handler, else RETURNED
//   pool     clock > lease? · read the claims: none for this offer? · it is ours again
//
// A claim that the pool does not find is written after the pool looked, so after the lease, and then the
// worker finds that the lease is over. So an offer is begun, or taken back, and never both; and of a
// worker that is dead the claims tell what it had begun.

import { frameBytes } from "./batch.ts";

export const MESSAGE_HEADER_BYTES = 16;
/** An offer can be taken back this much after it was sent, ms. A worker that is later than that gives it back. */
export const LEASE_MS = 20;
/** No message is longer: whoever says so does not keep to what is agreed. */
export const MESSAGE_MAX_BYTES = 256 * 1024 * 1024;
/** A claim: how many offers the worker has met, u32, modulo 2³². */
export const CLAIM_BYTES = 4;

/** Descriptors of a child process, after stdio. */
export const LANE_FD = 3;
export const CLAIMS_FD = 4;
export const OUTPUT_FD = 5;

/** Milliseconds of a clock that all processes of a machine share, and that nobody sets. */
export function sharedClockMs(): number {
  // libuv takes CLOCK_MONOTONIC, or what the system has instead, without an offset of its own.
  return Number(process.hrtime.bigint()) / 1e6;
}

export function writeMessageHeader(message: Buffer, leaseMs: number): void {
  message.writeUInt32LE(message.length - MESSAGE_HEADER_BYTES, 0);
  message.writeUInt32LE(0, 4);
  message.writeDoubleLE(leaseMs, 8);
}

/** Cuts a stream into messages. `received` gets each batch, with its lease; it may be a part of what was pushed. */
export class MessageReader {
  readonly #received: (batch: Buffer, leaseMs: number) => void;
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #have = 0;
  /** Bytes until something can be made of them. */
  #need = MESSAGE_HEADER_BYTES;

  constructor(received: (batch: Buffer, leaseMs: number) => void, maxBytes = MESSAGE_MAX_BYTES) {
    this.#received = received;
    this.#maxBytes = maxBytes;
  }

  /** Throws RangeError where a message is too long, or its frames do not fill it. */
  push(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#have += bytes.length;
    while (this.#have >= this.#need) this.#take();
  }

  #take(): void {
    const [first] = this.#pieces;
    const whole = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces, this.#have);
    const end = MESSAGE_HEADER_BYTES + whole.readUInt32LE(0);
    if (end > this.#maxBytes) throw new RangeError(`a message of ${end} bytes`);
    if (whole.length < end) {
      this.#pieces = [whole];
      this.#need = end;
      return;
    }
    this.#pieces = end < whole.length ? [whole.subarray(end)] : [];
    this.#have = whole.length - end;
    this.#need = MESSAGE_HEADER_BYTES;
    const batch = whole.subarray(MESSAGE_HEADER_BYTES, end);
    checkFrames(batch);
    this.#received(batch, whole.readDoubleLE(8));
  }
}

/** The other end may be anybody's code, and a frame must not lead out of its batch. */
function checkFrames(batch: Buffer): void {
  let at = 0;
  while (at + 12 <= batch.length) {
    const length = batch.readUInt32LE(at + 8);
    if (length > batch.length) break;
    at += frameBytes(length);
  }
  if (at !== batch.length) throw new RangeError("frames that do not fill their message");
}
