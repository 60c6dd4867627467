// Watches the files that the workers loaded, and says when one changed. The only file that knows
// chokidar.

import { type FSWatcher, watch } from "chokidar";

/** Changes that come within this time of each other are one change: an editor writes several files. */
const SETTLE_MS = 60;

export class Watch {
  readonly #watcher: FSWatcher;
  readonly #known = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** `changed` gets one of the paths that changed. */
  constructor(changed: (path: string) => void, failed: (error: unknown) => void) {
    // `atomic`: an editor that writes beside and renames makes one change, not a removal.
    this.#watcher = watch([], { ignoreInitial: true, atomic: true });
    this.#watcher.on("all", (_event, path) => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => changed(path), SETTLE_MS);
    });
    this.#watcher.on("error", failed);
  }

  add(path: string): void {
    if (this.#known.has(path)) return;
    this.#known.add(path);
    this.#watcher.add(path);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }
}
