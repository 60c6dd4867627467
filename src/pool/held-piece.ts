// A piece of a request body that waits in the pool: a copy of what was only lent, in memory that is used again where
// that is worth it, because records of a long body come by the thousands (Apache's have 8 KiB).

import { CHUNK_BYTES } from "../messages/lane.ts";
import { giveBack, lend } from "../messages/spare-buffers.ts";

/** A body that comes in records of this length is expected to have more of them. */
const LONG_BYTES = 4 * 1024;

export class HeldPiece {
  /** TO_WORKER.BODY, or another of its kind. */
  readonly kind: number;
  bytes: Buffer;
  readonly #memory: Buffer;

  constructor(kind: number, bytes: Buffer) {
    this.kind = kind;
    if (bytes.length < LONG_BYTES) {
      this.bytes = bytes.length === 0 ? bytes : Buffer.from(bytes);
      this.#memory = this.bytes;
    } else {
      this.#memory = lend(Math.max(bytes.length, CHUNK_BYTES));
      this.bytes = this.#memory.subarray(0, bytes.copy(this.#memory));
    }
  }

  /** Adds what follows, if there is room for all of it. */
  add(bytes: Buffer): boolean {
    const { length } = this.bytes;
    if (length + bytes.length > this.#memory.length) return false;
    bytes.copy(this.#memory, length);
    this.bytes = this.#memory.subarray(0, length + bytes.length);
    return true;
  }

  /** Nobody looks at it any more. */
  done(): void {
    giveBack(this.#memory);
  }
}
