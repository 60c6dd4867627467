// Transpiled code on disk, shared by all workers of a user and by all generations. A key says
// everything that the code depends on, so an entry is never stale; what cannot be read or does not
// match its checksum is written anew. A folder that others could write to is not used. A script's source map
// is a file of its own.

import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/fault.ts";
import { mapFileOf, withMapFile } from "./map-comment.ts";

/** When there are more files, the older half goes: a watch adds two for each save. */
const MAX_FILES = 8192;

export interface CodeCache {
  /** The code that was stored for these parts, or what `make` returns, stored. `make`'s errors pass through. */
  get(parts: readonly string[], make: () => string): string;
}

export const NO_CACHE: CodeCache = { get: (_parts, make) => make() };

/** A cache in `folder`, or one that keeps nothing; `complain` hears why. */
export function openCodeCache(folder: string | undefined, complain: (reason: string) => void): CodeCache {
  if (folder === undefined) return NO_CACHE;
  const refusal = prepare(folder);
  if (refusal === undefined) return new DiskCache(folder, complain);
  complain(refusal);
  return NO_CACHE;
}

/** Makes the folder; returns why it must not be used. */
function prepare(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = assertDirectory(folder);
    if (process.getuid !== undefined && uid !== process.getuid()) return `${folder} belongs to another user`;
    if ((mode & 0o022) !== 0) return `${folder} can be written by others; use: chmod 700 ${folder}`;
    removeOldest(folder);
    return undefined;
  } catch (error) {
    return `${folder} cannot be used: ${messageOf(error)}`;
  }
}

function assertDirectory(folder: string): { uid: number; mode: number } {
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) throw new Error("it is not a directory");
  return stat;
}

function removeOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= MAX_FILES) return;
  const byAge = names
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs }))
    .sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  for (const { path } of byAge.slice(0, Math.ceil(names.length / 2))) rmSync(path, { force: true });
}

class DiskCache implements CodeCache {
  readonly #folder: string;
  readonly #complain: (reason: string) => void;
  #writable = true;

  constructor(folder: string, complain: (reason: string) => void) {
    this.#folder = folder;
    this.#complain = complain;
  }

  get(parts: readonly string[], make: () => string): string {
    const name = join(this.#folder, sha256(JSON.stringify(parts)));
    const path = `${name}.js`;
    const mapPath = `${name}.map`;
    const stored = readEntry(path);
    if (stored !== undefined && isWhole(stored, mapPath)) return stored;
    const made = make();
    const parted = withMapFile(made, mapPath);
    if (parted === undefined) {
      this.#write(path, sealed(made));
      return made;
    }
    // The map first: whoever finds the code finds it.
    if (!this.#write(mapPath, parted.map)) return made;
    this.#write(path, sealed(parted.code));
    return parted.code;
  }

  /** By rename, so that a reader sees the old entry, none, or the whole new one. */
  #write(path: string, text: string): boolean {
    if (!this.#writable) return false;
    const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      writeFileSync(temporary, text, { mode: 0o600, flag: "wx" });
      renameSync(temporary, path);
      return true;
    } catch (error) {
      // A full or read-only disk costs time at the next start, not the request.
      this.#writable = false;
      rmSync(temporary, { force: true });
      this.#complain(`${path} cannot be written: ${messageOf(error)}`);
      return false;
    }
  }
}

const CHECKSUM_LINE = /^\/\/ ([0-9a-f]{64})\n/;

/** Its map may have been removed for its age, or the folder moved. */
function isWhole(code: string, mapPath: string): boolean {
  const linked = mapFileOf(code);
  return linked === undefined || (linked === mapPath && existsSync(mapPath));
}

const sealed = (code: string): string => `// ${sha256(code)}\n${code}`;

function readEntry(path: string): string | undefined {
  let entry: string;
  try {
    entry = readFileSync(path, "utf8");
  } catch {
    // Not there yet, or not readable: either way it is made again.
    return undefined;
  }
  const line = CHECKSUM_LINE.exec(entry);
  if (line === null) return undefined;
  const code = entry.slice(line[0].length);
  return sha256(code) === line[1] ? code : undefined;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
