// The calls that a stopped thread was in, as text, with the places that the author wrote.

import { type CallFrame, NUDGE_URL, type ScriptParsed } from "../base/inspection.ts";
import { loadSourceMap, sourcePlace } from "./source-map.ts";
import { formatStack, relevantFrames, type StackFrame } from "./stack.ts";

/** `scriptOf` is asked once for each script, by its id. Undefined where there is nothing to be shown. */
export async function describeCalls(
  calls: readonly CallFrame[],
  scriptOf: (scriptId: string) => ScriptParsed | undefined,
): Promise<string | undefined> {
  const scripts = new Map<string, ScriptParsed | undefined>();
  for (const { location } of calls) {
    if (!scripts.has(location.scriptId)) scripts.set(location.scriptId, scriptOf(location.scriptId));
  }
  const frames = calls.map((call) => frameOf(call, scripts.get(call.location.scriptId)));
  // Stopped in nothing but the code that it was given, it had nothing to do.
  const shown = relevantFrames(frames.filter(({ url }) => url !== NUDGE_URL));
  if (shown.length === 0) return undefined;
  const maps = new Map<string, Awaited<ReturnType<typeof loadSourceMap>>>();
  for (const { scriptId, url } of shown) {
    if (maps.has(scriptId)) continue;
    maps.set(scriptId, await loadSourceMap({ url, sourceMapUrl: scripts.get(scriptId)?.sourceMapURL ?? "" }));
  }
  return formatStack(shown, (frame) => {
    const map = maps.get(frame.scriptId);
    return map === undefined ? undefined : sourcePlace(map, frame.url, frame);
  });
}

function frameOf({ functionName, location }: CallFrame, script: ScriptParsed | undefined): StackFrame {
  const { scriptId, lineNumber: line, columnNumber: column = 0 } = location;
  return { functionName, url: script?.url ?? "", line, column, scriptId };
}
