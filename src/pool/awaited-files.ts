// Files that are not there and would count if they were. Their folders are watched, one watch each;
// chokidar loses sight of a missing file that appears while it begins to look.

import { existsSync, type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** Folders that are watched; who has more finds new files with the next change of something else. */
const FOLDERS = 1024;

export class AwaitedFiles {
  readonly #appeared: (path: string) => void;
  readonly #failed: (error: unknown) => void;
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; readonly paths: Set<string> }>();

  constructor(appeared: (path: string) => void, failed: (error: unknown) => void) {
    this.#appeared = appeared;
    this.#failed = failed;
  }

  add(path: string): void {
    const name = dirname(path);
    const known = this.#folders.get(name);
    if (known !== undefined) known.paths.add(path);
    else if (this.#folders.size < FOLDERS) this.#watch(name, path);
    // It may have come while nobody looked.
    this.#look(name);
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watch(name: string, path: string): void {
    try {
      const watcher = watch(name, () => this.#look(name));
      watcher.on("error", this.#failed);
      this.#folders.set(name, { watcher, paths: new Set([path]) });
    } catch (error) {
      this.#failed(error);
    }
  }

  #look(name: string): void {
    const folder = this.#folders.get(name);
    if (folder === undefined) return;
    for (const path of folder.paths) {
      if (!existsSync(path)) continue;
      folder.paths.delete(path);
      this.#appeared(path);
    }
    if (folder.paths.size > 0) return;
    folder.watcher.close();
    this.#folders.delete(name);
  }
}
