// A file that is no handler, sent as it is [RFC 9110 §8.8, §13, §14]: validators, 304, one byte range.
// For `serve` and for web servers that cannot read the root; elsewhere Apache serves files itself.

import { type FileHandle, open } from "node:fs/promises";
import { headerValue } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { contentTypeOf } from "./mime.ts";

/** Read and sent at a time. */
const PIECE_BYTES = 64 * 1024;

export interface ByteRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/**
 * Rejects with what the file system says. `file` must have been found fit to be served. It is closed when it
 * was sent; where the Response may be dropped instead, `over` says when nobody can want it any more.
 */
export async function staticResponse(
  file: string,
  method: string,
  params: Params,
  over?: Promise<void>,
): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") {
    return new Response("Method Not Allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const handle = await open(file, "r");
  let handedOn = false;
  try {
    const { size, mtime } = await handle.stat();
    const headers = new Headers({
      "content-type": contentTypeOf(file),
      "last-modified": mtime.toUTCString(),
      etag: `"${size.toString(16)}-${Math.round(mtime.getTime() * 1000).toString(16)}"`,
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
    if (isNotModified(params, headers)) return new Response(null, { status: 304, headers });
    const range = rangeFor(params, headers, size);
    if (range === "unsatisfiable") {
      headers.set("content-range", `bytes */${size}`);
      return new Response(null, { status: 416, headers });
    }
    const { first, last } = range ?? { first: 0, last: size - 1 };
    headers.set("content-length", String(last - first + 1));
    if (range !== undefined) headers.set("content-range", `bytes ${first}-${last}/${size}`);
    const init = { status: range === undefined ? 200 : 206, headers };
    if (method === "HEAD" || last < first) return new Response(null, init);
    handedOn = true;
    // The second close does nothing; that one fails is nothing that anybody could be told.
    over?.then(() => handle.close()).catch(() => {});
    return new Response(pieces(handle, { first, last }), init);
  } finally {
    if (!handedOn) await handle.close();
  }
}

/** No generator: one that was never asked for a piece would not close its file when it is cancelled. */
function pieces(handle: FileHandle, { first, last }: ByteRange): AsyncIterable<Uint8Array> {
  let at = first;
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await handle.close(); // resolves also the second time
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    if (at > last) return end();
    const length = Math.min(PIECE_BYTES, last - at + 1);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    // Cut shorter since we looked: the reply then misses its length, and its connection is cut.
    if (bytesRead === 0) return end();
    at += bytesRead;
    return { done: false, value: buffer.subarray(0, bytesRead) };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

/** [RFC 9110 §13.2.2] If-None-Match is stronger than If-Modified-Since. */
function isNotModified(params: Params, headers: Headers): boolean {
  const tags = headerValue(params, "if-none-match");
  if (tags !== undefined) {
    const etag = headers.get("etag");
    return tags.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
  }
  const since = Date.parse(headerValue(params, "if-modified-since") ?? "");
  return Number.isFinite(since) && Date.parse(headers.get("last-modified") ?? "") <= since;
}

function rangeFor(params: Params, headers: Headers, size: number): ByteRange | "unsatisfiable" | undefined {
  const range = headerValue(params, "range");
  if (range === undefined) return undefined;
  // [RFC 9110 §13.1.5] The part is of use only to one who has the rest of this very version.
  const known = headerValue(params, "if-range");
  if (known !== undefined && known !== headers.get("etag") && known !== headers.get("last-modified")) return undefined;
  return parseRange(range, size);
}

/** One range of bytes [RFC 9110 §14.1.2]; undefined for several, and for what is none: the whole is sent. */
export function parseRange(range: string, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=[ \t]*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))[ \t]*$/i.exec(range);
  if (match === null) return undefined;
  const [, from, to, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}
