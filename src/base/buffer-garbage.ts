// V8 frees the memory of dead buffers only when it collects garbage, and it collects by the growth of
// its heap, in which a buffer of 64 KiB counts for some bytes: while bodies stream through, an isolate
// may pile up 64 MiB of dead buffers before it looks. Whoever moves bodies says so here.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so many bytes the young generation is collected; with nothing alive in it that takes about a millisecond. */
const COLLECT_EVERY_BYTES = 8 * 1024 * 1024;

type Collect = (options: { readonly type: "minor" }) => void;

let collect: Collect | undefined;
let passedBytes = 0;

/** Tells that `bytes` of buffers were made that die soon. Per thread. */
export function buffersPassed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < COLLECT_EVERY_BYTES) return;
  passedBytes = 0;
  collect ??= findCollect();
  collect?.({ type: "minor" });
}

// Only a context that is made after the flag was set has `gc`; the app's own globals stay as they are.
// Flags belong to the process: another thread may unset this one at the same moment, and then it is
// undefined until the next time.
function findCollect(): Collect | undefined {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("globalThis.gc") as Collect | undefined;
  setFlagsFromString("--no-expose-gc");
  return gc;
}
