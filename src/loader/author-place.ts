// Which line of the author's a stack means: the first that is neither Node's, nor a package's, nor ours.

import { fileURLToPath } from "node:url";
import type { Place } from "../base/editor-link.ts";

/** The folder of our own compiled code. */
const OURS = fileURLToPath(new URL("../../", import.meta.url));

/** Undefined if the stack names no file outside of Node, packages and Holdfast itself. */
export function authorPlace(stack: string): Place | undefined {
  for (const row of stack.split("\n")) {
    const match = /(?:at |\()(?:async )?((?:file:\/\/)?\/[^()]*?)(?:\?[^():]*)?:(\d+):(\d+)\)?\s*$/.exec(row);
    if (match === null) continue;
    const [, where = "", line, column] = match;
    const file = where.startsWith("file:") ? pathOf(where) : where;
    if (file === undefined || file.includes("/node_modules/") || file.startsWith(OURS)) continue;
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
