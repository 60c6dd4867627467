// The files of a configuration: the main one and those that its `include` names. Reads and parses
// them; what the tables in them mean is load.ts's matter.

import { readdirSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
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

/** Where mistakes and warnings are put. */
export interface Findings {
  readonly mistakes: Mistake[];
  readonly warnings: Mistake[];
}

/**
 * Reads `file` and what it includes, in order; a file that several patterns match is read once. Included
 * files include nothing, so there is no circle. What cannot be read is a mistake and is left out.
 */
export function readSources(file: string, findings: Findings): readonly Source[] {
  const { mistakes } = findings;
  const main = readSource(resolve(file), findings);
  if (main === undefined) return [];
  const sources = [main];
  const seen = new Set([realPath(main.file)]);
  for (const { path, by } of includedFiles(main, mistakes)) {
    const real = realPath(path);
    if (real === undefined) {
      const message = `there is no ${path}`;
      mistakes.push({ file: main.file, line: main.lineOf(by), path: by, message });
      continue;
    }
    if (seen.has(real)) continue;
    seen.add(real);
    const source = readSource(path, findings);
    if (source === undefined) continue;
    for (const key of ["include", "supervisor"].filter((name) => name in source.table)) {
      const message = "belongs into the main file only";
      mistakes.push({ file: path, line: source.lineOf([key]), path: [key], message });
    }
    sources.push(source);
  }
  return sources;
}

/** Undefined for what is not there. A file that may not be looked at keeps its name: reading it says why. */
function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : file;
  }
}

function readSource(file: string, { mistakes, warnings }: Findings): Source | undefined {
  const fail = (message: string, hint?: string, line?: number): undefined => {
    mistakes.push({ file, line, path: [], message, ...(hint === undefined ? {} : { hint }) });
  };
  let text: string;
  try {
    const stats = statSync(file);
    if (stats.size > FILE_LIMIT_BYTES) return fail(`is larger than ${FILE_LIMIT_BYTES} bytes`);
    if (process.getuid?.() === 0) {
      // Who may write this file may choose what root starts.
      if ((stats.mode & 0o002) !== 0) return fail("anyone may write this file", "chmod o-w it");
      const others = writersOf(stats);
      const hint = "they can thereby run anything as root: give the file to root";
      if (others !== undefined) {
        warnings.push({ file, line: undefined, path: [], message: `can be changed by ${others}`, hint });
      }
    }
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

/** Who besides root may write a file; undefined for nobody. */
function writersOf({ uid, gid, mode }: Stats): string | undefined {
  const writers = [
    ...(uid === 0 ? [] : [`user ${uid}`]),
    ...(gid === 0 || (mode & 0o020) === 0 ? [] : [`group ${gid}`]),
  ];
  return writers.length === 0 ? undefined : writers.join(" and ");
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

interface Included {
  readonly path: string;
  /** The element of `include` that named it. */
  readonly by: KeyPath;
}

function includedFiles(main: Source, mistakes: Mistake[]): readonly Included[] {
  const { include = [] } = main.table;
  const report = (index: number | undefined, message: string, hint?: string): readonly Included[] => {
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
    const by = ["include", index];
    if (!/[*?]/.test(name)) return [{ path: resolve(folder, name), by }];
    try {
      return readdirSync(folder)
        .filter((entry) => matches(name, entry))
        .sort()
        .map((entry) => ({ path: resolve(folder, entry), by }));
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
