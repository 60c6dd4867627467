// The path of a URL, name by name from the root → what answers. In each folder a name that is on disk
// goes before `[param]`, and what nothing answers falls to the nearest `[...rest]`. What is forbidden is
// not looked for elsewhere.

import { join } from "node:path";
import { Fault } from "../src/base/fault.ts";
import { dynamicName, isFile, isVisible, statOf, withExtension } from "./file-names.ts";
import type { Found } from "./files.ts";
import type { Dynamic, Folders } from "./folders.ts";

/** What a handler is told of how it was found. */
export type Answering = Omit<Extract<Found, { kind: "handler" }>, "kind" | "file">;

/** What decides whether a file that was found may answer. */
export interface Gate {
  isHandler(path: string): boolean;
  handler(path: string, found: Answering): Found;
  static(path: string, name: string): Found;
}

export interface WalkOptions {
  /** Real path. */
  readonly root: string;
  readonly mount: string;
  /** Names that answer for a folder. */
  readonly index: readonly string[];
  /** They answer for names that are not in the folder, too. */
  readonly indexTakesPath: boolean;
  /** Decoded; the last one is "" for a folder. */
  readonly names: readonly string[];
  readonly folders: Folders;
  readonly gate: Gate;
}

export class Walk {
  readonly #options: WalkOptions;
  readonly #params: (readonly [name: string, value: string])[] = [];
  /**
   * The folders that the URL leads through, outermost first: also those that have no answer, so that a
   * `[...rest]` further out does not pass by what guards them.
   */
  readonly entered: string[];

  constructor(options: WalkOptions) {
    this.#options = options;
    this.entered = [options.root];
  }

  /** Throws Fault BOOT where the files themselves are ambiguous. */
  find(): Found {
    return this.#below(this.#options.root, 0) ?? none(`there is no ${this.#options.names.join("/") || "index file"}`);
  }

  /** Undefined where nothing answers, so that a `[...rest]` further out may. */
  #below(folder: string, at: number): Found | undefined {
    const name = this.#options.names[at] ?? "";
    if (name === "") return this.#index(folder, at) ?? this.#rest(folder, at);
    if (!isVisible(name)) return none(`"${name}" is never served`);
    const path = join(folder, name);
    // A file of brackets answers for any name, and so never for its own.
    const stat = dynamicName(name) === undefined ? statOf(path) : undefined;
    if (stat?.isDirectory() === true) return this.#folder(path, at) ?? this.#rest(folder, at);
    const file = stat?.isFile() === true ? path : dynamicName(name) === undefined ? withExtension(path) : undefined;
    if (file !== undefined) return this.#file(file, at);
    if (stat !== undefined) return none(`there is no ${this.#upTo(at)}`);
    return this.#param(folder, at) ?? this.#rest(folder, at) ?? this.#indexWithPath(folder, at);
  }

  /** A folder of that name; if it is the last, a file with an extension may go before it. */
  #folder(path: string, at: number): Found | undefined {
    const isLast = this.#isLast(at);
    const file = isLast ? withExtension(path) : undefined;
    if (file !== undefined) return this.#file(file, at);
    this.entered.push(path);
    if (!isLast) return this.#below(path, at + 1);
    return this.#answers(path) ? { kind: "folder" } : undefined;
  }

  #file(file: string, at: number): Found {
    const { names, gate } = this.#options;
    if (gate.isHandler(file)) {
      const pathInfo = this.#isLast(at) ? "" : `/${names.slice(at + 1).join("/")}`;
      return gate.handler(file, { scriptName: this.#upTo(at), pathInfo, params: this.#takenParams() });
    }
    return this.#isLast(at) ? gate.static(file, names[at] ?? "") : none(`${this.#upTo(at)} is no folder`);
  }

  #index(folder: string, at: number): Found | undefined {
    const { index, gate } = this.#options;
    for (const name of index) {
      const plain = join(folder, name);
      const file = isFile(plain) ? plain : withExtension(plain);
      if (file === undefined) continue;
      if (gate.isHandler(file)) {
        const scriptName = `${this.#upTo(at - 1)}/${file.slice(folder.length + 1)}`;
        return gate.handler(file, { scriptName, pathInfo: "", params: this.#takenParams() });
      }
      const found = gate.static(file, name);
      if (found.kind !== "none") return found;
    }
    return undefined;
  }

  #indexWithPath(folder: string, at: number): Found | undefined {
    const { index, indexTakesPath, gate, names } = this.#options;
    if (!indexTakesPath) return undefined;
    const file = index
      .map((name) => (isFile(join(folder, name)) ? join(folder, name) : withExtension(join(folder, name))))
      .find((each) => each !== undefined && this.#options.gate.isHandler(each));
    if (file === undefined) return undefined;
    const left = names.slice(at);
    const hidden = left.find((name) => !isVisible(name));
    if (hidden !== undefined) return none(`"${hidden}" is never served`);
    const pathInfo = `/${left.join("/")}`;
    return gate.handler(file, { scriptName: this.#upTo(at - 1), pathInfo, params: this.#takenParams() });
  }

  #param(folder: string, at: number): Found | undefined {
    const { folders, gate } = this.#options;
    const dynamic = folders.dynamic(folder);
    if (!this.#isLast(at)) {
      if (dynamic.folder === undefined) return undefined;
      const depth = this.entered.length;
      this.#take(dynamic.folder, this.#options.names[at] ?? "");
      this.entered.push(dynamic.folder.path);
      const found = this.#below(dynamic.folder.path, at + 1);
      if (found !== undefined) return found;
      // No name of the URL is this folder's: it is as if it had never been looked into.
      this.#params.pop();
      this.entered.length = depth;
      return undefined;
    }
    if (dynamic.file === undefined) {
      if (dynamic.folder === undefined || !this.#answers(dynamic.folder.path)) return undefined;
      this.entered.push(dynamic.folder.path);
      return { kind: "folder" };
    }
    this.#take(dynamic.file, this.#options.names[at] ?? "");
    return gate.handler(dynamic.file.path, {
      scriptName: this.#upTo(at),
      pathInfo: "",
      params: this.#takenParams(),
    });
  }

  #rest(folder: string, at: number): Found | undefined {
    const { folders, names, gate } = this.#options;
    const { rest } = folders.dynamic(folder);
    if (rest === undefined) return undefined;
    const left = names.slice(at);
    const hidden = left.find((name) => !isVisible(name));
    if (hidden !== undefined) return none(`"${hidden}" is never served`);
    const path = left.join("/");
    this.#take(rest, path);
    return gate.handler(rest.path, {
      scriptName: this.#upTo(at - 1),
      pathInfo: `/${path}`,
      params: this.#takenParams(),
    });
  }

  /** Whether the folder's own URL, with its slash, has an answer. */
  #answers(folder: string): boolean {
    const { index, folders, gate } = this.#options;
    const hasIndex = index.some((name) => {
      const plain = join(folder, name);
      const file = isFile(plain) ? plain : withExtension(plain);
      return file !== undefined && (gate.isHandler(file) || gate.static(file, name).kind !== "none");
    });
    return hasIndex || folders.dynamic(folder).rest !== undefined;
  }

  #take({ name, path }: Dynamic, value: string): void {
    if (this.#params.some(([taken]) => taken === name)) {
      throw new Fault("BOOT", `${path}: two names of its path are called "${name}"`, {
        hint: "Give each name in brackets a name of its own.",
      });
    }
    this.#params.push([name, value]);
  }

  #takenParams(): Answering["params"] {
    if (this.#params.length === 0) return undefined;
    const params = Object.create(null) as Record<string, string>;
    for (const [name, value] of this.#params) params[name] = value;
    return Object.freeze(params);
  }

  #isLast(at: number): boolean {
    return at === this.#options.names.length - 1;
  }

  /** The URL's path up to and including that name; "" or the mount before the first. */
  #upTo(at: number): string {
    return [this.#options.mount, ...this.#options.names.slice(0, at + 1)].join("/");
  }
}

export function none(reason: string): Found {
  return { kind: "none", reason };
}
