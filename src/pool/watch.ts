// Watches the files that the workers loaded, and says when one changed. The only file that knows
// chokidar.

import { statSync } from "node:fs";
import { type FSWatcher, watch } from "chokidar";

/** Changes that come within this time of each other are one change: an editor writes several files. */
const SETTLE_MS = 60;

export class Watch {
  readonly #watcher: FSWatcher;
  readonly #changed: (path: string) => void;
  /** Path → what it was when it was loaded, or when it last changed. */
  readonly #known = new Map<string, string>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` gets one of the paths that changed. */
  constructor(changed: (path: string) => void, failed: (error: unknown) => void) {
    this.#changed = changed;
    // `atomic`: an editor that writes beside and renames makes one change, not a removal. "add" comes
    // once the watch of a file is up, and counts too: it may have changed before.
    this.#watcher = watch([], { atomic: true });
    this.#watcher.on("all", (_event, path) => this.#look(path));
    this.#watcher.on("error", failed);
  }

  /** To be called when a file is loaded, before anybody can change it unseen. */
  add(path: string): void {
    // A file may be told of by a worker that drains; `add` would open the watcher again.
    if (this.#closed || this.#known.has(path)) return;
    this.#known.set(path, stateOf(path));
    this.#watcher.add(path);
  }

  async close(): Promise<void> {
    this.#closed = true;
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

function stateOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    // Removed, or out of reach: either way the workers cannot load it.
    return "gone";
  }
}
