// The files that a run leaves in bench/results: one name, by date, commit and what was measured.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import { REPOSITORY } from "./surroundings.ts";

/** `files` by what their names end in. Returns the name, without an end; "" for `what`: the benchmark itself. */
export function writeResults(
  { date, commit }: Environment,
  what: string,
  files: Readonly<Record<string, string>>,
): string {
  const folder = join(REPOSITORY, "bench/results");
  mkdirSync(folder, { recursive: true });
  const name = join(folder, [date.slice(0, 10), commit, what].filter((part) => part !== "").join("-"));
  for (const [end, text] of Object.entries(files)) writeFileSync(`${name}.${end}`, text);
  return name;
}

/** As results are kept: a diff of two runs can be read. */
export function renderJson(report: object): string {
  return `${JSON.stringify(report, undefined, 1)}\n`;
}
