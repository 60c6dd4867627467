// V8's collector, called by hand where V8 cannot know that now is the moment.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

interface Collection {
  readonly type: "minor" | "major";
  /** Also lets go of what is kept only because it may be needed again, such as pages of ended threads. */
  readonly flavor?: "last-resort";
}

type Collect = (how: Collection) => void;

let collector: Collect | undefined;

/** Collects the garbage of this thread, which stands still meanwhile: a minor collection for about a millisecond. */
export function collectGarbage(how: Collection): void {
  collector ??= findCollector();
  collector?.(how);
}

/** Gives back to the system what V8 keeps only because it may be needed again: the most thorough collection, 20 to 60 ms. */
export function giveBackMemory(): void {
  collectGarbage({ type: "major", flavor: "last-resort" });
}

// Only a context that is made after the flag was set has `gc`; the app's own globals stay as they are.
// Flags belong to the process: another thread may unset this one at the same moment, and then it is
// undefined until the next time.
function findCollector(): Collect | undefined {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("globalThis.gc") as Collect | undefined;
  setFlagsFromString("--no-expose-gc");
  return gc;
}
