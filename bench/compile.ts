// The bench's C programs are compiled where it runs.

import { execFileSync } from "node:child_process";
import { basename, join } from "node:path";
import { which } from "./which.ts";

export function compilerMissing(): string | undefined {
  return which("cc") === undefined ? "no C compiler (cc)" : undefined;
}

/** Compiles `source` into `folder`; returns the program's path. */
export function compile(source: string, folder: string, libraries: readonly string[] = []): string {
  const program = join(folder, basename(source, ".c"));
  const args = ["-O2", "-Wall", "-Wextra", "-o", program, source, ...libraries.map((name) => `-l${name}`)];
  execFileSync("cc", args, { stdio: ["ignore", "ignore", "inherit"] });
  return program;
}
