// Which `_middleware` files surround what was found: those of its folders, outermost first. They may
// guard what is in them, so whatever is in doubt ends in a Fault and never in a folder without them.

import { lstatSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { type Clock, type Instant, systemClock } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/fault.ts";
import { EXTENSIONS, isFile, statOf } from "../file-names.ts";

const NAMES = [...EXTENSIONS, ".cts", ".cjs"].map((extension) => `_middleware${extension}`);

/** How long a folder without one is believed to have none. */
const TRUSTED_MS = 1000;
/** Folders without one that are remembered; more are looked at each time. */
const REMEMBERED = 1024;

export class MiddlewareFiles {
  readonly #root: string;
  readonly #looked: (path: string) => void;
  readonly #clock: Clock;
  /**
   * Folder → its middleware. Kept for the life of the worker: a file that is gone for a moment, while
   * somebody deploys, must not open its folder. Modules change with a reload, and so does their absence.
   */
  readonly #found = new Map<string, string>();
  readonly #without = new Map<string, { readonly changed: string; readonly until: Instant }>();
  readonly #watched = new Set<string>();

  /** `root` is a real path; `looked` is told where a file would count if there was one. */
  constructor(root: string, looked: (path: string) => void, clock: Clock = systemClock) {
    this.#root = root;
    this.#looked = looked;
    this.#clock = clock;
  }

  /**
   * Real paths. `folders` are those that the URL leads through; those of the real path of `file` count as
   * well, so that a link does not pass by the rules of where it leads. Throws Fault BOOT where there is
   * one that cannot be used.
   */
  around(folders: readonly string[], file: string | undefined): readonly string[] {
    const real = new Set(file === undefined ? [] : foldersOf(this.#root, file));
    const files = new Set<string>();
    for (const folder of new Set([...folders, ...real])) {
      const found = this.#of(folder, real.has(folder));
      if (found !== undefined) files.add(found);
    }
    return [...files];
  }

  /** What a URL leads through need not be there; what a file was found in has to be, or is gone this very moment. */
  #of(folder: string, isThereForSure: boolean): string | undefined {
    const known = this.#found.get(folder);
    if (known !== undefined) return known;
    const stat = statOf(folder);
    if (stat?.isDirectory() !== true) {
      if (!isThereForSure) return undefined;
      throw new Fault("BOOT", `cannot see whether there is a _middleware in ${folder}`);
    }
    const changed = `${stat.ino} ${stat.mtimeMs} ${stat.ctimeMs}`;
    const without = this.#without.get(folder);
    const now = this.#clock.now();
    if (without?.changed === changed && now < without.until) return undefined;
    this.#watch(folder);
    const name = NAMES.find((each) => isThere(join(folder, each)));
    if (name === undefined) {
      if (this.#without.size >= REMEMBERED) this.#without.clear();
      this.#without.set(folder, { changed, until: now + TRUSTED_MS });
      return undefined;
    }
    const file = this.#confined(join(folder, name));
    this.#found.set(folder, file);
    return file;
  }

  #confined(path: string): string {
    let file: string | undefined;
    try {
      file = realpathSync(path);
    } catch {
      // A link to nothing, or to what the pool's user may not see.
    }
    const inRoot = file?.startsWith(this.#root === sep ? sep : this.#root + sep) === true;
    if (file !== undefined && inRoot && isFile(file)) return file;
    throw new Fault("BOOT", `${path} is no regular file inside of the root`, {
      hint: "Until it is one, or is removed, its folder answers 500: it may be what guards it.",
    });
  }

  #watch(folder: string): void {
    if (this.#watched.has(folder) || this.#watched.size >= REMEMBERED) return;
    this.#watched.add(folder);
    for (const name of NAMES) this.#looked(join(folder, name));
  }
}

/** The root and what lies between it and the file. */
export function foldersOf(root: string, file: string): string[] {
  const names = file.slice(root.length).split(sep).slice(1, -1);
  return [root, ...names.map((_name, at) => join(root, ...names.slice(0, at + 1)))];
}

/** Links count, wherever they lead. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new Fault("BOOT", `cannot see whether there is ${path}`, { cause: error });
  }
}
