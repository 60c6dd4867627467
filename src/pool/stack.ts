// A stack as text: which frames of a stopped thread are shown, and how. Pure: how a thread is stopped
// is thread-stack.ts's and process-stack.ts's, where the author's lines are is source-map.ts's.

import { fileURLToPath } from "node:url";

/** Frames that are shown, the innermost first. */
export const STACK_FRAMES_MAX = 50;

/** One call, as the running code has it. */
export interface StackFrame {
  /** "" for an anonymous function. */
  readonly functionName: string;
  readonly url: string;
  /** Both count from 0. */
  readonly line: number;
  readonly column: number;
  /** Names the script among those of its thread. */
  readonly scriptId: string;
}

/** A place in the author's file; both numbers count from 1. */
export interface SourcePlace {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Our own compiled code; below the author's frames there is nothing else but that and Node's. */
const OURS = new URL("../../", import.meta.url).href;

/** Without the frames that only lead to the author's code; all of them, where none is the author's. */
export function relevantFrames(frames: readonly StackFrame[]): readonly StackFrame[] {
  const last = frames.findLastIndex(({ url }) => url !== "" && !url.startsWith(OURS) && !url.startsWith("node:"));
  return (last < 0 ? frames : frames.slice(0, last + 1)).slice(0, STACK_FRAMES_MAX);
}

/** Lines as in an error's stack, without its message: `at name (file:line:column)`. */
export function formatStack(
  frames: readonly StackFrame[],
  placeOf: (frame: StackFrame) => SourcePlace | undefined,
): string {
  return frames
    .map((frame) => {
      const place = placeOf(frame) ?? { url: frame.url, line: frame.line + 1, column: frame.column + 1 };
      const name = frame.functionName === "" ? "<anonymous>" : frame.functionName;
      return `at ${name} (${pathOf(place.url)}:${place.line}:${place.column})`;
    })
    .join("\n");
}

function pathOf(url: string): string {
  if (!url.startsWith("file:")) return url === "" ? "<no file>" : url;
  try {
    return fileURLToPath(url);
  } catch {
    // A source map may name anything; then it is shown as it is.
    return url;
  }
}
