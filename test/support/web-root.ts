// A root of empty files, and which of them a URL leads to.

import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { Params } from "../../src/fastcgi/name-values.ts";
import { Files, type FilesOptions } from "../../workers/files.ts";
import { makeTempDir } from "./temp-dir.ts";

export interface Ask extends Partial<FilesOptions> {
  readonly variables?: Readonly<Record<string, string>>;
}

type Found = ReturnType<Files["resolve"]>;

/** In a folder of its own, which is to be removed. */
export class WebRoot {
  readonly #dir = makeTempDir();
  readonly #options: Omit<FilesOptions, "root">;
  /** Around the root. */
  readonly folder: string = realpathSync(this.#dir.path);
  readonly path: string = join(this.folder, "www");

  constructor(names: readonly string[], options: Partial<FilesOptions> = {}) {
    this.#options = { mount: "", index: ["index.ts", "index.html"], serveStatic: false, ...options };
    for (const name of names) this.write(name);
  }

  /** An empty file below the root, or beside it with `../`; its path. */
  write(name: string): string {
    return this.#dir.write(join("www", name), "");
  }

  files(options: Partial<FilesOptions> = {}, clock?: Clock): Files {
    return new Files({ root: this.path, ...this.#options, ...options }, clock);
  }

  resolve(url: string, { variables = {}, ...options }: Ask = {}): Found {
    return resolveIn(this.files(options), url, variables);
  }

  /** File, SCRIPT_NAME, PATH_INFO and params; or what else it is. */
  find(url: string, ask: Ask = {}): string {
    const found = this.resolve(url, ask);
    if (found.kind === "static") return `static ${this.#nameOf(found.file)}`;
    if (found.kind !== "handler") return found.kind;
    const { file, scriptName, pathInfo, params } = found;
    const parts = [this.#nameOf(file), scriptName, pathInfo, params === undefined ? "" : JSON.stringify(params)];
    return parts.filter((part) => part !== undefined && part !== "").join(" ");
  }

  remove(): void {
    this.#dir.remove();
  }

  #nameOf(file: string): string {
    return file.slice(this.path.length + 1);
  }
}

export function resolveIn(files: Files, url: string, variables: Readonly<Record<string, string>> = {}): Found {
  return files.resolve(Params.from(Object.entries({ REQUEST_URI: url, ...variables })));
}
