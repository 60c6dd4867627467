// The files of a configuration: the main one and those that its `include` names. Reads and parses
// them; what the tables in them mean is load.ts's matter.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { messageOf } from "../base/fault.ts";
import { KeyLines } from "./locate.ts";
import type { KeyPath, Mistake } from "./mistake.ts";
import { isTable } from "./read.ts";

/** One file, or a table made in memory. */
export interface Source {
  readonly file: string;
  /** What relative paths in it are relative to. */
  readonly folder: string;
  readonly table: Readonly<Record<string, unknown>>;
  readonly lineOf: (path: KeyPath) => number | undefined;
}

/** The largest file that is read, bytes; a configuration is text that somebody wrote. */
const FILE_LIMIT_BYTES = 4 * 1024 * 1024;

/** Reads `file` and what it includes, in order. What cannot be read is a mistake and is left out. */
export function readSources(file: string, mistakes: Mistake[]): readonly Source[] {
  const main = readSource(resolve(file), mistakes);
  if (main === undefined) return [];
  const sources = [main];
  for (const included of includedFiles(main, mistakes)) {
    if (sources.some((source) => source.file === included)) continue;
    const source = readSource(included, mistakes);
    if (source === undefined) continue;
    for (const key of ["include", "supervisor"].filter((name) => name in source.table)) {
      const message = "belongs into the main file only";
      mistakes.push({ file: included, line: source.lineOf([key]), path: [key], message });
    }
    sources.push(source);
  }
  return sources;
}

function readSource(file: string, mistakes: Mistake[]): Source | undefined {
  const fail = (message: string, hint?: string, line?: number): undefined => {
    mistakes.push({ file, line, path: [], message, ...(hint === undefined ? {} : { hint }) });
  };
  let text: string;
  try {
    const { mode, size } = statSync(file);
    if (size > FILE_LIMIT_BYTES) return fail(`is larger than ${FILE_LIMIT_BYTES} bytes`);
    // Who may write this file may choose what root starts.
    if (process.getuid?.() === 0 && (mode & 0o002) !== 0) return fail("anyone may write this file", "chmod o-w it");
    text = readFileSync(file, "utf8");
  } catch (error) {
    return fail(`cannot be read: ${reasonOf(error)}`);
  }
  try {
    const table = parse(text);
    return refusePrototypes(table, [])
      ? { file, folder: dirname(file), table, lineOf: lazily(() => new KeyLines(text)) }
      : fail('"__proto__" cannot be used as a name');
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = "is not TOML"] = error.message.split("\n");
    return fail(first.replace(/^Invalid TOML document: /, "is not TOML: "), undefined, error.line);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "it is a folder";
  return messageOf(error);
}

function lazily(make: () => KeyLines): (path: KeyPath) => number | undefined {
  let made: KeyLines | undefined;
  return (path) => {
    made ??= make();
    return made.of(path);
  };
}

/** False when a name would reach the prototype of a plain object. */
function refusePrototypes(value: unknown, path: KeyPath): boolean {
  if (Array.isArray(value)) return value.every((item) => refusePrototypes(item, path));
  if (!isTable(value)) return true;
  return Object.entries(value).every(([key, inner]) => key !== "__proto__" && refusePrototypes(inner, [...path, key]));
}

function includedFiles(main: Source, mistakes: Mistake[]): readonly string[] {
  const { include = [] } = main.table;
  const report = (index: number | undefined, message: string, hint?: string): readonly string[] => {
    const path = index === undefined ? ["include"] : ["include", index];
    mistakes.push({ file: main.file, line: main.lineOf(path), path, message, ...(hint === undefined ? {} : { hint }) });
    return [];
  };
  if (!Array.isArray(include)) return report(undefined, 'expected a list such as ["pool.d/*.toml"]');
  return include.flatMap((pattern: unknown, index) => {
    if (typeof pattern !== "string" || pattern === "") return report(index, "expected a path in quotes");
    const folder = resolve(main.folder, dirname(pattern));
    const name = basename(pattern);
    if (/[*?]/.test(dirname(pattern))) return report(index, "only the last part of a path may hold * or ?");
    if (!/[*?]/.test(name)) return [resolve(folder, name)];
    try {
      return readdirSync(folder)
        .filter((entry) => matches(name, entry))
        .sort()
        .map((entry) => resolve(folder, entry));
    } catch (error) {
      // No folder means no file, as with a pattern that nothing matches.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      return report(index, `${folder} cannot be read: ${reasonOf(error)}`);
    }
  });
}

/** Shell-like: `*` any characters, `?` one; neither matches a leading dot. */
function matches(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(name);
}
