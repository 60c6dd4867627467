// Memory for large frames that is used again: to allocate 64 KiB for every piece of a body, and to collect them, costs
// more than all else that is done with it. Per thread. Whoever does not give a buffer back costs an allocation, no more.

import { CHUNK_BYTES } from "./lane.ts";

/** Room for a piece of a body, or a whole reply, with all that is around it. */
const SPARE_BYTES = CHUNK_BYTES + 1024;
/** So many are kept: what some dozen bodies have on their way. */
const SPARE_MAX = 64;
/** What is shorter is allocated with what is beside it. */
export const WORTH_LENDING_BYTES = SPARE_BYTES / 2;

const spare: Buffer[] = [];
/** What is with somebody, who may forget it. */
const lent = new WeakSet<ArrayBufferLike>();

/** A buffer of this length; its bytes are anything. */
export function lend(bytes: number): Buffer {
  if (bytes > SPARE_BYTES) return Buffer.allocUnsafeSlow(bytes);
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES);
  lent.add(buffer.buffer);
  return buffer.subarray(0, bytes);
}

/** Whether `part` is of memory that can be given back. */
export function isLent(part: Uint8Array): boolean {
  return lent.has(part.buffer);
}

/** Nobody looks any more at the buffer that `part` is of. Anything that was not lent is left alone. */
export function giveBack(part: Uint8Array): void {
  if (lent.delete(part.buffer) && spare.length < SPARE_MAX) spare.push(Buffer.from(part.buffer));
}
