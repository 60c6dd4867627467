// A file of a page, and places in it. What is wrong with it is told as a Fault that names the place.

import { Fault } from "../base/fault.ts";

export interface SourceFile {
  /** Absolute path. */
  readonly path: string;
  /** Without a byte order mark. */
  readonly text: string;
}

/** Both count from 1; columns in UTF-16 units. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a page, and where. */
export class PageMistake extends Fault {
  readonly file: SourceFile;
  readonly place: LineColumn;
  /** Without the place. */
  readonly what: string;

  constructor(file: SourceFile, offset: number, what: string, hint?: string) {
    const place = placeOf(file, offset);
    super("BOOT", `${file.path}:${place.line}:${place.column}: ${what}`, hint === undefined ? {} : { hint });
    this.file = file;
    this.place = place;
    this.what = what;
  }
}

const STARTS = new WeakMap<SourceFile, readonly number[]>();

/** CR, LF and CRLF end a line, as editors and the transpiler count them. */
function lineStarts(file: SourceFile): readonly number[] {
  const known = STARTS.get(file);
  if (known !== undefined) return known;
  const starts = [0];
  for (const { 0: newline, index } of file.text.matchAll(/\r\n|\n|\r/g)) starts.push(index + newline.length);
  STARTS.set(file, starts);
  return starts;
}

export function placeOf(file: SourceFile, offset: number): LineColumn {
  const starts = lineStarts(file);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] as number) + 1 };
}
