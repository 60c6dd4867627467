// Makes this thread's `import` and `require` understand an author's TypeScript and JSX, and tells
// which files an app consists of. Works inside one worker: hooks are per thread and are never taken
// out again, because modules are never unloaded.

import { existsSync, readFileSync } from "node:fs";
import { type ResolveFnOutput, registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { CodeCache } from "./cache.ts";
import { compilePageFile, originOf, pageCompiler } from "./page-source.ts";
import { resolveFallback, resolveOwn } from "./resolve.ts";
import { transpile, transpilerVersion } from "./transpile.ts";
import { type EmitOptions, EmitOptionsReader } from "./tsconfig.ts";

export interface LoaderOptions {
  readonly cache: CodeCache;
  /** Called with the path of each file of the app that is read, before it is transpiled or run. */
  loaded(path: string): void;
  /** Folder that a server page's includes and layouts must lie in; default: that of the page. */
  readonly root?: string | undefined;
}

export interface Loader {
  /** The module's exports. Rejects with what its evaluation threw, or with a Fault where it is not valid. */
  import(file: string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * What a file holds, as JavaScript, and what it is: undefined where only its syntax tells. Throws a Fault where
   * it is not valid. For who evaluates it otherwise than by `import`.
   */
  read(file: string): { readonly source: string; readonly format: "module" | "commonjs" | undefined };
  /** The next import of any of these files reads it again, although this thread has loaded it before. */
  forget(files: Iterable<string>): void;
}

const TRANSPILED = /\.(?:ts|tsx|mts|cts|jsx|tsp)$/;
/** Everything under the folder that holds our own compiled code is ours, not the app's. */
const OURS = new URL("../../", import.meta.url).href;
const AGAIN = "holdfast-again";

/** To be called once per thread. Stack traces name the author's lines from then on. */
export function installLoader({ cache, loaded, root }: LoaderOptions): Loader {
  const emitOptions = new EmitOptionsReader();
  const version = transpilerVersion();
  /** How often a file was forgotten. It becomes part of its URL: ES modules are known by URL for ever. */
  const again = new Map<string, number>();

  const compile = (path: string): string => {
    const emit = emitOptions.forFolder(dirname(path));
    if (path.endsWith(".tsp")) return compilePage(path, emit);
    const source = readFileSync(path, "utf8");
    return cache.get([version, JSON.stringify(emit), path, source], () => transpile(source, path, emit));
  };

  const compilePage = (path: string, emit: EmitOptions): string => {
    const page = compilePageFile(path, { root: root ?? dirname(path), read: loaded });
    const { COMPILER_VERSION } = pageCompiler();
    const made = JSON.stringify([COMPILER_VERSION, page.sources.map((source) => source.path), page.mappings]);
    return cache.get([version, JSON.stringify(emit), path, page.code, made], () =>
      transpile(page.code, path, emit, originOf(page)),
    );
  };

  registerHooks({
    resolve(specifier, context, nextResolve) {
      const own = resolveOwn(specifier);
      if (own !== undefined) return { url: own, format: "module", shortCircuit: true };
      return mark(
        resolveOr(specifier, context.parentURL, () => nextResolve(specifier, context)),
        again,
      );
    },
    load(url, context, nextLoad) {
      const path = pathOf(url);
      if (path === undefined || url.startsWith(OURS)) return nextLoad(url, context);
      if (!path.includes("/node_modules/")) loaded(path);
      if (!TRANSPILED.test(path)) return nextLoad(url, context);
      return { format: path.endsWith(".cts") ? "commonjs" : "module", source: compile(path), shortCircuit: true };
    },
  });
  process.setSourceMapsEnabled(true);

  return {
    import: (file) => import(pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>,
    read(file) {
      loaded(file);
      if (!TRANSPILED.test(file)) return { source: readFileSync(file, "utf8"), format: formatOf(file) };
      return { source: compile(file), format: file.endsWith(".cts") ? "commonjs" : "module" };
    },
    forget(files) {
      for (const file of files) again.set(file, (again.get(file) ?? 0) + 1);
    },
  };
}

/** By its extension, or by the `type` of its package [Node's determination of module systems]. */
function formatOf(file: string): "module" | "commonjs" | undefined {
  if (file.endsWith(".mjs")) return "module";
  if (file.endsWith(".cjs")) return "commonjs";
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { type } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly type?: unknown };
      return type === "module" || type === "commonjs" ? type : undefined;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

const NOT_FOUND = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_UNSUPPORTED_DIR_IMPORT"]);

function resolveOr(specifier: string, parentUrl: string | undefined, next: () => ResolveFnOutput): ResolveFnOutput {
  try {
    return next();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && NOT_FOUND.has(String(error.code)))) throw error;
    const url = resolveFallback(specifier, parentUrl);
    if (url === undefined) throw error;
    return { url, shortCircuit: true };
  }
}

function mark(resolved: ResolveFnOutput, again: ReadonlyMap<string, number>): ResolveFnOutput {
  if (again.size === 0) return resolved;
  const times = again.get(pathOf(resolved.url) ?? "");
  if (times === undefined) return resolved;
  const url = new URL(resolved.url);
  url.searchParams.set(AGAIN, String(times));
  return { ...resolved, url: url.href };
}

function pathOf(url: string): string | undefined {
  return url.startsWith("file:") ? fileURLToPath(url) : undefined;
}
