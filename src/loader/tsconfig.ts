// The few compiler options of an author's tsconfig.json that change what the code does when it
// runs. Everything else there is for the type checker and is not our business.

import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";

export interface EmitOptions {
  readonly jsx: "automatic" | "classic";
  /** Where `jsx` and `jsxs` come from with the automatic runtime; undefined: React. Default: "holdfast". */
  readonly jsxImportSource: string | undefined;
  readonly jsxFactory: string | undefined;
  readonly jsxFragmentFactory: string | undefined;
  readonly experimentalDecorators: boolean;
  readonly emitDecoratorMetadata: boolean;
  readonly useDefineForClassFields: boolean;
  readonly verbatimModuleSyntax: boolean;
}

export const DEFAULT_EMIT: EmitOptions = {
  jsx: "automatic",
  jsxImportSource: "holdfast",
  jsxFactory: undefined,
  jsxFragmentFactory: undefined,
  experimentalDecorators: false,
  emitDecoratorMetadata: false,
  useDefineForClassFields: true,
  verbatimModuleSyntax: false,
};

/** "extends" is followed this far, so that a cycle ends. */
const EXTENDS_DEPTH = 8;

type CompilerOptions = ReadonlyMap<string, unknown>;

/** Finds and reads tsconfig.json for files in a folder; remembers what it read for as long as it lives. */
export class EmitOptionsReader {
  readonly #byFolder = new Map<string, EmitOptions>();

  /** Options of the nearest tsconfig.json at or above `folder`. One that cannot be read counts as empty. */
  forFolder(folder: string): EmitOptions {
    const known = this.#byFolder.get(folder);
    if (known !== undefined) return known;
    const options = readCompilerOptions(join(folder, "tsconfig.json"), EXTENDS_DEPTH);
    const parent = dirname(folder);
    const emit =
      options !== undefined ? toEmitOptions(options) : parent === folder ? DEFAULT_EMIT : this.forFolder(parent);
    this.#byFolder.set(folder, emit);
    return emit;
  }
}

/** Parses JSON with comments and trailing commas, as tsconfig.json is. */
export function parseJsonc(text: string): unknown {
  const withoutComments = text
    .replace(/^\ufeff/, "")
    .replace(/("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? " ");
  return JSON.parse(
    withoutComments.replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, (_, string) => string ?? ""),
  ) as unknown;
}

function readCompilerOptions(file: string, depth: number): CompilerOptions | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // Absent or not readable to the pool's user: the author's defaults are then unknown, ours apply.
    return undefined;
  }
  let config: unknown;
  try {
    config = parseJsonc(text);
  } catch {
    // The author's `tsc` reports a broken tsconfig.json; a server need not stop for it.
    return new Map();
  }
  const own = new Map(entries(field(config, "compilerOptions")));
  const bases = [field(config, "extends")].flat().filter((base) => typeof base === "string");
  const inherited = depth > 0 ? bases.map((base) => readExtended(file, base, depth - 1)) : [];
  return new Map([...inherited.flatMap((options) => [...options]), ...own]);
}

function readExtended(file: string, base: string, depth: number): CompilerOptions {
  const path =
    base.startsWith(".") || isAbsolute(base) ? resolve(dirname(file), base) : join(dirname(file), "node_modules", base);
  const candidates = [path, `${path}.json`, join(path, "tsconfig.json")];
  for (const candidate of candidates) {
    const options = readCompilerOptions(candidate, depth);
    if (options !== undefined) return options;
  }
  return new Map();
}

function toEmitOptions(options: CompilerOptions): EmitOptions {
  return {
    jsx: options.get("jsx") === "react" ? "classic" : "automatic",
    // An author who says how JSX is compiled means the rest as TypeScript does.
    jsxImportSource: text(options.get("jsxImportSource")) ?? (options.has("jsx") ? undefined : "holdfast"),
    jsxFactory: text(options.get("jsxFactory")),
    jsxFragmentFactory: text(options.get("jsxFragmentFactory")),
    experimentalDecorators: options.get("experimentalDecorators") === true,
    emitDecoratorMetadata: options.get("emitDecoratorMetadata") === true,
    useDefineForClassFields: options.get("useDefineForClassFields") !== false,
    verbatimModuleSyntax: options.get("verbatimModuleSyntax") === true,
  };
}

function field(value: unknown, name: string): unknown {
  return entries(value).find(([key]) => key === name)?.[1];
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
