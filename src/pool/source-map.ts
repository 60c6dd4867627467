// Source maps of an app's scripts, as their `sourceMappingURL` names them: inside of the script, which
// is how our own transpiler leaves them, or in a file beside it. A map that cannot be had is no error:
// then the places of the running code are shown.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";
import type { SourcePlace, StackFrame } from "./stack.ts";

/** A longer map is not read. */
export const SOURCE_MAP_BYTES_MAX = 16 * 1024 * 1024;

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
const INLINE = /^data:application\/json(?:;charset=[\w-]+)?;base64,/;

/** A script of the app, and where its map is. */
export interface MappedScript {
  readonly url: string;
  readonly sourceMapUrl: string;
}

/** Undefined where there is no map, or none that can be read. */
export async function loadSourceMap({ url, sourceMapUrl }: MappedScript): Promise<SourceMap | undefined> {
  if (sourceMapUrl === "") return undefined;
  try {
    const text = INLINE.test(sourceMapUrl)
      ? Buffer.from(sourceMapUrl.slice(sourceMapUrl.indexOf(",") + 1), "base64").toString("utf8")
      : await readMapFile(new URL(sourceMapUrl, url));
    return text === undefined
      ? undefined
      : new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    // No file, no JSON, no map: it is the app's, and may be anything.
    return undefined;
  }
}

/** Where the author wrote what runs in `frame`. */
export function sourcePlace(map: SourceMap, scriptUrl: string, frame: StackFrame): SourcePlace | undefined {
  const entry = map.findEntry(frame.line, frame.column);
  if (!("originalSource" in entry)) return undefined;
  const url = URL.canParse(entry.originalSource, scriptUrl)
    ? new URL(entry.originalSource, scriptUrl).href
    : entry.originalSource;
  return { url, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

async function readMapFile(url: URL): Promise<string | undefined> {
  if (url.protocol !== "file:") return undefined;
  // Not to wait for a writer, should it be a pipe.
  const file = await open(fileURLToPath(url), OPEN_FLAGS);
  try {
    const stats = await file.stat();
    return stats.isFile() && stats.size <= SOURCE_MAP_BYTES_MAX ? await file.readFile("utf8") : undefined;
  } finally {
    await file.close();
  }
}
