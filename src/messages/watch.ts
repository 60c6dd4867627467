// What the pool says to the thread in a worker process that watches its main thread, and what that answers, on a
// socket of their own: the main thread may be stuck. The pool says a byte at a time; an answer is a message as on
// the lane (pipe.ts), with one frame.

import type { CallFrame, ScriptParsed } from "../base/inspection.ts";
import { BatchWriter, readBatch } from "./batch.ts";
import { MESSAGE_HEADER_BYTES, MessageReader, writeMessageHeader } from "./pipe.ts";

/** Descriptor of a child process, after those of pipe.ts. */
export const WATCH_FD = 6;

export const WATCH = {
  /** Is answered once, and the answers come in order. */
  LOOK: 1,
  /** Nobody waits for the answer any more. */
  GIVE_UP: 2,
} as const;

/** A longer answer is given without source maps, which may be part of a script; and none is read. */
const SEEN_BYTES_MAX = 8 * 1024 * 1024;
/** The kind of its frame. */
const SEEN = 1;

/** What the main thread was in. */
export interface Seen {
  /** The innermost first. */
  readonly calls: readonly CallFrame[];
  /** Those that the calls are in, by their ids. */
  readonly scripts: readonly (readonly [string, ScriptParsed])[];
}

/** The message; undefined: there was nothing to be seen. */
export function writeSeen(seen: Seen | undefined): Buffer {
  const message = messageOf(seen ?? null);
  if (seen === undefined || message.length <= SEEN_BYTES_MAX) return message;
  const scripts = seen.scripts.map(([id, { url }]) => [id, { url }] as const);
  const shorter = messageOf({ calls: seen.calls, scripts });
  return shorter.length <= SEEN_BYTES_MAX ? shorter : messageOf(null);
}

function messageOf(seen: Seen | null): Buffer {
  const writer = new BatchWriter();
  writer.json(SEEN, 0, seen);
  const message = writer.takeBehind(MESSAGE_HEADER_BYTES);
  writeMessageHeader(message, 0);
  return message;
}

/** Reads answers. Its `push` throws on what is none: the other end may be anybody's code. */
export function seenReader(received: (seen: Seen | undefined) => void): MessageReader {
  return new MessageReader((batch) => {
    readBatch(batch, (kind, _slot, start, end) => {
      if (kind === SEEN) received(readSeen(batch.toString("utf8", start, end)));
    });
  }, SEEN_BYTES_MAX);
}

function readSeen(json: string): Seen | undefined {
  const said = JSON.parse(json) as Partial<Seen> | null;
  if (said === null) return undefined;
  const { calls, scripts } = said;
  const isSeen = Array.isArray(calls) && calls.every(isCall) && Array.isArray(scripts) && scripts.every(isScript);
  if (!isSeen) throw new RangeError("calls that are none");
  return { calls, scripts };
}

function isCall({ functionName, location }: Partial<CallFrame>): boolean {
  const { scriptId, lineNumber, columnNumber = 0 } = location ?? {};
  return (
    typeof functionName === "string" &&
    typeof scriptId === "string" &&
    Number.isInteger(lineNumber) &&
    Number.isInteger(columnNumber)
  );
}

function isScript(script: unknown): boolean {
  if (!Array.isArray(script) || typeof script[0] !== "string") return false;
  const { url, sourceMapURL = "" } = (script[1] ?? {}) as Partial<ScriptParsed>;
  return typeof url === "string" && typeof sourceMapURL === "string";
}
