// Which file of `root` answers a request. A file is run only if it is a regular file inside the
// root, symlinks resolved, with a handler's extension, and if no name on the way to it is hidden.
// The URL is decoded exactly once; whatever could be read in two ways finds nothing.

import { realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { type Clock, type Instant, systemClock } from "../src/base/clock.ts";
import { filePath } from "../src/cgi/request-url.ts";
import { scriptFilename } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { decoded, decodePath, dynamicName, isFile, isHandlerName, isPrivateName, isVisible } from "./file-names.ts";
import { Folders } from "./folders.ts";
import { foldersOf, MiddlewareFiles } from "./middleware/files.ts";
import { type Answering, type Gate, none, Walk } from "./walk.ts";

export type Resolution = Found & {
  /** Files of the middleware around it, outermost first; undefined where there is none. */
  readonly middleware?: readonly string[];
};

/** What a URL is, but for who surrounds it. */
export type Found =
  | {
      readonly kind: "handler";
      readonly file: string;
      /** Decoded, like `pathInfo`; undefined where the web server's own stand. */
      readonly scriptName: string | undefined;
      readonly pathInfo: string | undefined;
      /** What the names in brackets stand for; no prototype, frozen. Undefined where there are none. */
      readonly params: Readonly<Record<string, string>> | undefined;
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
  /** An index file answers for what is not in its folder, too, as PATH_INFO. Default false. */
  readonly indexTakesPath?: boolean;
  /** Whether a file answers by being run. Default: by its extension. */
  readonly isHandler?: ((path: string) => boolean) | undefined;
  /** Told of paths where a file would change what is served. */
  readonly looked?: ((path: string) => void) | undefined;
}

const DISAGREEMENT = "the web server reads the URL's path differently";

/** The web server has its own SCRIPT_NAME and PATH_INFO. */
const AS_MAPPED: Answering = { scriptName: undefined, pathInfo: undefined, params: undefined };

/** How long a found file is taken to be still there; within it a request costs no system call. */
const TRUSTED_MS = 1000;
/** Distinct paths that are remembered; PATH_INFO makes their number the client's choice. */
const REMEMBERED = 1024;

export class Files {
  readonly #options: FilesOptions;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #folders: Folders;
  readonly #middleware: MiddlewareFiles;
  readonly #isHandler: (path: string) => boolean;
  readonly #gate: Gate = {
    isHandler: (path) => this.#isHandler(path),
    handler: (path, found) => this.#handler(path, found),
    static: (path, name) => this.#static(path, name),
  };
  readonly #remembered = new Map<string, { readonly resolution: Resolution; readonly until: Instant }>();

  /** Throws what `realpath` throws if there is no such folder. */
  constructor(options: FilesOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#isHandler = options.isHandler ?? isHandlerName;
    this.#root = realpathSync(options.root);
    this.#clock = clock;
    this.#folders = new Folders(clock);
    this.#middleware = new MiddlewareFiles(this.#root, options.looked ?? (() => {}), clock);
  }

  /**
   * Throws Fault REQUEST for a URL or a file name that no web server sends, and Fault BOOT where two
   * files of brackets answer for the same URLs, or a middleware cannot be used.
   */
  resolve(params: Params): Resolution {
    const { pathname, isAgreed } = filePath(params);
    const mapped = mappedFile(params, pathname);
    if (!isAgreed && mapped === undefined) return this.#surrounded(none(DISAGREEMENT), [this.#root]);
    const key = mapped === undefined ? pathname : `${pathname}\0${mapped}\0${isAgreed}`;
    const now = this.#clock.now();
    const known = this.#remembered.get(key);
    if (known !== undefined && now < known.until) return known.resolution;
    const resolution =
      (mapped === undefined ? undefined : this.#fromMapping(mapped, pathname)) ??
      (isAgreed ? this.#fromUrl(pathname) : this.#surrounded(none(DISAGREEMENT), [this.#root]));
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

  /** The web server's own choice; undefined if it names no file that is there, so that the URL decides. */
  #fromMapping(mapped: string, pathname: string): Resolution | undefined {
    if (!this.#isHandler(mapped)) return undefined;
    const inRoot = this.#inRoot(mapped);
    if (inRoot === undefined) return isFile(mapped) ? none("SCRIPT_FILENAME lies outside of the root") : undefined;
    const names = inRoot.split(sep);
    const hidden = names.find((name) => !isVisible(name));
    if (hidden !== undefined) return none(`"${hidden}" is never served`);
    // What stands in brackets is the URL's to say.
    if (names.some((name) => dynamicName(name) !== undefined)) return undefined;
    const path = join(this.#root, inRoot);
    const handler = this.#handler(path);
    if (handler.kind === "none" && this.#isUrlsOwn(names, pathname)) return undefined;
    return this.#surrounded(handler, foldersOf(this.#root, path));
  }

  /** Whether these names, and perhaps PATH_INFO, are what the URL says: then mapping them has added nothing. */
  #isUrlsOwn(names: readonly string[], pathname: string): boolean {
    const { mount } = this.#options;
    const asked = pathname.startsWith(`${mount}/`) ? decodePath(pathname.slice(mount.length + 1)) : undefined;
    return asked !== undefined && names.every((name, at) => name === asked[at]);
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
    if (pathname === mount) return this.#surrounded({ kind: "folder" }, [this.#root]);
    if (!pathname.startsWith(`${mount}/`)) return none(`the URL is not under the mount "${mount}"`);
    const names = decodePath(pathname.slice(mount.length + 1));
    if (names === undefined) return this.#surrounded(none("the URL's path is ambiguous"), [this.#root]);
    const { index, indexTakesPath = false } = this.#options;
    const walk = new Walk({
      root: this.#root,
      mount,
      index,
      indexTakesPath,
      names,
      folders: this.#folders,
      gate: this.#gate,
    });
    const found = walk.find();
    return this.#surrounded(found, walk.entered);
  }

  #surrounded(found: Found, folders: readonly string[]): Resolution {
    const middleware = this.#middleware.around(folders, "file" in found ? found.file : undefined);
    return middleware.length === 0 ? found : { ...found, middleware };
  }

  #handler(path: string, found: Answering = AS_MAPPED): Found {
    const file = this.#confined(path);
    if (file === undefined || !this.#isHandler(file)) return none("it is no regular file inside of the root");
    return { kind: "handler", file, ...found };
  }

  #static(path: string, name: string): Found {
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
