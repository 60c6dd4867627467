// Why a pool process ended, or could not begin, in words for the log and for whoever asked for it.

import { existsSync } from "node:fs";
import type { FaultData } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";

export interface Ended {
  readonly pool: Pick<PoolConfig, "name" | "bootTimeoutMs">;
  readonly pid: number | undefined;
  /** "SIGKILL", "exit code 1" */
  readonly ending: string;
  /** It has served. */
  readonly wasReady: boolean;
  /** We killed it, because it passed its deadline. */
  readonly killed: boolean;
}

/** Of a process that nobody asked to go, and that did not say itself why it went. */
export function causeOfDeath({ pool, pid, ending, wasReady, killed }: Ended): FaultData {
  if (killed && !wasReady) {
    const message = `pool ${pool.name}: the app was not ready within ${pool.bootTimeoutMs / 1000} s`;
    return { code: "BOOT", message, hint: "raise boot_timeout, or see what it waits for" };
  }
  const when = wasReady ? "unexpectedly" : "before it was ready";
  return { code: "BOOT", message: `pool ${pool.name}: process ${pid ?? "?"} ended ${when} (${ending})` };
}

/** Of a process that a signal told to go, which was not ours. */
export function toldToLeave(pool: Pick<PoolConfig, "name">, pid: number | undefined): FaultData {
  return { code: "BOOT", message: `pool ${pool.name}: process ${pid ?? "?"} was told by a signal to leave` };
}

/** A folder that has gone since the configuration was read is reported by the system as a program that is not there. */
export function notStarted({ chdir }: Pick<PoolConfig, "chdir">, { message }: Error): string {
  const reason = chdir === undefined || existsSync(chdir) ? message : `there is no ${chdir}, its working folder`;
  return `it could not be started: ${reason}`;
}
