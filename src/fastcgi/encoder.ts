// Records → bytes: what an application writes, and the two primitives that both sides share. No
// padding unless asked: Apache's mod_proxy_fcgi pays one more recv() for it.

import {
  FCGI_BEGIN_REQUEST,
  FCGI_END_REQUEST,
  FCGI_GET_VALUES_RESULT,
  FCGI_HEADER_LEN,
  FCGI_MAX_CONTENT_LEN,
  FCGI_NULL_REQUEST_ID,
  FCGI_REQUEST_COMPLETE,
  FCGI_STDOUT,
  FCGI_UNKNOWN_TYPE,
} from "./constants.ts";
import { encodeNameValues, type NameValue } from "./name-values.ts";
import {
  FIXED_BODY_LEN,
  recordLength,
  writeBeginRequestBody,
  writeEndRequestBody,
  writeHeader,
  writeUnknownTypeBody,
} from "./record.ts";

/** Bytes of the whole END_REQUEST record. */
export const END_REQUEST_LEN = FCGI_HEADER_LEN + FIXED_BODY_LEN;

/** One record. `content` has at most 65,535 bytes, `padding` is 0 to 255 (zero bytes). Throws RangeError beyond. */
export function encodeRecord(type: number, id: number, content: Uint8Array, padding = 0): Buffer {
  if (content.length > FCGI_MAX_CONTENT_LEN) throw new RangeError(`content of ${content.length} bytes in one record`);
  const record = Buffer.allocUnsafe(recordLength(content.length, padding));
  writeHeader(record, 0, type, id, content.length, padding);
  record.set(content, FCGI_HEADER_LEN);
  return padding === 0 ? record : record.fill(0, FCGI_HEADER_LEN + content.length);
}

/**
 * A stretch of a stream, cut into records of at most 65,535 bytes. Empty for no bytes: the empty
 * record that ends a stream is `encodeRecord(type, id, …)` of nothing.
 */
export function encodeStream(type: number, id: number, bytes: Uint8Array): Buffer {
  const target = Buffer.allocUnsafe(streamLength(bytes.length));
  writeStream(target, 0, type, id, bytes);
  return target;
}

export function encodeBeginRequest(id: number, role: number, keepConn: boolean): Buffer {
  const record = Buffer.allocUnsafe(FCGI_HEADER_LEN + FIXED_BODY_LEN);
  writeHeader(record, 0, FCGI_BEGIN_REQUEST, id, FIXED_BODY_LEN, 0);
  writeBeginRequestBody(record, FCGI_HEADER_LEN, role, keepConn);
  return record;
}

export function encodeEndRequest(id: number, appStatus: number, protocolStatus: number): Buffer {
  const record = Buffer.allocUnsafe(END_REQUEST_LEN);
  writeEndRequest(record, 0, id, appStatus, protocolStatus);
  return record;
}

/** Writes END_REQUEST_LEN bytes at `offset`. */
export function writeEndRequest(
  target: Buffer,
  offset: number,
  id: number,
  appStatus: number,
  protocolStatus: number,
): void {
  writeHeader(target, offset, FCGI_END_REQUEST, id, FIXED_BODY_LEN, 0);
  writeEndRequestBody(target, offset + FCGI_HEADER_LEN, appStatus, protocolStatus);
}

export function encodeGetValuesResult(pairs: Iterable<NameValue>): Buffer {
  return encodeRecord(FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID, encodeNameValues(pairs));
}

export function encodeUnknownType(type: number): Buffer {
  const record = Buffer.allocUnsafe(FCGI_HEADER_LEN + FIXED_BODY_LEN);
  writeHeader(record, 0, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID, FIXED_BODY_LEN, 0);
  writeUnknownTypeBody(record, FCGI_HEADER_LEN, type);
  return record;
}

/**
 * A whole reply for one write: STDOUT records of head and body, then END_REQUEST. No empty STDOUT
 * record closes the stream: END_REQUEST does, as php-fpm has it, and Apache saves a poll and a recv.
 * `head` is a CGI header block with its empty line, one char per byte.
 */
export function encodeReply(id: number, head: string, body?: Uint8Array): Buffer {
  const length = head.length + (body?.length ?? 0);
  const stream = streamLength(length);
  const reply = Buffer.allocUnsafe(stream + END_REQUEST_LEN);
  if (length > 0 && length <= FCGI_MAX_CONTENT_LEN) {
    writeHeader(reply, 0, FCGI_STDOUT, id, length, 0);
    reply.write(head, FCGI_HEADER_LEN, "latin1");
    if (body !== undefined) reply.set(body, FCGI_HEADER_LEN + head.length);
  } else {
    const headBytes = Buffer.from(head, "latin1");
    writeStream(reply, 0, FCGI_STDOUT, id, body === undefined ? headBytes : Buffer.concat([headBytes, body]));
  }
  writeEndRequest(reply, stream, id, 0, FCGI_REQUEST_COMPLETE);
  return reply;
}

function streamLength(bytes: number): number {
  return bytes + Math.ceil(bytes / FCGI_MAX_CONTENT_LEN) * FCGI_HEADER_LEN;
}

function writeStream(target: Buffer, offset: number, type: number, id: number, bytes: Uint8Array): void {
  let at = offset;
  for (let from = 0; from < bytes.length; from += FCGI_MAX_CONTENT_LEN) {
    const piece = bytes.subarray(from, from + FCGI_MAX_CONTENT_LEN);
    writeHeader(target, at, type, id, piece.length, 0);
    target.set(piece, at + FCGI_HEADER_LEN);
    at += FCGI_HEADER_LEN + piece.length;
  }
}
