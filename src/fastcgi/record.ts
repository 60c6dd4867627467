// The record, FastCGI's unit on the wire: its header and the bodies that have a fixed layout. The
// only place that knows where a field of them lies. It does not know which record may come when.
//
//   header := version u8 · type u8 · requestId u16 · contentLength u16 · paddingLength u8 · reserved u8
//
// All numbers are big-endian [FCGI §3.3].

import { Fault } from "../base/fault.ts";
import { FCGI_AUTHORIZER, FCGI_FILTER, FCGI_HEADER_LEN, FCGI_KEEP_CONN, FCGI_RESPONDER } from "./constants.ts";

export interface FcgiRecord {
  readonly type: number;
  readonly id: number;
  /** Without the padding. May be a view of a larger buffer. */
  readonly content: Buffer;
}

/** What the web server asks the application to be [FCGI §6]. */
export type Role = "responder" | "authorizer" | "filter";

export interface BeginRequest {
  /** As sent; `roleOf` names it. */
  readonly role: number;
  readonly keepConn: boolean;
}

export interface EndRequest {
  /** Unsigned 32 bits. */
  readonly appStatus: number;
  readonly protocolStatus: number;
}

/** BEGIN_REQUEST, END_REQUEST and UNKNOWN_TYPE have bodies of this length [FCGI §4.2, §5.1, §5.5]. */
export const FIXED_BODY_LEN = 8;

export function writeHeader(
  target: Buffer,
  offset: number,
  type: number,
  id: number,
  contentLength: number,
  paddingLength: number,
): void {
  target[offset] = 1;
  target[offset + 1] = type;
  target[offset + 2] = id >>> 8;
  target[offset + 3] = id;
  target[offset + 4] = contentLength >>> 8;
  target[offset + 5] = contentLength;
  target[offset + 6] = paddingLength;
  target[offset + 7] = 0;
}

/** [FCGI §5.1] */
export function writeBeginRequestBody(target: Buffer, offset: number, role: number, keepConn: boolean): void {
  target.fill(0, offset, offset + FIXED_BODY_LEN);
  target.writeUInt16BE(role, offset);
  target[offset + 2] = keepConn ? FCGI_KEEP_CONN : 0;
}

/** Reads BEGIN_REQUEST. Bits of `flags` other than KEEP_CONN are ignored. Throws PROTOCOL unless it has 8 bytes. */
export function parseBeginRequest(content: Buffer): BeginRequest {
  checkFixed("FCGI_BEGIN_REQUEST", content);
  return { role: content.readUInt16BE(0), keepConn: (content.readUInt8(2) & FCGI_KEEP_CONN) !== 0 };
}

/** [FCGI §5.5] */
export function writeEndRequestBody(target: Buffer, offset: number, appStatus: number, protocolStatus: number): void {
  target.writeUInt32BE(appStatus >>> 0, offset);
  target.writeUInt32BE(0, offset + 4);
  target[offset + 4] = protocolStatus;
}

/** Throws PROTOCOL unless the body has 8 bytes. */
export function parseEndRequest(content: Buffer): EndRequest {
  checkFixed("FCGI_END_REQUEST", content);
  return { appStatus: content.readUInt32BE(0), protocolStatus: content.readUInt8(4) };
}

/** [FCGI §4.2] */
export function writeUnknownTypeBody(target: Buffer, offset: number, type: number): void {
  target.fill(0, offset, offset + FIXED_BODY_LEN);
  target[offset] = type;
}

/** The type that the application did not know. Throws PROTOCOL unless the body has 8 bytes. */
export function parseUnknownType(content: Buffer): number {
  checkFixed("FCGI_UNKNOWN_TYPE", content);
  return content.readUInt8(0);
}

/** The name of a role's number, or undefined for one that the specification does not have. */
export function roleOf(role: number): Role | undefined {
  if (role === FCGI_RESPONDER) return "responder";
  if (role === FCGI_AUTHORIZER) return "authorizer";
  return role === FCGI_FILTER ? "filter" : undefined;
}

export const ROLE_NUMBERS: Readonly<Record<Role, number>> = {
  responder: FCGI_RESPONDER,
  authorizer: FCGI_AUTHORIZER,
  filter: FCGI_FILTER,
};

function checkFixed(name: string, content: Buffer): void {
  if (content.length === FIXED_BODY_LEN) return;
  throw new Fault("PROTOCOL", `${name} has ${content.length} bytes of content instead of ${FIXED_BODY_LEN}`);
}

/** Bytes of a whole record. */
export function recordLength(contentLength: number, paddingLength = 0): number {
  return FCGI_HEADER_LEN + contentLength + paddingLength;
}
