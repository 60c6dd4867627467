// The command line: finds the command, runs it, and turns what it throws into a message and an exit
// code (sysexits.h). The only border at which a command's faults are caught.

import { CommanderError } from "commander";
import { FAULTS, Fault } from "../base/fault.ts";
import { printable, printError } from "./print.ts";
import { createProgram } from "./program.ts";

/** Runs the command of `argv` (as process.argv) and resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreGoneReader);
  try {
    await createProgram().parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return usage(error);
    return report(error);
  }
}

/** Whoever reads has seen enough, as `head` has: that is no failure of ours. */
function ignoreGoneReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function usage(error: CommanderError): number {
  // Help and the version are not errors, except help that was shown because no command was given.
  if (error.code === "commander.helpDisplayed" || error.code === "commander.version") return 0;
  if (error.code === "commander.help") return FAULTS.USAGE.exit;
  const [message = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const meant = rest.join(" ").replace(/^\((.*)\)$/, "$1");
  const hint = meant === "" ? "see `holdfast --help`" : `${meant[0]?.toLowerCase()}${meant.slice(1)}`;
  return report(new Fault("USAGE", message, { hint }));
}

function report(error: unknown): number {
  if (!(error instanceof Fault)) {
    printError(`holdfast: ${printable(error instanceof Error ? (error.stack ?? error.message) : String(error))}`);
    printError("  this is a mistake in Holdfast: please report it");
    return FAULTS.BOOT.exit;
  }
  printError(`holdfast: ${printable(error.message)}`);
  if (error.hint !== undefined) printError(`  ${printable(error.hint)}`);
  // What an app threw while it loaded: its author needs the lines.
  if (error.code === "BOOT" && error.stack !== undefined) printError(indent(printable(error.stack)));
  return FAULTS[error.code].exit || FAULTS.BOOT.exit;
}

const indent = (text: string): string => text.replace(/^/gm, "    ");
