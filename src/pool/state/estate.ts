// What a process leaves to the one that takes its place: entries, as records on a local socket.
//
//   record := length u32 of what follows · kind u8 · space length u8 · key length u16 · time to live f64, ms
//             · space · key · value                                                        (little endian)
//
// First everything that is there, then COMPLETE, then every later change, until the one who leaves is gone.

import { KEY_BYTES_MAX, SPACE_BYTES_MAX, VALUE_BYTES_MAX } from "../../messages/state.ts";
import type { Kept } from "./kept.ts";

export const RECORD_ENTRY = 1;
/** Nothing is under this key any more. */
export const RECORD_GONE = 2;
export const RECORD_COMPLETE = 3;

/** An entry of a space, on its way. */
export interface Heirloom {
  readonly kind: number;
  readonly space: string;
  readonly key: string;
  readonly ttlMs: number;
  readonly value: Kept;
}

const LENGTH_BYTES = 4;
const PREFIX_BYTES = LENGTH_BYTES + 12;
const RECORD_BYTES_MAX = PREFIX_BYTES + SPACE_BYTES_MAX + KEY_BYTES_MAX + VALUE_BYTES_MAX;

export function encodeRecord({ kind, space, key, ttlMs, value }: Heirloom): Buffer {
  const keyAt = PREFIX_BYTES + space.length;
  const valueAt = keyAt + key.length;
  const record = Buffer.allocUnsafe(valueAt + value.length);
  record.writeUInt32LE(record.length - LENGTH_BYTES, 0);
  record.writeUInt8(kind, 4);
  record.writeUInt8(space.length, 5);
  record.writeUInt16LE(key.length, 6);
  record.writeDoubleLE(ttlMs, 8);
  record.write(space, PREFIX_BYTES, "latin1");
  record.write(key, keyAt, "latin1");
  if (typeof value === "string") record.write(value, valueAt, "latin1");
  else record.set(value, valueAt);
  return record;
}

export function markRecord(kind: number, space = "", key = ""): Buffer {
  return encodeRecord({ kind, space, key, ttlMs: 0, value: "" });
}

/** Records out of pieces of any size; `received` gets values that are only lent. */
export class RecordReader {
  readonly #received: (record: Heirloom) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #needed = LENGTH_BYTES;

  constructor(received: (record: Heirloom) => void) {
    this.#received = received;
  }

  /** Throws RangeError on what is no record. */
  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes < this.#needed) return;
    let rest = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    for (;;) {
      this.#needed = rest.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + rest.readUInt32LE(0);
      if (this.#needed > RECORD_BYTES_MAX) throw new RangeError("a record is too long");
      if (rest.length < this.#needed) break;
      this.#received(decodeRecord(rest.subarray(0, this.#needed)));
      rest = rest.subarray(this.#needed);
    }
    this.#pieces = [rest];
    this.#bytes = rest.length;
  }
}

function decodeRecord(record: Buffer): Heirloom {
  const keyAt = PREFIX_BYTES + record.readUInt8(5);
  const valueAt = keyAt + record.readUInt16LE(6);
  if (valueAt > record.length) throw new RangeError("a record is too short");
  return {
    kind: record.readUInt8(4),
    space: record.toString("latin1", PREFIX_BYTES, keyAt),
    key: record.toString("latin1", keyAt, valueAt),
    ttlMs: record.readDoubleLE(8),
    value: record.subarray(valueAt),
  };
}
