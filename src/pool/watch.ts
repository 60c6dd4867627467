// Watches the files that the workers loaded, and says when one changed; and those of a folder that only
// browsers load. The only file that knows chokidar, which is loaded with the first watch: a pool in production has none.

import { type Stats, statSync } from "node:fs";
import { basename } from "node:path";
import type { ChokidarOptions, FSWatcher } from "chokidar";
import { AwaitedFiles } from "./awaited-files.ts";

/** Changes that come within this time of each other are one change: an editor writes several files. */
const SETTLE_MS = 60;

/** chokidar's, from the moment on at which it is there. */
class Watcher {
  readonly #opened: Promise<FSWatcher | undefined>;

  constructor(
    paths: readonly string[],
    options: ChokidarOptions,
    changed: (path: string) => void,
    failed: (error: unknown) => void,
  ) {
    const opened = async (): Promise<FSWatcher> => {
      const { watch } = await import("chokidar");
      // `atomic`: an editor that writes beside and renames makes one change, not a removal.
      const watcher = watch([...paths], { ...options, atomic: true });
      watcher.on("all", (_event, path) => changed(path));
      watcher.on("error", failed);
      return watcher;
    };
    this.#opened = opened().catch((error: unknown) => {
      failed(error);
      return undefined;
    });
  }

  add(path: string): void {
    void this.#opened.then((watcher) => watcher?.add(path));
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }
}

export class Watch {
  readonly #watcher: Watcher;
  readonly #awaited: AwaitedFiles;
  readonly #changed: (path: string) => void;
  /** Path → what it was when it was loaded, or when it last changed. */
  readonly #known = new Map<string, string>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` gets one of the paths that changed. */
  constructor(changed: (path: string) => void, failed: (error: unknown) => void) {
    this.#changed = changed;
    // "add" comes once the watch of a file is up, and counts too: it may have changed before.
    this.#watcher = new Watcher([], {}, (path) => this.#look(path), failed);
    this.#awaited = new AwaitedFiles((path) => {
      this.#watcher.add(path);
      this.#look(path);
    }, failed);
  }

  /** To be called when a file is loaded, before anybody can change it unseen; or where it is not there and would count. */
  add(path: string): void {
    // A file may be told of by a worker that drains; `add` would open the watcher again.
    if (this.#closed || this.#known.has(path)) return;
    const state = stateOf(path);
    this.#known.set(path, state);
    if (state === GONE) this.#awaited.add(path);
    else this.#watcher.add(path);
  }

  /** Whether it is one of the files that the workers loaded. */
  has(path: string): boolean {
    return this.#known.has(path);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#awaited.close();
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }

  #look(path: string): void {
    if (this.#closed) return;
    const state = stateOf(path);
    if (this.#known.get(path) === state) return;
    this.#known.set(path, state);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changed(path), SETTLE_MS);
  }
}

/** What pages consist of besides handlers. Apps write images and data themselves: those are no change of theirs. */
const ASSET = /\.(?:css|html?|m?js|svg)$/i;
/** Folders in folders are looked into so far. */
const DEPTH = 8;

/** Says when a file of a folder changes, comes or goes that browsers load: a stylesheet, a script, a page. */
export class FolderWatch {
  readonly #watcher: Watcher;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` gets one of the paths that changed. */
  constructor(folder: string, changed: (path: string) => void, failed: (error: unknown) => void) {
    const ignored = (path: string, stats?: Stats): boolean =>
      path !== folder && (/^\.|^node_modules$/.test(basename(path)) || (stats?.isFile() === true && !ASSET.test(path)));
    const options = { ignored, ignoreInitial: true, followSymlinks: false, depth: DEPTH };
    const settle = (path: string): void => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => changed(path), SETTLE_MS);
    };
    this.#watcher = new Watcher([folder], options, settle, failed);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }
}

const GONE = "gone";

function stateOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    // Removed, or out of reach: either way the workers cannot load it.
    return GONE;
  }
}
