// A mistake that somebody made in the configuration: where it is, what is wrong, what to do.

import { Fault } from "../base/fault.ts";

/** Names of tables and options from the outside in; numbers count array elements from 0. */
export type KeyPath = readonly (string | number)[];

export interface Mistake {
  readonly file: string;
  /** Counted from 1; undefined where a file has no lines (made in memory, or unreadable). */
  readonly line: number | undefined;
  /** Empty for what concerns the whole file. */
  readonly path: KeyPath;
  readonly message: string;
  readonly hint?: string;
}

/** `FILE:LINE: pools.www.queue.max: message (hint)` */
export function formatMistake({ file, line, path, message, hint }: Mistake): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `${where}: ${path.length > 0 ? `${formatPath(path)}: ` : ""}${message}${hint === undefined ? "" : ` (${hint})`}`;
}

export function formatPath(path: KeyPath): string {
  return path
    .map((key, at) => {
      if (typeof key === "number") return `[${key}]`;
      const bare = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
      return at === 0 ? bare : `.${bare}`;
    })
    .join("");
}

/** All of them, file by file in the order of `files` and of the lines, as the one error that ends the command. */
export function toFault(mistakes: readonly Mistake[], files: readonly string[]): Fault {
  const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
  const inOrder = mistakes.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0),
  );
  return new Fault("CONFIG", [`the configuration has ${count}`, ...inOrder.map(formatMistake)].join("\n"));
}
