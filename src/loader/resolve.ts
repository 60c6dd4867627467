// What an import may mean beyond what Node makes of it: TypeScript's `./x.js` for x.ts, imports
// without an extension, "holdfast" itself, and the transpiler's helpers. Asked only after Node's
// own resolution found nothing, so a specifier that Node understands never changes its meaning.

import { existsSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HELPER_PACKAGE } from "./transpile.ts";

/** In the order in which an import without extension looks for them. */
const EXTENSIONS = [".ts", ".tsx", ".mts", ".cts", ".jsx", ".js", ".mjs", ".cjs"];

/**
 * What the transpiler and the page compiler import on the author's behalf. Always of this installation, also
 * where the app has another: what they made and what the worker understands must be of one kind.
 */
const OWN: ReadonlyMap<string, string> = new Map([
  ["holdfast/jsx", "../app/jsx/index.js"],
  ["holdfast/page-runtime", "../pages/runtime/define.js"],
  ["holdfast/jsx-runtime", "../app/jsx/runtime.js"],
  ["holdfast/jsx-dev-runtime", "../app/jsx/dev-runtime.js"],
]);

/** What TypeScript lets an author write, and the sources it may stand for. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** This installation's own entry point; the folder above is dist/src. */
const HOLDFAST = new URL("../index.js", import.meta.url).href;
const HELPERS = ["decorate", "decorateMetadata", "decorateParam", "usingCtx"];

/** A file: URL for what does not depend on who imports it, else undefined. */
export function resolveOwn(specifier: string): string | undefined {
  const file = specifier.startsWith("holdfast/") ? OWN.get(specifier) : undefined;
  return file === undefined ? undefined : new URL(file, import.meta.url).href;
}

/** A file: URL, or undefined where the specifier means nothing to us either. */
export function resolveFallback(specifier: string, parentUrl: string | undefined): string | undefined {
  if (specifier === "holdfast") return HOLDFAST;
  if (specifier.startsWith(HELPER_PACKAGE)) return helperUrl(specifier.slice(HELPER_PACKAGE.length));
  if (!isPath(specifier) || parentUrl?.startsWith("file:") !== true) return undefined;
  const path = toPath(specifier, parentUrl);
  const found = path === undefined ? undefined : candidates(path).find(isFile);
  return found === undefined ? undefined : pathToFileURL(found).href;
}

function helperUrl(name: string): string | undefined {
  return HELPERS.includes(name) ? new URL(`./helpers/${name}.js`, import.meta.url).href : undefined;
}

function isPath(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(specifier);
}

function toPath(specifier: string, parentUrl: string): string | undefined {
  try {
    return fileURLToPath(new URL(specifier, parentUrl));
  } catch {
    // Not a path in a file: URL (%2F, a host): Node's own message says so better.
    return specifier.startsWith("file:") ? undefined : resolve(dirname(fileURLToPath(parentUrl)), specifier);
  }
}

function candidates(path: string): string[] {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  return [
    ...(SOURCES[extension] ?? []).map((source) => stem + source),
    ...EXTENSIONS.map((added) => path + added),
    ...(existsSync(path) ? EXTENSIONS.map((added) => join(path, `index${added}`)) : []),
  ];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
