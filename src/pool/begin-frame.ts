// The frame with which a worker is given an exchange: what it is, its params, and of its body what has come.

import type { Instant } from "../base/clock.ts";
import { ROLE_NUMBERS } from "../fastcgi/record.ts";
import { type FrameWriter, put } from "../messages/batch.ts";
import {
  BEGIN_FLAG_BODY_COMPLETE,
  BEGIN_FLAG_FIRM,
  BEGIN_FLAG_REHEARSAL,
  BEGIN_PREFIX_BYTES,
  TO_WORKER,
} from "../messages/lane.ts";
import type { Exchange } from "./exchange.ts";

/** `deadline` is of its handler; infinite: there is none. */
export function writeBegin(
  writer: FrameWriter,
  slot: number,
  { role, params, firm, rehearsal }: Exchange,
  { body, complete }: ReturnType<Exchange["give"]>,
  deadline: Instant,
): void {
  let length = BEGIN_PREFIX_BYTES + params.length;
  for (const piece of body) length += piece.length;
  let at = writer.open(TO_WORKER.BEGIN, slot, length);
  const { buffer } = writer;
  buffer[at] = ROLE_NUMBERS[role];
  buffer[at + 1] =
    (complete ? BEGIN_FLAG_BODY_COMPLETE : 0) | (firm ? BEGIN_FLAG_FIRM : 0) | (rehearsal ? BEGIN_FLAG_REHEARSAL : 0);
  buffer.writeDoubleLE(performance.timeOrigin + deadline, at + 4);
  buffer.writeUInt32LE(params.length, at + 12);
  at += BEGIN_PREFIX_BYTES;
  put(buffer, params, at);
  at += params.length;
  for (const piece of body) {
    put(buffer, piece, at);
    at += piece.length;
  }
}
