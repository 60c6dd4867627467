// V8 frees the memory of dead buffers only when it collects garbage, and it collects by the growth of
// its heap, in which a buffer of 64 KiB counts for some bytes: while bodies stream through, an isolate
// may pile up 64 MiB of dead buffers before it looks. Whoever moves bodies says so here.

import { collectGarbage } from "./collect.ts";

/**
 * After so many bytes the young generation is collected; with nothing alive in it that takes a part of a millisecond.
 * V8 adds buffers to the heap's size, and collects the whole heap once that has passed a bound, which takes a hundred
 * times as long: several copies of each byte must fit below it (src/supervisor/pool-command.ts).
 */
const COLLECT_EVERY_BYTES = 2 * 1024 * 1024;

/**
 * The same for buffers that have lived for long: the old generation is collected, which takes some 10 ms.
 * A pool reaches it with every eighth worker that has ended.
 */
const COLLECT_OLD_EVERY_BYTES = 16 * 1024 * 1024;

let passedBytes = 0;
let diedBytes = 0;

/** Tells that `bytes` of buffers were made that die soon. Per thread. */
export function buffersPassed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < COLLECT_EVERY_BYTES) return;
  passedBytes = 0;
  collectGarbage({ type: "minor" });
}

/** Tells that `bytes` of buffers which lived for long are needed no more. Per thread. */
export function buffersDied(bytes: number): void {
  diedBytes += bytes;
  if (diedBytes < COLLECT_OLD_EVERY_BYTES) return;
  diedBytes = 0;
  collectGarbage({ type: "major" });
}
