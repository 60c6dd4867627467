// A page with what it includes and the layouts around it. Files are asked for by name; nothing is read here.

import { type CodePart, type DeclarationPart, type DirectivePart, isBlank, type Part, partsOf } from "./parts.ts";
import { PageMistake, type SourceFile } from "./source.ts";

/** Gives the files that a page names. */
export interface PageFiles {
  /** `written` as it stands in the file `from`; a string says why there is none. */
  open(from: SourceFile, written: string): SourceFile | string;
}

export interface Block {
  readonly parts: readonly Part[];
  /** Where it begins: its order among others. */
  readonly start: DirectivePart;
}

/** A page or a layout. */
export interface Template {
  readonly file: SourceFile;
  /** Before the first declaration there is nothing but blank text and directives. */
  readonly leading: readonly DeclarationPart[];
  readonly declarations: readonly DeclarationPart[];
  /** With a layout: the code at the top, which runs before the layout. */
  readonly prologue: readonly CodePart[];
  readonly body: readonly Part[];
  readonly blocks: ReadonlyMap<string, Block>;
  readonly settings: readonly DirectivePart[];
  readonly layout: DirectivePart | undefined;
}

/** Files that one page may consist of, and levels of them. */
const FILES_MAX = 256;
const DEPTH_MAX = 16;

/** The page, its layout, the layout's layout … Throws PageMistake. */
export function templatesOf(page: SourceFile, files: PageFiles): Template[] {
  const opened = new Opener(files);
  const templates: Template[] = [];
  const chain = [page];
  for (let file: SourceFile | undefined = page; file !== undefined; ) {
    const template = templateOf(file, opened);
    templates.push(template);
    const { layout } = template;
    file = layout === undefined ? undefined : opened.open(layout, chain);
    if (file !== undefined) chain.push(file);
  }
  return templates;
}

class Opener {
  readonly #files: PageFiles;
  #count = 0;

  constructor(files: PageFiles) {
    this.#files = files;
  }

  open(directive: DirectivePart, chain: readonly SourceFile[]): SourceFile {
    const { file, name } = directive;
    const written = directive.attributes.get("file");
    if (written === undefined || written.value === "") {
      throw new PageMistake(file, directive.at, `"${name}" names no file`, `Write <%@ ${name} file="_name.tsp" %>.`);
    }
    const { value, at } = written;
    const found = this.#files.open(file, value);
    if (typeof found === "string") throw new PageMistake(file, at, `"${value}" cannot be read: ${found}`);
    if (chain.some(({ path }) => path === found.path)) {
      throw new PageMistake(file, at, `"${value}" would be part of itself`);
    }
    this.#count += 1;
    if (this.#count > FILES_MAX || chain.length > DEPTH_MAX) {
      throw new PageMistake(
        file,
        at,
        `a page is made of at most ${FILES_MAX} files, ${DEPTH_MAX} inside of each other`,
      );
    }
    return found;
  }

  included(parts: readonly Part[], chain: readonly SourceFile[]): Part[] {
    return parts.flatMap((part) => {
      if (part.kind !== "directive" || part.name !== "include") return [part];
      const file = this.open(part, chain);
      return this.included(partsOf(file), [...chain, file]);
    });
  }
}

function templateOf(file: SourceFile, opener: Opener): Template {
  const sorter = new Sorter(file);
  for (const part of opener.included(partsOf(file), [file])) sorter.add(part);
  return sorter.template();
}

class Sorter {
  readonly #file: SourceFile;
  readonly #leading: DeclarationPart[] = [];
  readonly #declarations: DeclarationPart[] = [];
  readonly #settings: DirectivePart[] = [];
  readonly #blocks = new Map<string, Block>();
  readonly #body: Part[] = [];
  #layout: DirectivePart | undefined;
  #block: { readonly name: string; readonly start: DirectivePart; readonly parts: Part[] } | undefined;
  /** Something else than blank text, directives and declarations has come. */
  #begun = false;

  constructor(file: SourceFile) {
    this.#file = file;
  }

  add(part: Part): void {
    if (part.kind === "declaration") {
      (this.#begun ? this.#declarations : this.#leading).push(part);
      return;
    }
    if (part.kind === "directive" && part.name !== "slot") {
      this.#directive(part);
      return;
    }
    if (part.kind !== "text" || !isBlank(part.text)) this.#begun = true;
    (this.#block?.parts ?? this.#body).push(part);
  }

  template(): Template {
    if (this.#block !== undefined) {
      throw new PageMistake(this.#file, this.#block.start.at, "the block is not closed", "It ends with <%@ end %>.");
    }
    const [block] = this.#blocks.values();
    if (this.#layout === undefined && block !== undefined) {
      const hint =
        'Name one: <%@ layout file="_layout.tsp" %>. In a layout, <%@ slot name="…" %> is the place of a block.';
      throw new PageMistake(block.start.file, block.start.at, "a block needs a layout to stand in", hint);
    }
    const split = this.#layout === undefined ? 0 : prologueLength(this.#body);
    return {
      file: this.#file,
      leading: this.#leading,
      declarations: this.#declarations,
      prologue: this.#body.slice(0, split).filter((part) => part.kind === "code"),
      body: this.#body.slice(split),
      blocks: this.#blocks,
      settings: this.#settings,
      layout: this.#layout,
    };
  }

  #directive(part: DirectivePart): void {
    const { file, at, name } = part;
    const block = this.#block;
    if (name === "end") {
      if (block === undefined) throw new PageMistake(file, at, "there is no block to end here");
      this.#blocks.set(block.name, block);
      this.#block = undefined;
      return;
    }
    if (block !== undefined) throw new PageMistake(file, at, `"${name}" cannot stand in a block`);
    if (name === "page") this.#settings.push(part);
    else if (name === "layout") {
      if (this.#layout !== undefined) throw new PageMistake(file, at, "there is a layout already");
      this.#layout = part;
    } else this.#openBlock(part);
  }

  #openBlock(start: DirectivePart): void {
    const name = start.attributes.get("name")?.value ?? "";
    if (name === "")
      throw new PageMistake(start.file, start.at, "the block has no name", 'Write <%@ block name="…" %>.');
    if (this.#blocks.has(name)) throw new PageMistake(start.file, start.at, `there is a block "${name}" already`);
    this.#block = { name, start, parts: [] };
  }
}

/** Code before the first output, up to where no brace is open. */
function prologueLength(parts: readonly Part[]): number {
  let length = 0;
  let depth = 0;
  for (const [index, part] of parts.entries()) {
    if (part.kind === "code") {
      depth += part.shape.opens.length - part.shape.closes;
      if (depth === 0) length = index + 1;
    } else if (part.kind !== "text" || !isBlank(part.text)) break;
  }
  return length;
}
