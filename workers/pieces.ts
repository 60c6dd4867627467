// A body that comes in pieces, whatever makes them: one way to read and one way to give up.

import type { ReplyBody } from "./response.ts";

export interface Pieces {
  /** The next piece, or undefined at the end. Rejects with what the maker threw. */
  next(): Promise<Uint8Array | undefined>;
  /** Nobody wants the rest. Rejects with what the maker's clean-up threw. */
  cancel(reason: unknown): Promise<void>;
}

export function piecesOf(body: Exclude<ReplyBody, { kind: "none" | "whole" }>): Pieces {
  switch (body.kind) {
    case "blob":
      return fromStream(body.blob.stream() as unknown as ReadableStream<unknown>);
    case "stream":
      return fromStream(body.stream);
    case "iterable":
      return fromIterator(body.iterable[Symbol.asyncIterator]());
  }
}

function fromStream(stream: ReadableStream<unknown>): Pieces {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : toBytes(value);
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function fromIterator(iterator: AsyncIterator<unknown>): Pieces {
  return {
    async next() {
      const { done, value } = await iterator.next();
      return done === true ? undefined : toBytes(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  };
}

/** Text is taken too: a generator of strings is the natural way to write a page in parts. */
function toBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  const what = piece === null ? "null" : typeof piece;
  throw new TypeError(`a response body is made of Uint8Array or string pieces, not ${what}`);
}
