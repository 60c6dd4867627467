// The end of a process that takes another's place: receives what the other's workers shared.

import { connect } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/fault.ts";
import type { EstateAddress } from "../../messages/lifecycle.ts";
import { type Heirloom, RECORD_COMPLETE, RecordReader } from "./estate.ts";

/** A process serves at the latest so long after it was told to, with what has come by then; the rest comes meanwhile. */
export const INHERIT_MS = 2000;

export interface InheritanceOptions {
  readonly clock: Clock;
  /** Takes an entry, or the news that one is gone. Its value is only lent. */
  readonly take: (heirloom: Heirloom) => void;
  /** Called once: everything came, or what kept the rest from coming. */
  readonly settled: (entries: number, trouble: string | undefined) => void;
  /** Called once: nothing comes any more. */
  readonly ended: () => void;
}

export interface Inheritance {
  /** Resolves when everything came, or cannot come, or after INHERIT_MS. Never rejects. */
  readonly ready: Promise<void>;
  close(): void;
}

export function inherit(
  { path, key }: EstateAddress,
  { clock, take, settled, ended }: InheritanceOptions,
): Inheritance {
  const ready = Promise.withResolvers<void>();
  const cancel = clock.at(clock.now() + INHERIT_MS, ready.resolve);
  let entries = 0;
  let isSettled = false;
  const settle = (trouble?: string): void => {
    if (isSettled) return;
    isSettled = true;
    cancel();
    settled(entries, trouble);
    ready.resolve();
  };
  const reader = new RecordReader((record) => {
    if (record.kind === RECORD_COMPLETE) {
      settle();
      return;
    }
    if (!isSettled) entries++;
    take(record);
  });
  const socket = connect(path);
  socket.unref();
  socket.on("connect", () => socket.write(key));
  socket.on("data", (piece: Buffer) => {
    try {
      reader.push(piece);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  socket.on("error", (error) => settle(messageOf(error)));
  socket.on("close", () => {
    settle("the process before has gone");
    ended();
  });
  return { ready: ready.promise, close: () => socket.destroy() };
}
