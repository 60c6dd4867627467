// What the benchmarks of interleaved rounds are as commands: their progress, and what ends them early.

import { FAULTS, Fault } from "../src/base/fault.ts";
import { which } from "./which.ts";

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function requireWrk(): void {
  if (which("wrk") === undefined) throw new Fault("LISTEN", "wrk is not installed", { hint: "apt-get install wrk" });
}

/** Runs `main` with the arguments of this process. A Fault is a line, and its exit code. */
export async function runCommand(main: (argv: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(`bench: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`);
    process.exitCode = FAULTS[error.code].exit;
  }
}
