// Descriptors that whoever started this process left open in it. Node keeps the low ones from its
// children, but only up to the first gap behind 15, so that a shell's `exec 40<secrets` would be
// readable in every pool.

import { closeSync, readdirSync, readFileSync } from "node:fs";

/** Standard input, output and error. */
const STDIO = 3;
/** O_CLOEXEC as fdinfo shows it [proc(5)], the same on every architecture that Node has for Linux. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what a child of this process would inherit besides stdio, and returns the descriptors. To be
 * called before the first child is started. Elsewhere than on Linux it knows of none.
 */
export function closeInherited(): readonly number[] {
  const closed: number[] = [];
  for (const fd of openDescriptors()) {
    if (fd < STDIO || !isInheritable(fd)) continue;
    closeSync(fd);
    closed.push(fd);
  }
  return closed;
}

function openDescriptors(): readonly number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number);
  } catch {
    // No /proc: nothing can be said, and Node's own measure has to do.
    return [];
  }
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The descriptor through which the folder was read has gone.
    return false;
  }
}
