// How much memory the processes of a peer take while something happens: looked at often, and with
// the kernel's own high-water mark, which misses nothing between two looks.

import { writeFileSync } from "node:fs";
import { field, processTree } from "./proc.ts";

const LOOK_EVERY_MS = 50;
const KIB = 1024;

export interface Growth {
  /** The process that grew most, and by how much over its size at the beginning. */
  readonly pid: number;
  readonly bytes: number;
  readonly fromBytes: number;
}

/** Resident bytes by process id. */
export type Baseline = ReadonlyMap<number, number>;

/** What `root` and its descendants take now. */
export function baselineOf(root: number): Baseline {
  return new Map(processTree(root).map((pid) => [pid, resident(pid)]));
}

/** Watches the processes of `start` from now on; the returned function ends it. */
export function watchMemory(start: Baseline): () => Growth {
  const pids = [...start.keys()];
  for (const pid of pids) resetHighWater(pid);
  const peak = new Map(start);
  const look = () => {
    for (const pid of pids) peak.set(pid, Math.max(peak.get(pid) ?? 0, resident(pid), highWater(pid)));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    const grown = pids.map((pid) => {
      const fromBytes = start.get(pid) ?? 0;
      return { pid, fromBytes, bytes: (peak.get(pid) ?? 0) - fromBytes };
    });
    return grown.reduce((most, one) => (one.bytes > most.bytes ? one : most));
  };
}

const resident = (pid: number) => (field(`/proc/${pid}/status`, "VmRSS") ?? 0) * KIB;
const highWater = (pid: number) => (field(`/proc/${pid}/status`, "VmHWM") ?? 0) * KIB;

/** Sets VmHWM to what is resident now [proc(5), clear_refs: 5]. */
function resetHighWater(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
