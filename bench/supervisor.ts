// A `holdfast start` of the bench, and when its pools serve.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, type Run } from "./surroundings.ts";

/** The promise of a shared host is 60 s; a slower machine is told so by the result, not by a timeout. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export interface StartedSupervisor {
  readonly pid: number;
  /** Path of what it prints. */
  readonly log: string;
  /** Ends it; the run does so as well. */
  stop(): Promise<void>;
}

/** `repository`: a checkout that is built. */
export function startSupervisor(run: Run, config: string, repository = REPOSITORY): StartedSupervisor {
  const log = `${config}.log`;
  const output = openSync(log, "a");
  const args = [join(repository, "bin/holdfast.js"), "start", "-c", config];
  // `detached`: as in child.ts.
  const child = spawn(process.execPath, args, { stdio: ["ignore", output, output], detached: true });
  closeSync(output);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  };
  return { ...run.own({ pid: child.pid ?? 0, stop }), log };
}

/** Resolves when all of its pools serve. */
export async function serving(log: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!readFileSync(log, "utf8").includes('"msg":"serving"')) {
    if (performance.now() > deadline) {
      throw new Error(`not serving after ${START_TIMEOUT_MS} ms:\n${readFileSync(log, "utf8").slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
