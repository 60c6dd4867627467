// Scripts and the modules beside them, compiled once per state of their files: the next request after a
// save runs the new one, as it would of a new process.

import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type { Loader } from "../../src/loader/hooks.ts";
import { MODULE_PARAMETERS, moduleBody } from "../../src/loader/transpile.ts";

export type Source =
  | { readonly kind: "commonjs"; readonly script: vm.Script }
  | { readonly kind: "module"; readonly script: vm.Script };

interface Known {
  readonly state: string;
  readonly source: Source;
}

const COMMONJS = "(function (exports, require, module, __filename, __dirname) { ";
const MODULE = `(async function (${MODULE_PARAMETERS.join(", ")}) { "use strict"; `;
const AFTER = "\n})";
/** What Node says of ES modules' syntax where it expects none [as Node's own --experimental-detect-module]. */
const MODULE_SYNTAX =
  /Cannot use import statement|Unexpected token 'export'|Cannot use 'import\.meta'|await is only valid in async functions/;

export class Sources {
  readonly #loader: Loader;
  readonly #known = new Map<string, Known>();

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /** Throws what the compiler says of it, or what keeps it from being read. */
  get(file: string): Source {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    const state = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    const known = this.#known.get(file);
    if (known?.state === state) return known.source;
    const source = this.#compile(file);
    this.#known.set(file, { state, source });
    return source;
  }

  #compile(file: string): Source {
    const { source, format } = this.#loader.read(file);
    // The kernel's line is no JavaScript; its place is kept for the lines after it.
    const code = source.startsWith("#!") ? `//${source}` : source;
    if (format !== "module") {
      try {
        return { kind: "commonjs", script: compileScript(COMMONJS, code, file) };
      } catch (error) {
        if (format === "commonjs" || !MODULE_SYNTAX.test(String(error))) throw error;
      }
    }
    return { kind: "module", script: compileScript(MODULE, moduleBody(code, file), file) };
  }
}

function compileScript(before: string, code: string, file: string): vm.Script {
  return new vm.Script(before + code + AFTER, {
    filename: file,
    columnOffset: -before.length,
    // `import()` in it gives what every other module of the worker gets.
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

type Importer = (specifier: string) => Promise<Readonly<Record<string, unknown>>>;

const importers = new Map<string, Importer>();

/** A function that imports as a module at `file` would, into the worker's own globals. */
export function importerAt(file: string): Importer {
  const known = importers.get(file);
  if (known !== undefined) return known;
  const script = new vm.Script("(specifier) => import(specifier)", {
    filename: pathToFileURL(file).href,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const importer = script.runInThisContext() as Importer;
  importers.set(file, importer);
  return importer;
}
