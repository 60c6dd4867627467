// Bytes that are kept for long, apart from the memory that they came in. A buffer of its own costs hundreds
// of bytes beside what is in it; so short ones are strings of one char per byte, which V8 keeps as bytes.

export type Kept = string | Buffer;

const SHORT_BYTES = 2048;

/** A copy of `bytes`. */
export function keep(bytes: Uint8Array): Kept {
  if (bytes.length <= SHORT_BYTES) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

export function isSame(kept: Kept, bytes: Uint8Array): boolean {
  if (kept.length !== bytes.length) return false;
  if (typeof kept !== "string") return kept.equals(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1") === kept;
}
