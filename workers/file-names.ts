// What the names of files and folders mean: which are handlers, which are never served, and which stand
// for any name of a URL. Pure, but for the look whether a file is there.

import { type Stats, statSync } from "node:fs";

/** In the order in which a URL without extension looks for them. */
export const EXTENSIONS: readonly string[] = [".ts", ".tsx", ".tsp", ".mts", ".js", ".jsx", ".mjs"];
const HANDLER = /[^/]\.(?:ts|tsx|tsp|mts|js|jsx|mjs)$/;
/** Where the file system takes `X.TS` for `x.ts`, it is the same source. */
const SOURCE_IN_CAPITALS = /\.(?:ts|tsx|tsp|mts|js|jsx|mjs)$/i;
const DECLARATION = /\.d\.(?:ts|mts)$/;

/** `[name]` or `[...name]`; the name is one that can stand after `ctx.params.`. */
const DYNAMIC = /^\[(\.\.\.)?([A-Za-z_$][\w$]*)\]$/;

/** A name on disk that stands for one name of a URL (`param`), or for all that are left (`rest`). */
export interface DynamicName {
  readonly kind: "param" | "rest";
  /** Its key in `ctx.params`. */
  readonly name: string;
}

/** `[id].ts`, `[id]`, `[...path].ts`: what it stands for. Undefined for a name that means itself. */
export function dynamicName(fileName: string): DynamicName | undefined {
  const match = DYNAMIC.exec(isHandlerName(fileName) ? fileName.slice(0, fileName.lastIndexOf(".")) : fileName);
  if (match === null) return undefined;
  const [, dots, name = ""] = match;
  return { kind: dots === undefined ? "param" : "rest", name };
}

/** A package's files are run by import, never by URL. */
export function isVisible(name: string): boolean {
  return !name.startsWith(".") && !name.startsWith("_") && name !== "node_modules";
}

export function isHandlerName(file: string): boolean {
  return HANDLER.test(file) && !DECLARATION.test(file);
}

/** What editors, tools and packages leave in a folder, and sources that are no handlers. */
export function isPrivateName(name: string): boolean {
  return (
    /~$|^#|\.(?:bak|old|orig|save|swp|swo|tmp|map|log|lock|toml|cts|cjs|tsp|sqlite3?|db)$/i.test(name) ||
    /^(?:package|tsconfig|jsconfig|npm-shrinkwrap|deno|biome).*\.jsonc?$/i.test(name) ||
    DECLARATION.test(name) ||
    (SOURCE_IN_CAPITALS.test(name) && !isHandlerName(name))
  );
}

/** The names on a URL's path; undefined where decoding leaves a name that could be read as two, or as none. */
export function decodePath(path: string): string[] | undefined {
  const names = path.split("/").map(decoded);
  for (const [at, name] of names.entries()) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
    if (name === undefined || /[/\\\0-\x1f\x7f]/.test(name) || name === "." || name === "..") return undefined;
    if (name === "" && at < names.length - 1) return undefined;
  }
  return names as string[];
}

/** Once; undefined for a malformed escape. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape, or bytes that are no UTF-8.
    return undefined;
  }
}

/** The handler that a URL without extension means. */
export function withExtension(path: string): string | undefined {
  return EXTENSIONS.map((extension) => path + extension).find((file) => isHandlerName(file) && isFile(file));
}

export function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true;
}

export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Too long, a loop of links, no permission: no file for us.
    return undefined;
  }
}
