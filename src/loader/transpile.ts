// One source file → JavaScript that this Node runs, with an inline source map. The only file that
// knows the transpiler. No files are read here; types are removed and never checked.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type TransformOptions, transformSync } from "oxc-transform";
import { Fault } from "../base/fault.ts";
import { codeFrame } from "./code-frame.ts";
import type { EmitOptions } from "./tsconfig.ts";

/** Our resolve hook finds this package's helpers in src/loader/helpers. */
export const HELPER_PACKAGE = "@oxc-project/runtime/helpers/";

const TARGET = `node${process.versions.node.split(".")[0]}`;

/** Changes whenever the same source may give other code: part of the cache's key. */
export function transpilerVersion(): string {
  const manifest = createRequire(import.meta.url).resolve("oxc-transform/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `oxc-transform ${version} ${TARGET} 1`;
}

/** Throws Fault BOOT with file, line, column and the lines around it where the source is not valid. */
export function transpile(source: string, path: string, emit: EmitOptions): string {
  const result = transformSync(path, source, optionsFor(path, emit));
  const error = result.errors.find(({ severity }) => severity === "Error");
  if (error !== undefined) {
    throw syntaxFault(source, path, error.message, error.labels[0]?.start ?? 0, error.helpMessage);
  }
  if (result.map === undefined) return result.code;
  // The author's text stays in the author's file: who needs it (error pages, debuggers) reads it there.
  const { mappings, names, version } = result.map;
  const map = JSON.stringify({ version, sources: [pathToFileURL(path).href], names, mappings });
  return `${result.code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}\n`;
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

function syntaxFault(source: string, path: string, message: string, startByte: number, help: string | null): Fault {
  const before = Buffer.from(source)
    .subarray(0, startByte)
    .toString("utf8")
    .split(/\r\n|\n|\r/);
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  const at = `${path}:${line}:${column}`;
  const fault = new Fault("BOOT", `${at}: ${message}`, help === null ? {} : { hint: help });
  // The stack that matters is the author's place, not ours.
  fault.stack = `SyntaxError: ${message}\n    at ${at}\n\n${codeFrame(source, line, column)}`;
  return fault;
}
