// A page → the text of a TypeScript module, and the map that leads each piece of it back to the page, its
// includes and its layouts. Pure: what it reads it is given. docs/decisions/0027-server-pages.md says why so.

import { analyse } from "./contexts.ts";
import { decodeMappings, encodeMappings, type Mappings, originOf } from "./mappings.ts";
import type { CodePart, DeclarationPart } from "./parts.ts";
import { type PageSettings, settingsOf } from "./settings.ts";
import type { LineColumn, SourceFile } from "./source.ts";
import { type PageFiles, type Template, templatesOf } from "./template.ts";
import { type Filling, isContinuation, type Step } from "./walk.ts";
import { CodeWriter } from "./writer.ts";

/** What a compiled page imports: src/pages/runtime, wherever it is installed. */
export const PAGE_RUNTIME = "holdfast/page-runtime";

/** Changes whenever the same page may give other code. */
export const COMPILER_VERSION = 3;

export interface CompiledPage {
  readonly code: string;
  /** Everything it was made of; the page is among them. */
  readonly sources: readonly SourceFile[];
  readonly mappings: Mappings;
}

/** Throws PageMistake, which names the place. `runtime` is what the code imports; default: PAGE_RUNTIME. */
export function compilePage(file: SourceFile, files: PageFiles, runtime = PAGE_RUNTIME): CompiledPage {
  const templates = templatesOf(file, files);
  const settings = settingsOf(templates);
  const { steps, fillings } = analyse(templates, settings.language);
  const generator = new Generator(file, templates, fillings);
  generator.module(settings, steps, runtime);
  return generator.compiled();
}

/** Where a place in the code comes from; undefined for what no page has written. Lines and columns from 1. */
export function sourceOf(page: CompiledPage, at: LineColumn): { file: SourceFile; place: LineColumn } | undefined {
  const segment = originOf(page.mappings, at.line - 1, at.column - 1);
  const file = segment === undefined ? undefined : page.sources[segment[1]];
  if (segment === undefined || file === undefined) return undefined;
  const [, , line, column] = segment;
  return { file, place: { line: line + 1, column: column + 1 } };
}

/** The mappings of what was made of the page's code, as mappings of the page itself. */
export function throughPage({ mappings }: CompiledPage, outer: string): string {
  const through = decodeMappings(outer).map((segments) =>
    segments.flatMap(([column, , line, sourceColumn]) => {
      const origin = originOf(mappings, line, sourceColumn);
      if (origin === undefined) return [];
      const [, source, toLine, toColumn] = origin;
      return [[column, source, toLine, toColumn] as const];
    }),
  );
  return encodeMappings(through);
}

class Generator {
  readonly #writer: CodeWriter;
  readonly #templates: readonly Template[];
  readonly #fillings: readonly Filling[];
  readonly #file: SourceFile;

  constructor(file: SourceFile, templates: readonly Template[], fillings: readonly Filling[]) {
    this.#file = file;
    this.#templates = templates;
    this.#fillings = fillings;
    this.#writer = new CodeWriter(file);
  }

  compiled(): CompiledPage {
    const { code, sources, mappings } = this.#writer;
    const known = sources.some(({ path }) => path === this.#file.path) ? sources : [...sources, this.#file];
    return { code, sources: known, mappings };
  }

  module({ options, session }: PageSettings, steps: readonly Step[], runtime: string): void {
    const writer = this.#writer;
    writer.ours(`import { definePage as $define, type PageArguments as $Arguments } from ${JSON.stringify(runtime)}; `);
    for (const template of this.#templates.slice(0, 1)) this.#declare(template.leading);
    // With its types written out: only then does tsc know that nothing follows `page.redirect()`.
    const names = ["$", "page", "request", "ctx"].map((name) => `${name}: $Arguments["${name}"]`);
    const signature = `async function $page(${names.join(", ")})`;
    writer.ours(`export default $define(${JSON.stringify(options)}, ${signature} { `, this.#file);
    if (session) writer.ours("const session = await page.session.open(); ", this.#file);
    writer.ours("{", this.#file);
    this.#template(0, steps);
    writer.ours("} });");
    // Imports and declarations count from the module's beginning, wherever they stand.
    for (const [index, { leading, declarations }] of this.#templates.entries()) {
      if (index > 0) this.#declare(leading);
      this.#declare(declarations);
    }
    writer.theirs("\n", this.#file, this.#file.text.length);
  }

  #declare(declarations: readonly DeclarationPart[]): void {
    for (const { file, at, code } of declarations) {
      this.#writer.align(file, at);
      this.#writer.theirs(code, file, at);
      this.#writer.ours("; ");
    }
  }

  /** Each layout has a scope of its own around that of its page's code. */
  #template(index: number, steps: readonly Step[]): void {
    const template = this.#templates[index] as Template;
    if (index === this.#templates.length - 1) {
      this.#steps(steps);
      return;
    }
    this.#steps(template.prologue.map((part) => ({ kind: "code", part })));
    const own = this.#fillings.filter(({ owner }) => owner === index).sort((a, b) => a.at - b.at);
    for (const filling of own) {
      this.#writer.ours(`; const ${nameOf(filling)} = async () => {`);
      this.#steps(filling.steps);
      this.#writer.ours("};");
    }
    this.#writer.ours(" {");
    this.#template(index + 1, steps);
    this.#writer.ours("} ");
  }

  #steps(steps: readonly Step[]): void {
    let before: CodePart | undefined;
    let written: Written[] = [];
    for (const step of steps) {
      if (isWritten(step) && (written.length === 0 || written[0]?.awaits === step.awaits)) {
        written.push(step);
        continue;
      }
      if (written.length > 0) before = undefined;
      this.#write(written);
      written = [];
      if (isWritten(step)) written.push(step);
      else if (step.kind === "code") {
        this.#code(step.part, before);
        before = step.part;
      } else {
        this.#call(step);
        before = undefined;
      }
    }
    this.#write(written);
  }

  #code(part: CodePart, before: CodePart | undefined): void {
    const { file, at, code, shape } = part;
    this.#writer.align(file, at);
    if (before !== undefined && /[\p{ID_Continue}$)\]]$/u.test(before.shape.last) && !isContinuation(shape.first)) {
      this.#writer.ours(";");
    }
    this.#writer.theirs(code, file, at);
    this.#writer.ours(" ");
  }

  #call({ part: { file, at }, filling }: Extract<Step, { kind: "call" }>): void {
    this.#writer.align(file, at);
    this.#writer.ours(`;await ${nameOf(filling)}();`, file, at);
  }

  /** All at once: should one of the values fail, no half of a tag stands in front of what catches it. */
  #write(steps: readonly Written[]): void {
    const writer = this.#writer;
    const [first] = steps;
    if (first === undefined) return;
    for (const [index, step] of steps.entries()) {
      const { file, at } = step.part;
      writer.align(file, at);
      const before = index > 0 ? "+" : first.awaits ? ";if ($.write(" : ";$.write(";
      if (step.kind !== "value") {
        writer.ours(before + quoted(step.kind === "text" ? step.part.text : step.text), file, at);
        continue;
      }
      writer.ours(`${before}${step.escapes.map((name) => `$.${name}(`).join("")}(`, file, at);
      writer.theirs(step.part.code, file, at);
      writer.ours(")".repeat(step.escapes.length + 1), file, at);
    }
    const { file, at } = first.part;
    writer.ours(first.awaits ? ")) await $.flush();" : ");", file, at);
  }
}

type Written = Extract<Step, { readonly awaits: boolean }>;

function isWritten(step: Step): step is Written {
  return "awaits" in step;
}

function nameOf({ owner, id }: Filling): string {
  return `$${owner}_${id}`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (char) => (char === "\u2028" ? "\\u2028" : "\\u2029"));
}
