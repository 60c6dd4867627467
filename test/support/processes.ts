// What runs on this machine, for tests that must leave nothing behind.

import { readdirSync, readFileSync } from "node:fs";

/** Whether a process with this id runs; one that has ended but was not collected does not. */
export function isRunning(pid: number): boolean {
  const state = statOf(String(pid))?.[0];
  return state !== undefined && state !== "Z";
}

/** Processor time that a process has used, in ticks of the system; 0 when it has gone. */
export function cpuTicks(pid: number): number {
  const stat = statOf(String(pid));
  return Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0);
}

/** Children of `pid`, and theirs. */
export function descendantsOf(pid: number): readonly number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Processes in whose environment `NAME=value` is, whoever started them. */
export function processesWith(variable: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(variable))
    .map(Number)
    .filter(isRunning);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // Gone, or somebody else's.
    return [];
  }
}

/** Of each thread of a process [proc(5)]. */
export function nicenessOf(pid: number): readonly number[] {
  return threadsOf(pid).map(({ niceness }) => niceness);
}

export function threadsOf(pid: number): readonly { readonly name: string; readonly niceness: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => ({
    name: readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim(),
    niceness: Number(statOf(`${pid}/task/${thread}`)?.[16]),
  }));
}

/** proc(5): state and parent first; undefined when the process has gone. */
function statOf(pid: string): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command before them may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
