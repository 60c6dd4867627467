// How much of a busy processor a process is given [setpriority(2)]. Linux keeps it for each thread, and
// a new thread has what the one had that made it.

import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** What is left over by all others, nearly: -20 is the most urgent, 19 the least. */
export const LEAST_URGENT = 19;

/** Added for a moment to the niceness of threads in the background: a third of what others get that want the processor too. */
const BACKGROUND_NICER = 5;
/** What V8 compiles and collects with. Node names its threads from 24 on; before that they are like all others. */
const BACKGROUND_NAME = /V8Worker$/m;

/** Threads that are made while the others are told, are told in the second round. */
const ROUNDS = 2;

/** Of every thread of a process. Throws what setpriority(2) does: without privilege it can only be raised. */
export function setNiceness(pid: number, niceness: number): void {
  setEach(pid, () => niceness);
}

/** As `setNiceness`, and V8's own threads give way to those that answer somebody. */
export function setNicenessOfBusy(pid: number, niceness: number): void {
  const background = Math.min(LEAST_URGENT, niceness + BACKGROUND_NICER);
  setEach(pid, (thread) => (BACKGROUND_NAME.test(nameOf(pid, thread)) ? background : niceness));
}

export function ownNiceness(): number {
  return getPriority();
}

/** Whether this process may give others back what it took from them: CAP_SYS_NICE [capabilities(7)]. */
export function mayLowerNiceness(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${effective}`) & CAP_SYS_NICE) !== 0n;
  } catch {
    // No /proc, as elsewhere than on Linux: then nothing is taken either.
    return false;
  }
}

const CAP_SYS_NICE = 1n << 23n;

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}

function setEach(pid: number, nicenessFor: (thread: number) => number): void {
  for (let round = 0; round < ROUNDS; round++) {
    for (const thread of threadsOf(pid)) setThread(thread, nicenessFor(thread));
  }
}

function nameOf(pid: number, thread: number): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

function setThread(thread: number, niceness: number): void {
  try {
    setPriority(thread, niceness);
  } catch (error) {
    // It has ended meanwhile.
    if (!isGone(error)) throw error;
  }
}

/** Node wraps what setpriority(2) says. */
function isGone(error: unknown): boolean {
  return (error as { readonly info?: { readonly code?: string } }).info?.code === "ESRCH";
}
