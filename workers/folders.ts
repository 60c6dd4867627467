// What the folders of `root` hold that answers for names that are not on disk. A folder is read again
// when it has changed, and once more a second later: the clock of a file system is coarser than two saves.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Instant, systemClock } from "../src/base/clock.ts";
import { Fault } from "../src/base/fault.ts";
import { dynamicName, EXTENSIONS, isHandlerName, statOf } from "./file-names.ts";

export interface Dynamic {
  /** The name in `ctx.params`. */
  readonly name: string;
  readonly path: string;
}

/** What a folder has for any name of a URL; a file of the name itself goes before all of it. */
export interface DynamicEntries {
  /** `[name].ts`: the last name of a path. */
  readonly file: Dynamic | undefined;
  /** `[name]/`: a name that others follow. */
  readonly folder: Dynamic | undefined;
  /** `[...name].ts`: all that is left of a path. */
  readonly rest: Dynamic | undefined;
}

const NOTHING: DynamicEntries = { file: undefined, folder: undefined, rest: undefined };

/** A folder that changed no longer ago than this may change again and look the same. */
const TRUSTED_MS = 1000;
/** Folders that are remembered; more are read each time. */
const REMEMBERED = 256;

export class Folders {
  readonly #clock: Clock;
  readonly #known = new Map<
    string,
    { readonly entries: DynamicEntries; readonly changed: string; readonly until: Instant }
  >();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Throws Fault BOOT where two entries answer for the same names. */
  dynamic(folder: string): DynamicEntries {
    const stat = statOf(folder);
    if (stat === undefined) return NOTHING;
    const changed = `${stat.ino} ${stat.mtimeMs} ${stat.ctimeMs}`;
    const known = this.#known.get(folder);
    const now = this.#clock.now();
    if (known?.changed === changed && now < known.until) return known.entries;
    // Read a second time, it is what it is for as long as it bears this stamp.
    const isSettled = known?.changed === changed;
    const entries = read(folder);
    this.#known.delete(folder);
    if (this.#known.size < REMEMBERED) {
      this.#known.set(folder, { entries, changed, until: isSettled ? Number.POSITIVE_INFINITY : now + TRUSTED_MS });
    }
    return entries;
  }
}

function read(folder: string): DynamicEntries {
  const slots: Record<keyof DynamicEntries, Dynamic[]> = { file: [], folder: [], rest: [] };
  for (const fileName of namesIn(folder)) {
    const found = dynamicName(fileName);
    if (found === undefined) continue;
    const path = join(folder, fileName);
    const stat = statOf(path);
    const entry = { name: found.name, path };
    if (stat?.isDirectory() === true && found.kind === "param" && !isHandlerName(fileName)) slots.folder.push(entry);
    if (stat?.isFile() === true && isHandlerName(fileName)) slots[found.kind === "rest" ? "rest" : "file"].push(entry);
  }
  return { file: only(slots.file), folder: only(slots.folder), rest: only(slots.rest) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Gone meanwhile, or not to be listed by the pool's user: it has only the names that are asked for.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return [];
    throw error;
  }
}

/** Of files that differ in their extension only, the first in order, as with all handlers. */
function only(entries: readonly Dynamic[]): Dynamic | undefined {
  const [first, ...others] = entries.toSorted((a, b) => rank(a.path) - rank(b.path));
  const other = others.find(({ name }) => name !== first?.name);
  if (first === undefined || other === undefined) return first;
  throw new Fault("BOOT", `${first.path} and ${other.path} answer for the same URLs`, {
    hint: "Keep one of them; the name in brackets is only the parameter's.",
  });
}

function rank(path: string): number {
  return EXTENSIONS.findIndex((extension) => path.endsWith(extension));
}
