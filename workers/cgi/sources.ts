// Scripts and the modules beside them, compiled once per state of their files: the next request after a
// save runs the new one, as it would of a new process.

import { statSync } from "node:fs";
import { SourceMap } from "node:module";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type { Loader } from "../../src/loader/hooks.ts";
import { mapOf } from "../../src/loader/map-comment.ts";
import { MODULE_PARAMETERS, moduleBody } from "../../src/loader/transpile.ts";

export type Source =
  | { readonly kind: "commonjs"; readonly script: vm.Script }
  | { readonly kind: "module"; readonly script: vm.Script };

interface Known {
  readonly state: string;
  /** From what runs to what the author wrote, one after the other. */
  readonly maps: readonly SourceMap[];
  readonly source: Source;
}

const COMMONJS = "(function (exports, require, module, __filename, __dirname) { ";
const MODULE = `(async function (${MODULE_PARAMETERS.join(", ")}) { "use strict"; `;
const AFTER = "\n})";
/** What Node says of ES modules' syntax where it expects none [as Node's own --experimental-detect-module]. */
const MODULE_SYNTAX =
  /Cannot use import statement|Unexpected token 'export'|Cannot use 'import\.meta'|await is only valid in async functions/;

/** In a stack: `at name (/srv/x.ts:1:2)`, with or without `file://`. */
const PLACE = /(\/[^():\n]+):(\d+):(\d+)/g;

function sourceMap(json: string): SourceMap {
  return new SourceMap(JSON.parse(json) as ConstructorParameters<typeof SourceMap>[0]);
}

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
    const maps: SourceMap[] = [];
    const source = this.#compile(file, maps);
    this.#known.set(file, { state, source, maps });
    return source;
  }

  /** A stack with the author's lines: of scripts Node does not know the source maps. */
  authorsStack(stack: string): string {
    return stack.replace(PLACE, (place, file: string, line: string, column: string) => {
      const maps = this.#known.get(file)?.maps ?? [];
      let at = { line: Number(line), column: Number(column) };
      for (const map of maps) {
        const entry = map.findEntry(at.line - 1, at.column - 1);
        if (!("originalLine" in entry)) return place;
        at = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
      }
      return `${file}:${at.line}:${at.column}`;
    });
  }

  #compile(file: string, maps: SourceMap[]): Source {
    const { source, format } = this.#loader.read(file);
    // The kernel's line is no JavaScript; its place is kept for the lines after it.
    const code = source.startsWith("#!") ? `//${source}` : source;
    const map = mapOf(code);
    if (map !== undefined) maps.push(sourceMap(map));
    if (format !== "module") {
      try {
        return { kind: "commonjs", script: compileScript(COMMONJS, code, file) };
      } catch (error) {
        if (format === "commonjs" || !MODULE_SYNTAX.test(String(error))) throw error;
      }
    }
    const body = moduleBody(code, file);
    maps.unshift(sourceMap(body.map));
    return { kind: "module", script: compileScript(MODULE, body.code, file) };
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
