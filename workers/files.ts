// Which file of `root` answers a request. A file is run only if it is a regular file inside the
// root, symlinks resolved, with a handler's extension, and if no name on the way to it is hidden.
// The URL is decoded exactly once; whatever could be read in two ways finds nothing.

import { realpathSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { type Clock, type Instant, systemClock } from "../src/base/clock.ts";
import { filePath } from "../src/cgi/request-url.ts";
import { scriptFilename } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";

export type Resolution =
  /** `scriptName` and `pathInfo` are decoded; undefined where the web server's own stand. */
  | {
      readonly kind: "handler";
      readonly file: string;
      readonly scriptName: string | undefined;
      readonly pathInfo: string | undefined;
    }
  | { readonly kind: "static"; readonly file: string }
  /** A folder that was asked for without its closing slash. */
  | { readonly kind: "folder" }
  | { readonly kind: "none"; readonly reason: string };

export interface FilesOptions {
  /** As configured: what the web server's own paths begin with. */
  readonly root: string;
  /** Prefix of the URL, "" or "/name". */
  readonly mount: string;
  /** Names that answer for a folder, with extension or without. */
  readonly index: readonly string[];
  readonly serveStatic: boolean;
}

/** In the order in which a URL without extension looks for them. */
const EXTENSIONS = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"];
const HANDLER = /[^/]\.(?:ts|tsx|mts|js|jsx|mjs)$/;
const DECLARATION = /\.d\.(?:ts|mts)$/;

const DISAGREEMENT = "the web server reads the URL's path differently";

/** How long a found file is taken to be still there; within it a request costs no system call. */
const TRUSTED_MS = 1000;
/** Distinct paths that are remembered; PATH_INFO makes their number the client's choice. */
const REMEMBERED = 1024;

export class Files {
  readonly #options: FilesOptions;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, { readonly resolution: Resolution; readonly until: Instant }>();

  /** Throws what `realpath` throws if there is no such folder. */
  constructor(options: FilesOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#root = realpathSync(options.root);
    this.#clock = clock;
  }

  /** Throws Fault REQUEST for a URL or a file name that no web server sends. */
  resolve(params: Params): Resolution {
    const { pathname, isAgreed } = filePath(params);
    const mapped = mappedFile(params, pathname);
    if (!isAgreed && mapped === undefined) return none(DISAGREEMENT);
    const key = mapped === undefined ? pathname : `${pathname}\0${mapped}\0${isAgreed}`;
    const now = this.#clock.now();
    const known = this.#remembered.get(key);
    if (known !== undefined && now < known.until) return known.resolution;
    const resolution =
      (mapped === undefined ? undefined : this.#fromMapping(mapped)) ??
      (isAgreed ? this.#fromUrl(pathname) : none(DISAGREEMENT));
    this.#remembered.delete(key);
    // What was not found is not remembered: junk must not push out what is served.
    if (resolution.kind === "none") return resolution;
    if (this.#remembered.size >= REMEMBERED) this.#forgetOldest();
    this.#remembered.set(key, { resolution, until: now + TRUSTED_MS });
    return resolution;
  }

  #forgetOldest(): void {
    const oldest = this.#remembered.keys().next();
    if (oldest.done !== true) this.#remembered.delete(oldest.value);
  }

  /** The web server's own choice; undefined if it names no handler, so that the URL decides. */
  #fromMapping(mapped: string): Resolution | undefined {
    if (!isHandlerName(mapped)) return undefined;
    const inRoot = this.#inRoot(mapped);
    if (inRoot === undefined) return isFile(mapped) ? none("SCRIPT_FILENAME lies outside of the root") : undefined;
    const hidden = inRoot.split(sep).find((name) => !isVisible(name));
    if (hidden !== undefined) return none(`"${hidden}" is never served`);
    return this.#handler(join(this.#root, inRoot), undefined, undefined);
  }

  /** Relative to the root, whether the web server wrote the root as configured or resolved. */
  #inRoot(path: string): string | undefined {
    for (const root of [this.#options.root, this.#root]) {
      const inside = relative(root, path);
      if (inside !== "" && !inside.startsWith("..") && !isAbsolute(inside)) return inside;
    }
    return undefined;
  }

  #fromUrl(pathname: string): Resolution {
    const { mount } = this.#options;
    if (pathname === mount) return { kind: "folder" };
    if (!pathname.startsWith(`${mount}/`)) return none(`the URL is not under the mount "${mount}"`);
    const names = decodePath(pathname.slice(mount.length + 1));
    if (names === undefined) return none("the URL's path is ambiguous");
    let folder = this.#root;
    for (const [at, name] of names.entries()) {
      const last = at === names.length - 1;
      if (name === "") return this.#index(folder, names.slice(0, at));
      if (!isVisible(name)) return none(`"${name}" is never served`);
      const path = join(folder, name);
      const stat = statOf(path);
      if (stat?.isDirectory() === true && !last) {
        folder = path;
        continue;
      }
      const file = stat?.isFile() === true ? path : withExtension(path);
      if (file !== undefined && isHandlerName(file)) {
        const scriptName = `${mount}/${names.slice(0, at + 1).join("/")}`;
        return this.#handler(file, scriptName, last ? "" : `/${names.slice(at + 1).join("/")}`);
      }
      if (file !== undefined && last) return this.#static(file, name);
      if (stat?.isDirectory() === true && this.#index(path, []).kind !== "none") return { kind: "folder" };
      return none(`there is no ${names.slice(0, at + 1).join("/")}`);
    }
    return none("there is no such file");
  }

  #index(folder: string, names: readonly string[]): Resolution {
    for (const name of this.#options.index) {
      const file = [join(folder, name), withExtension(join(folder, name))].find(
        (candidate) => candidate !== undefined && isFile(candidate),
      );
      if (file === undefined) continue;
      if (!isHandlerName(file)) {
        const found = this.#static(file, name);
        if (found.kind === "none") continue;
        return found;
      }
      const scriptName = [this.#options.mount, ...names, file.slice(folder.length + 1)].join("/");
      return this.#handler(file, scriptName, "");
    }
    return none(`the folder has none of ${this.#options.index.join(", ")}`);
  }

  #handler(path: string, scriptName: string | undefined, pathInfo: string | undefined): Resolution {
    const file = this.#confined(path);
    if (file === undefined || !isHandlerName(file)) return none("it is no regular file inside of the root");
    return { kind: "handler", file, scriptName, pathInfo };
  }

  #static(path: string, name: string): Resolution {
    if (!this.#options.serveStatic) return none("files other than handlers are not served by this pool");
    const file = isPrivateName(name) ? undefined : this.#confined(path);
    return file === undefined ? none("it is no regular file inside of the root") : { kind: "static", file };
  }

  /** The file behind all symlinks, if it is a regular one inside of the root. */
  #confined(path: string): string | undefined {
    try {
      const file = realpathSync(path);
      return file.startsWith(this.#root === sep ? sep : this.#root + sep) && isFile(file) ? file : undefined;
    } catch {
      // Gone, or not to be reached by the pool's user: as if it were not there.
      return undefined;
    }
  }
}

/**
 * SCRIPT_FILENAME where the web server has mapped the URL to a file. With ProxyPass it is only the
 * URL's path over again, and then `/srv/www/x.ts` in a URL must not mean the file of that name: it
 * would pass by the rules that the web server has for `/x.ts`.
 */
function mappedFile(params: Params, pathname: string): string | undefined {
  const file = scriptFilename(params);
  if (file === undefined || !isAbsolute(file) || file.split("/").includes("..")) return undefined;
  const script = (params.getUtf8("SCRIPT_NAME") ?? "") + (params.getUtf8("PATH_INFO") ?? "");
  const isPath = [pathname, decoded(pathname), script].some(
    (path) => path !== undefined && (path.endsWith(file) || path.endsWith(decoded(file) ?? file)),
  );
  return isPath ? undefined : file;
}

/** The names on a URL's path; undefined where decoding leaves a name that could be read as two, or as none. */
function decodePath(path: string): string[] | undefined {
  const names = path.split("/").map(decoded);
  for (const [at, name] of names.entries()) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
    if (name === undefined || /[/\\\0-\x1f\x7f]/.test(name) || name === "." || name === "..") return undefined;
    if (name === "" && at < names.length - 1) return undefined;
  }
  return names as string[];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape, or bytes that are no UTF-8.
    return undefined;
  }
}

/** A package's files are run by import, never by URL. */
function isVisible(name: string): boolean {
  return !name.startsWith(".") && !name.startsWith("_") && name !== "node_modules";
}

function isHandlerName(file: string): boolean {
  return HANDLER.test(file) && !DECLARATION.test(file);
}

/** What editors, tools and packages leave in a folder, and sources that are no handlers. */
function isPrivateName(name: string): boolean {
  return (
    /~$|^#|\.(?:bak|old|orig|save|swp|swo|tmp|map|log|lock|toml|cts|cjs|tsp|sqlite3?|db)$/i.test(name) ||
    /^(?:package|tsconfig|jsconfig|npm-shrinkwrap|deno|biome).*\.jsonc?$/i.test(name) ||
    DECLARATION.test(name)
  );
}

function withExtension(path: string): string | undefined {
  return EXTENSIONS.map((extension) => path + extension).find((file) => isHandlerName(file) && isFile(file));
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Too long, a loop of links, no permission: no file for us.
    return undefined;
  }
}

function none(reason: string): Resolution {
  return { kind: "none", reason };
}
