// One source file → JavaScript that this Node runs, with an inline source map. The only file that
// knows the transpiler. No files are read here; types are removed and never checked.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { TransformOptions } from "oxc-transform";
import { Fault } from "../base/fault.ts";
import { codeFrame } from "./code-frame.ts";
import { withInlineMap } from "./map-comment.ts";
import type { EmitOptions } from "./tsconfig.ts";

/** Our resolve hook finds this package's helpers in src/loader/helpers. */
export const HELPER_PACKAGE = "@oxc-project/runtime/helpers/";

const TARGET = `node${process.versions.node.split(".")[0]}`;

/** Where a source that is itself generated comes from. */
export interface Origin {
  /** URLs. */
  readonly sources: readonly string[];
  /** Mappings to the generated source → mappings to `sources`. */
  through(mappings: string): string;
  /** From a place in the generated source; undefined for what nobody has written. Counted from 1. */
  place(line: number, column: number): (FilePlace & { readonly source: string }) | undefined;
}

interface FilePlace {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

type Transpiler = typeof import("oxc-transform");
let loaded: Transpiler | undefined;

/** Loaded with the first file that no cache has. */
function transpiler(): Transpiler {
  loaded ??= createRequire(import.meta.url)("oxc-transform") as Transpiler;
  return loaded;
}

/** Changes whenever the same source may give other code: part of the cache's key. */
export function transpilerVersion(): string {
  const manifest = createRequire(import.meta.url).resolve("oxc-transform/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `oxc-transform ${version} ${TARGET} 2`;
}

/** Throws Fault BOOT with file, line, column and the lines around it where the source is not valid. */
export function transpile(source: string, path: string, emit: EmitOptions, origin?: Origin): string {
  const options = optionsFor(path, emit);
  const result = transpiler().transformSync(path, source, origin === undefined ? options : { ...options, lang: "ts" });
  const error = result.errors.find(({ severity }) => severity === "Error");
  if (error !== undefined) {
    throw syntaxFault(source, path, error.message, error.labels[0]?.start ?? 0, error.helpMessage, origin);
  }
  if (result.map === undefined) return result.code;
  // The author's text stays in the author's file: who needs it (error pages, debuggers) reads it there.
  const { mappings, names, version } = result.map;
  const map = JSON.stringify(
    origin === undefined
      ? { version, sources: [pathToFileURL(path).href], names, mappings }
      : { version, sources: origin.sources, names: [], mappings: origin.through(mappings) },
  );
  return withInlineMap(result.code, map);
}

/** The names that the body of `moduleBody` is given, in this order; all but the exports are functions, or import.meta. */
export const MODULE_PARAMETERS = [
  "__vite_ssr_import__",
  "__vite_ssr_dynamic_import__",
  "__vite_ssr_exports__",
  "__vite_ssr_exportAll__",
  "__vite_ssr_import_meta__",
] as const;

/**
 * An ES module in JavaScript → the body of an async function that does the same each time it is called.
 * Throws Fault BOOT as `transpile` does.
 */
export function moduleBody(source: string, path: string): { readonly code: string; readonly map: string } {
  const result = transpiler().moduleRunnerTransformSync(path, source, { sourcemap: true });
  const error = result.errors.find(({ severity }) => severity === "Error");
  if (error === undefined) return { code: result.code, map: JSON.stringify(result.map ?? {}) };
  throw syntaxFault(source, path, error.message, error.labels[0]?.start ?? 0, error.helpMessage, undefined);
}

function optionsFor(path: string, emit: EmitOptions): TransformOptions {
  return {
    sourcemap: true,
    target: TARGET,
    sourceType: path.endsWith(".cts") ? "commonjs" : "module",
    typescript: {
      onlyRemoveTypeImports: emit.verbatimModuleSyntax,
      removeClassFieldsWithoutInitializer: !emit.useDefineForClassFields,
    },
    assumptions: { setPublicClassFields: !emit.useDefineForClassFields },
    decorator: { legacy: emit.experimentalDecorators, emitDecoratorMetadata: emit.emitDecoratorMetadata },
    jsx: {
      runtime: emit.jsx,
      ...(emit.jsx === "automatic" && emit.jsxImportSource !== undefined ? { importSource: emit.jsxImportSource } : {}),
      ...(emit.jsx === "classic" && emit.jsxFactory !== undefined ? { pragma: emit.jsxFactory } : {}),
      ...(emit.jsx === "classic" && emit.jsxFragmentFactory !== undefined
        ? { pragmaFrag: emit.jsxFragmentFactory }
        : {}),
    },
  };
}

function syntaxFault(
  source: string,
  path: string,
  message: string,
  startByte: number,
  help: string | null,
  origin: Origin | undefined,
): Fault {
  const before = Buffer.from(source)
    .subarray(0, startByte)
    .toString("utf8")
    .split(/\r\n|\n|\r/);
  const generated = { path, source, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  const place = origin?.place(generated.line, generated.column) ?? generated;
  const at = `${place.path}:${place.line}:${place.column}`;
  const fault = new Fault("BOOT", `${at}: ${message}`, help === null ? {} : { hint: help });
  // The stack that matters is the author's place, not ours.
  fault.stack = `SyntaxError: ${message}\n    at ${at}\n\n${codeFrame(place.source, place.line, place.column)}`;
  return fault;
}
