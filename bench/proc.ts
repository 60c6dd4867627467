// What Linux says of a process and everything below it, read from /proc.

import { readdirSync, readFileSync } from "node:fs";

/** utime and stime are counted in these [proc(5); USER_HZ is 100 on every Linux that Node runs on]. */
const MICROS_PER_TICK = 10_000;

/** `root` and its descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? statFields(pid) : undefined;
    if (stat === undefined) continue;
    const parent = Number(stat[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** CPU time that these processes have used so far, user and system, in microseconds. */
export function cpuMicros(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = statFields(pid);
    ticks += Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0);
  }
  return ticks * MICROS_PER_TICK;
}

/** Sum of these lines of a process's smaps_rollup [proc(5)], in bytes; NaN when it is gone or the kernel does not tell. */
export function mappedBytes(pid: number, ...names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (field(`/proc/${pid}/smaps_rollup`, name) ?? Number.NaN), 0) * 1024;
}

/** Resident memory in bytes, shared pages divided among their sharers where the kernel tells (Pss). */
export function residentBytes(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) {
    const proportional = mappedBytes(pid, "Pss");
    bytes += Number.isNaN(proportional) ? (field(`/proc/${pid}/status`, "VmRSS") ?? 0) * 1024 : proportional;
  }
  return bytes;
}

/** What a process was started with, or calls itself; empty when it is gone. */
export function commandLine(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ");
}

/** One `Name:  123 kB` line of a file in /proc; undefined when the process is gone or the line is not there. */
export function field(path: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(read(path) ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** The fields after the command's name, so [0] is the state and [1] the parent. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process ended between the listing and the look
  }
}

/** Processor time of one thread so far. */
export interface ThreadTime {
  readonly name: string;
  readonly isMain: boolean;
  readonly userMicros: number;
  readonly kernelMicros: number;
}

/** By the thread's number in the kernel. */
export function threadTimes(pid: number): Map<number, ThreadTime> {
  const times = new Map<number, ThreadTime>();
  for (const entry of readdirSync(`/proc/${pid}/task`)) {
    const stat = read(`/proc/${pid}/task/${entry}/stat`);
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    times.set(Number(entry), {
      name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
      isMain: Number(entry) === pid,
      userMicros: Number(fields[11]) * MICROS_PER_TICK,
      kernelMicros: Number(fields[12]) * MICROS_PER_TICK,
    });
  }
  return times;
}
