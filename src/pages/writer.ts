// Generated code, and for each piece of it the place it comes from. Lines of the page itself stay at their
// numbers as long as nothing longer stands before them.

import type { Mappings, Segment } from "./mappings.ts";
import { placeOf, type SourceFile } from "./source.ts";

export class CodeWriter {
  readonly #main: SourceFile;
  readonly #sources: SourceFile[] = [];
  readonly #lines: string[] = [];
  readonly #segments: Segment[][] = [[]];
  #line = "";

  constructor(main: SourceFile) {
    this.#main = main;
  }

  get code(): string {
    return [...this.#lines, this.#line].join("\n");
  }

  get sources(): readonly SourceFile[] {
    return this.#sources;
  }

  get mappings(): Mappings {
    return this.#segments;
  }

  /** Goes down to the line of that place, if it is the page's own and not passed yet. */
  align(file: SourceFile, offset: number): void {
    if (file.path !== this.#main.path) return;
    const { line } = placeOf(file, offset);
    while (this.#lines.length + 1 < line) this.#newLine();
  }

  /** One line of ours; what fails in it failed at `offset`. */
  ours(code: string, file?: SourceFile, offset = 0): void {
    if (file !== undefined) this.#mark(file, offset, false);
    this.#line += code;
  }

  /** The author's own. */
  theirs(code: string, file: SourceFile, offset: number): void {
    const newline = /\r\n|\n|\r/g;
    let from = 0;
    for (const { 0: ending, index } of code.matchAll(newline)) {
      this.#piece(code.slice(from, index), file, offset + from);
      this.#newLine();
      from = index + ending.length;
    }
    this.#piece(code.slice(from), file, offset + from);
  }

  #piece(code: string, file: SourceFile, offset: number): void {
    this.#mark(file, offset, true);
    this.#line += code;
  }

  #newLine(): void {
    this.#lines.push(this.#line);
    this.#segments.push([]);
    this.#line = "";
  }

  #mark(file: SourceFile, offset: number, verbatim: boolean): void {
    let source = this.#sources.findIndex(({ path }) => path === file.path);
    if (source === -1) source = this.#sources.push(file) - 1;
    const { line, column } = placeOf(file, offset);
    this.#segments.at(-1)?.push([this.#line.length, source, line - 1, column - 1, verbatim]);
  }
}
