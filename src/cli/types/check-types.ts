// `holdfast check --types`: pages become modules in a folder of their own, the project's `tsc` looks at them
// and at the handlers, and what it says is said of the page's own lines.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { Fault, messageOf } from "../../base/fault.ts";
import { compilePageFile, pageCompiler } from "../../loader/page-source.ts";
import type { CompiledPage } from "../../pages/compile.ts";
import { PageMistake } from "../../pages/source.ts";
import { findTsc, OWN, type Project, tsconfigFor } from "./project.ts";

export interface TypeReport {
  /** "path:line:column: error TS2322: …", and lines that belong to one; paths relative to the working folder. */
  readonly lines: readonly string[];
  readonly errors: number;
  readonly pages: number;
  readonly modules: number;
}

/** A run of `tsc` that takes longer is ended. */
const TSC_DEADLINE_MS = 10 * 60_000;
/** tsc says of types that tsconfig.json names only that they are missing. */
const MISSING_TYPES = /^error TS2688: /;
const MISSING_TYPES_HINT = "(`npm install` brings what package.json names)";
const DIAGNOSTIC = /^(.+?)\((\d+),(\d+)\): (error TS\d+: .*)$/;

/** Rejects with Fault USAGE where there is no TypeScript, or no folder to put the pages' modules into. */
export async function checkTypes(project: Project, signal: AbortSignal): Promise<TypeReport> {
  const tsc = findTsc(project.root);
  const folder = makeFolder(project.root);
  try {
    const compiled = new Map<string, CompiledPage>();
    const lines: string[] = [];
    for (const page of project.pages) {
      const file = join(folder, `${relative(project.root, page)}.mts`);
      try {
        const made = compilePageFile(page, { root: project.root, read() {}, runtime: OWN.runtime });
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, made.code);
        // `import page from "./page.tsp"` in a handler.
        writeFileSync(file.replace(/\.tsp\.mts$/, ".d.tsp.ts"), DECLARATION);
        compiled.set(file, made);
      } catch (error) {
        lines.push(mistakeLine(error));
      }
    }
    const files = [...project.modules, ...compiled.keys()];
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify(tsconfigFor(project, folder, files), undefined, 2));
    if (files.length > 0) lines.push(...translated(await run(tsc, config, signal), compiled));
    return {
      lines,
      errors: lines.filter((line) => !line.startsWith(" ")).length,
      pages: project.pages.length,
      modules: project.modules.length,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const DECLARATION = `import type { Handler } from "holdfast";\ndeclare const page: Handler;\nexport default page;\n`;

/** Inside of the root, so that a page finds the packages that it finds when it runs; hidden, so never served. */
function makeFolder(root: string): string {
  try {
    return mkdtempSync(join(root, ".holdfast-types-"));
  } catch (cause) {
    throw new Fault("USAGE", `nothing can be written into ${root}: ${messageOf(cause)}`, {
      hint: "check the types as a user who may write there, or in a copy",
      cause,
    });
  }
}

async function run(tsc: string, config: string, signal: AbortSignal): Promise<string> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(TSC_DEADLINE_MS)]);
  const child = spawn(process.execPath, [tsc, "-p", config, "--pretty", "false"], {
    stdio: ["ignore", "pipe", "pipe"],
    signal: ended,
    killSignal: "SIGKILL",
  });
  const closed = new Promise<void>((done, failed) => {
    child.on("error", failed);
    child.on("close", () => done());
  });
  try {
    const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    if (complaints !== "" && output === "") throw new Fault("USAGE", `tsc failed: ${complaints.trim()}`);
    return output;
  } catch (cause) {
    if (!ended.aborted) throw cause;
    throw new Fault("USAGE", "tsc was ended before it was done", { cause });
  }
}

function translated(output: string, compiled: ReadonlyMap<string, CompiledPage>): string[] {
  const lines: string[] = [];
  const seen = new Set<string>();
  let skipping = false;
  for (const line of output.split(/\r?\n/).filter((each) => each !== "")) {
    const match = DIAGNOSTIC.exec(line);
    if (match === null) {
      if (!skipping || !line.startsWith(" "))
        lines.push(MISSING_TYPES.test(line) ? `${line} ${MISSING_TYPES_HINT}` : line);
      continue;
    }
    const [, written = "", row, column, message] = match;
    const told = `${placeOf(resolve(written), Number(row), Number(column), compiled)}: ${message}`;
    // A block of a page may stand in two slots of its layout.
    skipping = seen.has(told);
    if (!skipping) lines.push(told);
    seen.add(told);
  }
  return lines;
}

function placeOf(file: string, line: number, column: number, compiled: ReadonlyMap<string, CompiledPage>): string {
  const page = compiled.get(file);
  const source = page === undefined ? undefined : pageCompiler().sourceOf(page, { line, column });
  if (source !== undefined) return `${shown(source.file.path)}:${source.place.line}:${source.place.column}`;
  return `${shown(file)}:${line}:${column}`;
}

function mistakeLine(error: unknown): string {
  if (!(error instanceof PageMistake)) throw error;
  const { line, column } = error.place;
  const hint = error.hint === undefined ? "" : ` (${error.hint})`;
  return `${shown(error.file.path)}:${line}:${column}: error: ${error.what}${hint}`;
}

function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}
