// With `watch`: a file of the app that changes brings new workers, and one that does not load leaves the old ones
// serving. Pages in the author's browser hear of either, and of changed files that only browsers load.

import { type FaultData, toFaultData } from "../base/fault.ts";
import type { LiveReload } from "./live-reload.ts";
import { FolderWatch, Watch } from "./watch.ts";

export interface ReloadOnChangeOptions {
  /** Pages that wait for a change; undefined: none do. */
  readonly live: Pick<LiveReload, "reloaded" | "failed" | "assetChanged"> | undefined;
  /** Where the files are that only browsers load. */
  readonly folder: string | undefined;
  /** Swaps in new workers. Rejects when they do not boot; then the old ones serve on. */
  readonly replaceAll: () => Promise<void>;
  /** Called for each change, with the reason why it does not load, if it does not. */
  readonly settled: (path: string, fault: FaultData | undefined) => void;
  /** Changes cannot be seen. */
  readonly failed: (error: unknown) => void;
}

export class ReloadOnChange {
  readonly #options: ReloadOnChangeOptions;
  readonly #watch: Watch;
  readonly #folderWatch: FolderWatch | undefined;

  constructor(options: ReloadOnChangeOptions) {
    const { live, folder, failed } = options;
    this.#options = options;
    this.#watch = new Watch((path) => void this.#reload(path), failed);
    if (live === undefined || folder === undefined) return;
    const changed = (path: string): void => {
      if (!this.#watch.has(path)) live.assetChanged();
    };
    this.#folderWatch = new FolderWatch(folder, changed, failed);
  }

  /** A worker has loaded that file, or would if it were there. */
  loaded(path: string): void {
    this.#watch.add(path);
  }

  /** Nothing is reloaded from now on. */
  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#folderWatch?.close()]);
  }

  async #reload(path: string): Promise<void> {
    const { live, replaceAll, settled } = this.#options;
    try {
      await replaceAll();
      settled(path, undefined);
      live?.reloaded();
    } catch (error) {
      const fault = toFaultData(error, "BOOT");
      settled(path, fault);
      live?.failed(path, fault);
    }
  }
}
