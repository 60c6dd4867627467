// What a script's `require` and `import` give. Files of the script's own are evaluated afresh in each
// run, as a new process would; packages, Node's modules and JSON are the worker's, loaded once and shared.

import { createRequire, isBuiltin } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type vm from "node:vm";
import { resolveFallback } from "../../src/loader/resolve.ts";
import type { ScriptRun } from "./script-run.ts";
import { importerAt, type Source, type Sources } from "./sources.ts";
import { fsOf } from "./standard-files.ts";

interface CommonJsModule {
  exports: unknown;
  readonly filename: string;
  readonly id: string;
  loaded: boolean;
  readonly children: readonly never[];
  readonly paths: readonly string[];
  require?: NodeJS.Require;
}

interface EsModule {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly evaluated: Promise<void>;
}

const SCRIPT = /\.(?:js|cjs|mjs|ts|cts|mts|jsx|tsx|cgi)$|\/[^/.]+$/;

export class Modules {
  readonly #sources: Sources;
  readonly #realm: vm.Context;
  readonly #run: ScriptRun;
  readonly #commonJs = new Map<string, CommonJsModule>();
  readonly #esModules = new Map<string, EsModule>();
  #main: CommonJsModule | undefined;

  constructor(sources: Sources, realm: vm.Context, run: ScriptRun) {
    this.#sources = sources;
    this.#realm = realm;
    this.#run = run;
  }

  /** Evaluates the script itself. */
  async main(file: string): Promise<void> {
    const source = this.#sources.get(file);
    if (source.kind === "commonjs") {
      this.#evaluate(file, source.script);
      return;
    }
    await this.#esModule(file, source.script, []).evaluated;
  }

  // ---- CommonJS ----------------------------------------------------------------------------------

  #evaluate(file: string, script: vm.Script): CommonJsModule {
    const module: CommonJsModule = { exports: {}, filename: file, id: file, loaded: false, children: [], paths: [] };
    this.#main ??= module;
    this.#commonJs.set(file, module);
    const require = this.#requireAt(file);
    module.require = require;
    const body = script.runInContext(this.#realm) as (...args: unknown[]) => unknown;
    body.call(module.exports, module.exports, require, module, file, dirname(file));
    module.loaded = true;
    return module;
  }

  #requireAt(file: string): NodeJS.Require {
    const outer = createRequire(file);
    const require = (specifier: string): unknown => {
      const own = this.#builtin(specifier);
      if (own !== undefined) return own;
      const resolved = resolveFrom(outer, specifier, file);
      const source = this.#own(resolved);
      if (source?.kind !== "commonjs") return outer(resolved);
      return (this.#commonJs.get(resolved) ?? this.#evaluate(resolved, source.script)).exports;
    };
    const resolve = Object.assign((specifier: string) => resolveFrom(outer, specifier, file), {
      paths: outer.resolve.paths,
    });
    return Object.assign(require, {
      resolve,
      main: this.#main as unknown as NodeJS.Module,
      cache: Object.create(null),
      extensions: outer.extensions,
    });
  }

  // ---- ES modules --------------------------------------------------------------------------------

  /** `parents`: files whose evaluation waits for this one; where modules import each other they get what is there. */
  #esModule(file: string, script: vm.Script, parents: readonly string[]): EsModule {
    const exports = Object.create(null) as Record<string, unknown>;
    Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
    const chain = [...parents, file];
    const link = (specifier: string): Promise<unknown> => this.#import(specifier, file, chain);
    const exportAll = (from: object): void => {
      for (const name of Object.keys(from)) {
        if (name === "default" || name in exports) continue;
        Object.defineProperty(exports, name, {
          enumerable: true,
          configurable: true,
          get: () => Reflect.get(from, name),
        });
      }
    };
    const meta = {
      url: pathToFileURL(file).href,
      filename: file,
      dirname: dirname(file),
      main: parents.length === 0,
      resolve: (specifier: string) => new URL(specifier, pathToFileURL(file)).href,
    };
    const body = script.runInContext(this.#realm) as (...args: unknown[]) => Promise<void>;
    const { promise: evaluated, resolve } = Promise.withResolvers<void>();
    // Known before it runs, because it may import who imports it.
    const module = { exports, evaluated };
    this.#esModules.set(file, module);
    resolve(body(link, link, exports, exportAll, meta));
    // Whoever imports it is told.
    evaluated.catch(() => {});
    return module;
  }

  async #import(specifier: string, file: string, chain: readonly string[]): Promise<unknown> {
    const own = this.#builtin(specifier);
    if (own !== undefined) return namespaceOf(own);
    if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) return importerAt(file)(specifier);
    const resolved = resolveFrom(createRequire(file), urlPath(specifier, file), file);
    const source = this.#own(resolved);
    if (source === undefined) return importerAt(file)(specifier);
    if (source.kind === "commonjs") {
      const { exports } = this.#commonJs.get(resolved) ?? this.#evaluate(resolved, source.script);
      return namespaceOf(exports as object);
    }
    const known = this.#esModules.get(resolved);
    if (known !== undefined && chain.includes(resolved)) return known.exports;
    const { exports, evaluated } = known ?? this.#esModule(resolved, source.script, chain);
    await evaluated;
    return exports;
  }

  // ---- both --------------------------------------------------------------------------------------

  /** Node's modules that mean the process of the run. */
  #builtin(specifier: string): object | undefined {
    switch (specifier.replace(/^node:/, "")) {
      case "process":
        return this.#run.process;
      case "console":
        return Reflect.get(this.#realm, "console") as object;
      case "fs":
        return fsOf(this.#run);
      default:
        return undefined;
    }
  }

  /** A file of the script's own; undefined for what is shared. */
  #own(resolved: string): Source | undefined {
    if (isBuiltin(resolved) || resolved.includes("/node_modules/") || !SCRIPT.test(resolved)) return undefined;
    return this.#sources.get(resolved);
  }
}

function urlPath(specifier: string, file: string): string {
  return fileURLToPath(new URL(specifier, pathToFileURL(file)));
}

/** What a CommonJS module, or one that stands for Node's, looks like to `import`. */
function namespaceOf(exports: object): object {
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) return { default: exports };
  return new Proxy(exports, { get: (target, key) => (key === "default" ? target : Reflect.get(target, key)) });
}

function resolveFrom(require: NodeJS.Require, specifier: string, file: string): string {
  try {
    return require.resolve(specifier);
  } catch (error) {
    const url = resolveFallback(specifier, pathToFileURL(file).href);
    if (url === undefined) throw error;
    return fileURLToPath(url);
  }
}
