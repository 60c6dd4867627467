// The comment by which a script names its source map [ECMA-426 §11.1]: the map itself, or the path of its file.
//
// A map inside of the script is a part of it: V8 keeps it, and an inspector sends it along with each script that it
// tells of, which for a thousand modules takes longer than everything else. So what is cached has its map beside it.

import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const INLINE = "//# sourceMappingURL=data:application/json;base64,";
/** Node takes URLs of files for something that it does not know, and a path for what it is. */
const LINK = "//# sourceMappingURL=/";

/** `map` is JSON. */
export function withInlineMap(code: string, map: string): string {
  return `${code}\n${INLINE}${Buffer.from(map).toString("base64")}\n`;
}

/** The code that has its map in a file; undefined where it has none to part with. `path` is absolute. */
export function withMapFile(code: string, path: string): { readonly code: string; readonly map: string } | undefined {
  const at = lastComment(code, INLINE);
  if (at === undefined) return undefined;
  const map = decode(code.slice(at + INLINE.length));
  return { code: `${code.slice(0, at)}${LINK}${pathToFileURL(path).pathname.slice(1)}\n`, map };
}

/** The path of the file that has the code's map; undefined where none has. */
export function mapFileOf(code: string): string | undefined {
  const at = lastComment(code, LINK);
  return at === undefined ? undefined : fileURLToPath(`file://${code.slice(at + LINK.length - 1).trimEnd()}`);
}

/** The map as JSON; undefined where there is none, or its file is gone. */
export function mapOf(code: string): string | undefined {
  const inline = lastComment(code, INLINE);
  if (inline !== undefined) return decode(code.slice(inline + INLINE.length));
  const path = mapFileOf(code);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Without it places are those of the code that runs.
    return undefined;
  }
}

const decode = (base64: string): string => Buffer.from(base64.trimEnd(), "base64").toString();

/** Only the last line counts: the same words may stand anywhere in an author's text. */
function lastComment(code: string, comment: string): number | undefined {
  const at = code.lastIndexOf(`\n${comment}`) + 1;
  return at > 0 && code.indexOf("\n", at) === code.length - 1 ? at : undefined;
}
