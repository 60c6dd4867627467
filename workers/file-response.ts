// An open file → a Response: validators, conditions, ranges, pieces as the web server takes them. For
// files of `root` (static.ts) and for what a handler sends (send-file.ts).

import { randomBytes } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { type ByteRange, contentRange, multipartRanges, parseRanges } from "../src/base/byte-ranges.ts";
import { isRangeWanted, judgePreconditions, keptBy304 } from "../src/base/preconditions.ts";
import { headerValue } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { LightResponse } from "./response.ts";

/** Read and sent at a time. */
const PIECE_BYTES = 64 * 1024;
/** Nothing in a file can be mistaken for it. */
const BOUNDARY_BYTES = 18;

export interface FileReply {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
  readonly type: string;
  /** Of the request. Conditions and ranges count with GET and HEAD only. */
  readonly method: string;
  readonly params: Params;
  /** More, which win over those that are made here. */
  readonly headers?: Headers;
  /** What the web server may be told to send instead of a whole body: a path, one char per byte. */
  readonly sendfile?: string | undefined;
  /** Resolves when nobody can want the file any more; absent: the Response is surely sent. */
  readonly over?: Promise<void> | undefined;
}

/** Closes the file: now, when it was sent, or when the reply is over. */
export async function fileResponse(reply: FileReply): Promise<Response> {
  const { handle, over } = reply;
  const plan = planOf(reply);
  if (plan.pieces === undefined) {
    await handle.close();
    return new Response(null, plan);
  }
  // The second close does nothing; that one fails is nothing that anybody could be told.
  over?.then(() => handle.close()).catch(() => {});
  const response = new Response(read(handle, plan.pieces), plan);
  if (plan.status === 200 && reply.sendfile !== undefined && LightResponse.is(response)) {
    LightResponse.sentByWebServer(response, reply.sendfile);
  }
  return response;
}

interface Plan {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined: no body. */
  readonly pieces?: readonly (string | ByteRange)[];
}

function planOf({ stats, type, method, params, headers: own }: FileReply): Plan {
  const { mtime, mtimeNs } = stats;
  const size = Number(stats.size);
  const headers = new Headers({
    "content-type": type,
    "last-modified": mtime.toUTCString(),
    // As Apache's own (FileETag MTime Size), so that it does not matter who sends the file.
    etag: `"${size.toString(16)}-${(mtimeNs / 1000n).toString(16)}"`,
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  });
  own?.forEach((value, name) => {
    headers.set(name, value);
  });
  const isRead = method === "GET" || method === "HEAD";
  const early = isRead ? judged(params, headers) : undefined;
  if (early !== undefined) return early;
  const ranges = isRead && size > 0 ? wantedRanges(params, headers, size) : undefined;
  if (ranges === "unsatisfiable") {
    headers.set("content-range", `bytes */${size}`);
    return { status: 416, headers };
  }
  const body = bodyOf(headers, ranges, size);
  return method === "HEAD" || size === 0 ? { status: body.status, headers } : { ...body, headers };
}

function bodyOf(headers: Headers, ranges: readonly ByteRange[] | undefined, size: number): Omit<Plan, "headers"> {
  const [only, ...more] = ranges ?? [];
  if (only === undefined) {
    headers.set("content-length", String(size));
    return { status: 200, pieces: [{ first: 0, last: size - 1 }] };
  }
  if (more.length === 0) {
    headers.set("content-length", String(only.last - only.first + 1));
    headers.set("content-range", contentRange(only, size));
    return { status: 206, pieces: [only] };
  }
  const type = headers.get("content-type") ?? "application/octet-stream";
  const boundary = randomBytes(BOUNDARY_BYTES).toString("hex");
  const multipart = multipartRanges([only, ...more], { size, type, boundary });
  headers.set("content-type", multipart.contentType);
  headers.set("content-length", String(multipart.length));
  return { status: 206, pieces: multipart.pieces };
}

/** 304 or 412; undefined: go on. */
function judged(params: Params, headers: Headers): Plan | undefined {
  const conditions = {
    ifMatch: headerValue(params, "if-match"),
    ifUnmodifiedSince: headerValue(params, "if-unmodified-since"),
    ifNoneMatch: headerValue(params, "if-none-match"),
    ifModifiedSince: headerValue(params, "if-modified-since"),
  };
  const verdict = judgePreconditions(conditions, validatorsOf(headers));
  if (verdict === "proceed") return undefined;
  // [RFC 9110 §15.4.5] What describes a body goes with it.
  for (const name of [...headers.keys()]) if (!keptBy304(name)) headers.delete(name);
  return { status: verdict === "failed" ? 412 : 304, headers };
}

function wantedRanges(params: Params, headers: Headers, size: number): ReturnType<typeof parseRanges> {
  const range = headerValue(params, "range");
  if (range === undefined || !isRangeWanted(headerValue(params, "if-range"), validatorsOf(headers))) return undefined;
  return parseRanges(range, size);
}

function validatorsOf(headers: Headers): { etag: string | undefined; lastModified: string | undefined } {
  return { etag: headers.get("etag") ?? undefined, lastModified: headers.get("last-modified") ?? undefined };
}

/** No generator: one that was never asked for a piece would not close its file when it is cancelled. */
function read(handle: FileHandle, plan: readonly (string | ByteRange)[]): AsyncIterable<Uint8Array> {
  const pieces = [...plan];
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    pieces.length = 0;
    await handle.close(); // resolves also the second time
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const piece = pieces.shift();
    if (piece === undefined) return end();
    if (typeof piece === "string") return { done: false, value: Buffer.from(piece, "latin1") };
    const { first, last } = piece;
    const length = Math.min(PIECE_BYTES, last - first + 1);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, first);
    // Cut shorter since we looked: the reply then misses its length, and its connection is cut.
    if (bytesRead === 0) return end();
    if (first + bytesRead <= last) pieces.unshift({ first: first + bytesRead, last });
    return { done: false, value: buffer.subarray(0, bytesRead) };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
