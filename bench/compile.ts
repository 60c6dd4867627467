// The bench's two C programs are compiled where it runs.

import { execFileSync } from "node:child_process";
import { basename, join } from "node:path";
import { which } from "./which.ts";

export function compilerMissing(): string | undefined {
  return which("cc") === undefined ? "no C compiler (cc)" : undefined;
}

/** Compiles `source` into `folder`; returns the program's path. */
export function compile(source: string, folder: string): string {
  const program = join(folder, basename(source, ".c"));
  execFileSync("cc", ["-O2", "-Wall", "-Wextra", "-o", program, source], { stdio: ["ignore", "ignore", "inherit"] });
  return program;
}
