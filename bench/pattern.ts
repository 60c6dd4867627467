// Bytes that both ends of a transfer can make: no two pieces are alike, so a piece that is lost,
// doubled or out of order changes the digest.

import { createHash } from "node:crypto";

export const PIECE_BYTES = 64 * 1024;

const block = Buffer.alloc(PIECE_BYTES);
for (let at = 0, word = 1; at < PIECE_BYTES; at += 4) {
  word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  block.writeUInt32LE(word, at);
}

/** Piece number `index`, in memory of its own. */
export function piece(index: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(block);
  bytes.writeUInt32LE(index, 0);
  return bytes;
}

export function digestOf(pieces: number): string {
  const hash = createHash("sha256");
  for (let index = 0; index < pieces; index++) hash.update(piece(index));
  return hash.digest("hex");
}
