// Which line of the author's a stack means: the first that is neither Node's, nor a package's, nor ours.

import { fileURLToPath } from "node:url";
import type { Place } from "../base/editor-link.ts";

/** Where our own code is compiled to, and what it is compiled from: source maps lead there in a checkout. */
const OUR_FOLDERS = ["../../", "../../../src/", "../../../workers/"].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/** Whether a line of a stack names a file of ours. */
export function isOurs(row: string): boolean {
  return OUR_FOLDERS.some((folder) => row.includes(folder));
}

/** Undefined if the stack names no file outside of Node, packages and Holdfast itself. */
export function authorPlace(stack: string): Place | undefined {
  for (const row of stack.split("\n")) {
    const match = /(?:at |\()(?:async )?((?:file:\/\/)?\/[^()]*?)(?:\?[^():]*)?:(\d+):(\d+)\)?\s*$/.exec(row);
    if (match === null) continue;
    const [, where = "", line, column] = match;
    const file = where.startsWith("file:") ? pathOf(where) : where;
    if (file === undefined || file.includes("/node_modules/") || isOurs(file)) continue;
    return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    // A stack is text: what looks like a URL need not be one.
    return undefined;
  }
}
