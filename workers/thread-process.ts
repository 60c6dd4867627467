// What programs ask of `process` as they start and end, and a worker need not, or must not, do.

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

/** Listeners of SIGTERM that are not the author's. */
const own = new Set<unknown>();

/** To be called once per worker, before any of the author's code. */
export function installProcess(): void {
  for (const listener of process.listeners("SIGTERM")) own.add(listener);
  if (!isMainThread) tolerateChdir();
}

type Listener = (...args: unknown[]) => unknown;

/** What the author's code does when it is told to stop. */
export function stopListeners(process: { listeners(event: "SIGTERM"): unknown[] }): Listener[] {
  return process.listeners("SIGTERM").filter((listener): listener is Listener => !own.has(listener));
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there, so nobody is in it.
    return resolve(path);
  }
}
