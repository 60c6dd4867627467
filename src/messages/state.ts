// What a worker asks of the state that all workers of its process share, and what it is answered: the
// payloads of the frames ASK and ANSWER (lane.ts). Bytes only: what they mean is the worker's matter.
//
//   ask    := id u32 · operation u16 · space length u16 · key length u32 · expected length i32
//             · first f64 · second f64 · space · key · expected · value
//   answer := id u32 · kind u32 · payload
//                                                                             (little endian)
//
// Every ask but UNLOCK is answered once, unless its worker is gone. A key is UTF-8, and one char per byte
// at the pool's end. An expected length of -1 means that there is to be nothing.

import type { FrameWriter } from "./batch.ts";
import { FROM_WORKER, TO_WORKER } from "./lane.ts";

export const ASKS = {
  /** → BYTES or NOTHING. */
  GET: 1,
  /** `first`: time to live, ms; Infinity: none. → DONE */
  SET: 2,
  /** → YES: it was there, or NO. */
  DELETE: 3,
  /** `first`: new time to live, ms. → YES: it is there, or NO. */
  TOUCH: 4,
  /** `first`: what to add to the number that is there; `second`: time to live of one that is made. → NUMBER */
  ADD: 5,
  /** `first`: time to live, ms. → YES: what was expected was there, and `value` took its place; or NO. */
  SWAP: 6,
  /** Deletes every key that begins so. → NUMBER of those that were there */
  CLEAR: 7,
  /** `first`: how long to wait, `second`: how long it may be held at most, ms. → GRANTED or FAULT */
  LOCK: 8,
  /** `first`: id of the ask that was granted. No answer. */
  UNLOCK: 9,
  /** → YES or NO; does not count as use. */
  HAS: 10,
} as const;

export const ANSWERS = {
  NOTHING: 0,
  BYTES: 1,
  DONE: 2,
  YES: 3,
  NO: 4,
  /** f64 */
  NUMBER: 5,
  GRANTED: 6,
  /** JSON FaultData */
  FAULT: 7,
} as const;

/** So many are on their way at one time, so that their answers are bounded, too. Locks, which may take long, do not count. */
export const ASKS_WINDOW = 64;

/** Names of spaces are ours; keys are an app's. */
export const SPACE_BYTES_MAX = 64;
export const KEY_BYTES_MAX = 4096;
/** The pool's own bound is an option; what is longer than this is not even sent. */
export const VALUE_BYTES_MAX = 64 * 1024 * 1024;

export interface Ask {
  readonly id: number;
  readonly operation: number;
  readonly space: string;
  readonly key: string;
  readonly first: number;
  readonly second: number;
  /** undefined: nothing. */
  readonly expected: Uint8Array | undefined;
  readonly value: Uint8Array;
}

const ASK_PREFIX_BYTES = 32;
const ANSWER_PREFIX_BYTES = 8;
export const NO_BYTES = new Uint8Array(0);

export function writeAsk(writer: FrameWriter, ask: Ask): void {
  const { space, key, expected, value } = ask;
  const spaceBytes = Buffer.byteLength(space);
  const keyBytes = Buffer.byteLength(key);
  const length = ASK_PREFIX_BYTES + spaceBytes + keyBytes + (expected?.length ?? 0) + value.length;
  let at = writer.open(FROM_WORKER.ASK, 0, length);
  const { buffer } = writer;
  buffer.writeUInt32LE(ask.id, at);
  buffer.writeUInt16LE(ask.operation, at + 4);
  buffer.writeUInt16LE(spaceBytes, at + 6);
  buffer.writeUInt32LE(keyBytes, at + 8);
  buffer.writeInt32LE(expected?.length ?? -1, at + 12);
  buffer.writeDoubleLE(ask.first, at + 16);
  buffer.writeDoubleLE(ask.second, at + 24);
  at += ASK_PREFIX_BYTES;
  at += buffer.write(space, at, "utf8");
  at += buffer.write(key, at, "utf8");
  if (expected !== undefined) buffer.set(expected, at);
  buffer.set(value, at + (expected?.length ?? 0));
}

/** Whether the ask whose payload begins at `at` is one of those that ASKS_WINDOW is about. */
export function countsInWindow(batch: Buffer, at: number): boolean {
  const operation = batch.readUInt16LE(at + 4);
  return operation !== ASKS.LOCK && operation !== ASKS.UNLOCK;
}

/** Its bytes are views of `payload`. */
export function readAsk(payload: Buffer): Ask {
  const keyAt = ASK_PREFIX_BYTES + payload.readUInt16LE(6);
  const expectedAt = keyAt + payload.readUInt32LE(8);
  const expectedBytes = payload.readInt32LE(12);
  const valueAt = expectedAt + Math.max(0, expectedBytes);
  return {
    id: payload.readUInt32LE(0),
    operation: payload.readUInt16LE(4),
    space: payload.toString("latin1", ASK_PREFIX_BYTES, keyAt),
    key: payload.toString("latin1", keyAt, expectedAt),
    first: payload.readDoubleLE(16),
    second: payload.readDoubleLE(24),
    expected: expectedBytes < 0 ? undefined : payload.subarray(expectedAt, valueAt),
    value: payload.subarray(valueAt),
  };
}

export interface Answer {
  readonly id: number;
  readonly kind: number;
  readonly payload: Buffer;
}

/** A string stands for the bytes of its chars. */
export function writeAnswer(writer: FrameWriter, id: number, kind: number, payload: Uint8Array | string = ""): void {
  const at = openAnswer(writer, id, kind, payload.length);
  if (typeof payload === "string") writer.buffer.write(payload, at, "latin1");
  else writer.buffer.set(payload, at);
}

export function writeNumberAnswer(writer: FrameWriter, id: number, value: number): void {
  const at = openAnswer(writer, id, ANSWERS.NUMBER, 8);
  writer.buffer.writeDoubleLE(value, at);
}

/** Its payload is a view of `bytes`. */
export function readAnswer(bytes: Buffer): Answer {
  return { id: bytes.readUInt32LE(0), kind: bytes.readUInt32LE(4), payload: bytes.subarray(ANSWER_PREFIX_BYTES) };
}

function openAnswer(writer: FrameWriter, id: number, kind: number, length: number): number {
  const at = writer.open(TO_WORKER.ANSWER, 0, ANSWER_PREFIX_BYTES + length);
  writer.buffer.writeUInt32LE(id, at);
  writer.buffer.writeUInt32LE(kind, at + 4);
  return at + ANSWER_PREFIX_BYTES;
}
