// What programs ask of `process` as they start, and a thread cannot do but need not either.

import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { isMainThread } from "node:worker_threads";
import { Fault } from "../src/base/fault.ts";

/** `process.chdir` to the folder where the pool is already: standalone servers begin so. Elsewhere it throws Fault BOOT. */
export function tolerateChdir(process: Pick<NodeJS.Process, "chdir" | "cwd"> = globalThis.process): void {
  process.chdir = (directory) => {
    if (realFolder(directory) === realFolder(process.cwd())) return;
    throw new Fault("BOOT", `process.chdir("${directory}") in a worker, which is a thread`, {
      hint: `Set the pool's option chdir = "${resolve(directory)}".`,
    });
  };
}

/** To be called once per thread, before any of the author's code. */
export function installProcess(): void {
  if (!isMainThread) tolerateChdir();
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there, so nobody is in it.
    return resolve(path);
  }
}
