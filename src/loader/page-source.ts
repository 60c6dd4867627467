// A server page on disk → TypeScript, with the files it names. The compiler is loaded with the first page: a
// pool without pages does not pay for it.

import { readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { Fault } from "../base/fault.ts";
import type { CompiledPage } from "../pages/compile.ts";
import type { SourceFile } from "../pages/source.ts";
import type { PageFiles } from "../pages/template.ts";
import { codeFrame } from "./code-frame.ts";
import type { Origin } from "./transpile.ts";

/** A longer file is no page that somebody wrote. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

export interface PageReader {
  /** Pages and what they include lie below it; symbolic links count as what they lead to. */
  readonly root: string;
  /** Called with the path of each file that is read, before it is looked at. */
  read(path: string): void;
  /** What the compiled page imports; default: what the loader finds in this installation. */
  readonly runtime?: string;
}

type Compiler = typeof import("../pages/compile.ts");
let compiler: Compiler | undefined;

export function pageCompiler(): Compiler {
  compiler ??= createRequire(import.meta.url)("../pages/compile.js") as Compiler;
  return compiler;
}

/** Throws a Fault BOOT whose stack is the author's place. */
export function compilePageFile(path: string, reader: PageReader): CompiledPage {
  try {
    const files: PageFiles = {
      open(from, written) {
        const found = locate(from.path, written, reader.root);
        if (typeof found !== "string") return found.refused;
        reader.read(found);
        return readPage(found);
      },
    };
    return pageCompiler().compilePage(readPage(path), files, reader.runtime);
  } catch (error) {
    throw withFrame(error);
  }
}

/** How the transpiler's output leads back to the page. */
export function originOf(page: CompiledPage): Origin {
  const { sourceOf, throughPage } = pageCompiler();
  return {
    sources: page.sources.map(({ path }) => pathToFileURL(path).href),
    through: (mappings) => throughPage(page, mappings),
    place(line, column) {
      const found = sourceOf(page, { line, column });
      return found && { path: found.file.path, source: found.file.text, ...found.place };
    },
  };
}

function readPage(path: string): SourceFile {
  if (statSync(path).size > PAGE_BYTES_MAX) throw new Fault("BOOT", `${path} is longer than ${PAGE_BYTES_MAX} bytes`);
  return { path, text: readFileSync(path, "utf8").replace(/^\ufeff/, "") };
}

/** The file behind all links, or why there is none. */
function locate(from: string, written: string, root: string): string | { readonly refused: string } {
  if (isAbsolute(written)) return { refused: "write its path relative to this file" };
  let path: string;
  try {
    path = realpathSync(resolve(dirname(from), written));
    if (!statSync(path).isFile()) return { refused: "it is no regular file" };
  } catch (error) {
    return { refused: (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error) };
  }
  const top = realpathSync(root);
  return path.startsWith(top.endsWith(sep) ? top : top + sep) ? path : { refused: `it lies outside of ${top}` };
}

function withFrame(error: unknown): unknown {
  if (!(error instanceof Fault) || !isMistake(error)) return error;
  const { file, place, what } = error;
  const at = `${file.path}:${place.line}:${place.column}`;
  error.stack = `SyntaxError: ${what}\n    at ${at}\n\n${codeFrame(file.text, place.line, place.column)}`;
  return error;
}

type Mistake = import("../pages/source.ts").PageMistake;

function isMistake(fault: Fault): fault is Mistake {
  return "place" in fault && "file" in fault;
}
