// Files that look guarded and are not: Apache sends them itself, so no `_middleware` of their folders is asked.
// Modules are read, never run: what is said may be said once too often.

import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { PoolConfig } from "../config/schema.ts";
import { type ApacheOptions, folderOfApache } from "../deploy/apache.ts";
import { isNamedByUrls, isSentByApache } from "../deploy/apache-denial.ts";

const MIDDLEWARE = /^_middleware\.(?:[cm]?[jt]s|[jt]sx|tsp)$/;
/** Phases that refuse, and what is called like something that does; not an author. */
const GUARDS = /\b(?:access|\w*(?:auth(?!or(?!i[sz]))|guard)\w*)\b/i;
/** Names of files and folders that are looked at. */
const NAMES_MAX = 50_000;

interface Guard {
  readonly file: string;
  readonly sent: string[];
}

/** A warning for each middleware that Apache passes by. */
export function unguardedFiles(pools: readonly PoolConfig[], options: ApacheOptions = {}): string[] {
  return pools.flatMap((pool) => {
    const folder = folderOfApache(pool, options);
    if (pool.root === undefined || folder === undefined) return [];
    const guards = new Search(folder).below(pool.root);
    return guards.map((guard) => warning(pool, pool.root ?? "", guard));
  });
}

function warning({ name, mount }: PoolConfig, root: string, { file, sent }: Guard): string {
  const [first = "", ...others] = sent.map((path) => relative(root, path));
  const more = others.length === 0 ? "" : ` and ${others.length} other file${others.length === 1 ? "" : "s"}`;
  const guard = relative(root, file);
  const at = [mount, ...guard.split(sep).slice(0, -1)].join("/");
  const hint = `keep such files elsewhere, guard <Location "${at || "/"}"> in Apache as well, or have the pool send them: static = true, --layout prefix`;
  return `pool ${name}: Apache sends ${first}${more} without asking ${guard} (${hint})`;
}

class Search {
  readonly #sentFrom: string;
  readonly #guards: Guard[] = [];
  #left = NAMES_MAX;

  /** Apache sends what lies below `sentFrom`. */
  constructor(sentFrom: string) {
    this.#sentFrom = sentFrom.endsWith(sep) ? sentFrom : sentFrom + sep;
  }

  below(root: string): readonly Guard[] {
    this.#folder(root, undefined);
    return this.#guards.filter(({ sent }) => sent.length > 0);
  }

  /** What lies in several guarded folders is told of the innermost. */
  #folder(folder: string, around: Guard | undefined): void {
    const entries = entriesOf(folder);
    const found = entries.find(({ name }) => MIDDLEWARE.test(name));
    const guard =
      found !== undefined && guards(join(folder, found.name)) ? this.#add(join(folder, found.name)) : around;
    for (const entry of entries) {
      if (this.#left-- <= 0) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (isNamedByUrls(entry.name)) this.#folder(path, guard);
      } else if (guard !== undefined && path.startsWith(this.#sentFrom) && isSentByApache(entry.name)) {
        if (entry.isFile() || isLinkToFile(path)) guard.sent.push(path);
      }
    }
  }

  #add(file: string): Guard {
    const guard = { file, sent: [] };
    this.#guards.push(guard);
    return guard;
  }
}

/** Of a folder that is not there, or not on this machine, nothing is said. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch {
    return [];
  }
}

function guards(file: string): boolean {
  try {
    return GUARDS.test(readFileSync(file, "utf8"));
  } catch {
    // Who cannot read it cannot tell.
    return true;
  }
}

function isLinkToFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
