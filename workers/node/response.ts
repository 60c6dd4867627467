// The exchange's reply as http.ServerResponse: Node's own object, of which the two steps are ours
// that would write HTTP/1.1 to a socket: making the head, and sending. As with requests, these lie on
// the object itself, because Express gives each response another prototype.

import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { declaredLength, type HeaderPair } from "./reply-head.ts";
import type { Sender } from "./sender.ts";
import type { RequestSocket } from "./socket.ts";

type Callback = (error?: Error | null) => void;

/** What of ServerResponse is not in its types. */
interface Internals {
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  _removedContLen: boolean;
  _closed: boolean;
  _storeHeader: (this: NodeResponse, line: string, headers: unknown) => void;
  _send: (this: NodeResponse, data: string | Uint8Array, encoding?: unknown, callback?: unknown) => boolean;
  _writeRaw: (this: NodeResponse, data: unknown, encoding?: unknown, callback?: unknown) => boolean;
  _finish: (this: NodeResponse) => void;
  [SENDER]: Sender;
  [HINTS]?: unknown;
  [key: symbol]: unknown;
}

export type NodeResponse = ServerResponse & Internals;

const SENDER = Symbol("sender");
const HINTS = Symbol("early hints");

const { end: nodeEnd, addTrailers: nodeAddTrailers, writeEarlyHints: nodeEarlyHints } = ServerResponse.prototype;
const { _finish: nodeFinish } = ServerResponse.prototype as unknown as Internals;

/** Node's own keys of a response, which it does not export. */
const { HEADERS, NEED_DRAIN } = keysOfNode();

export function makeResponse(req: IncomingMessage, socket: RequestSocket, sender: Sender): NodeResponse {
  const res = new ServerResponse(req) as NodeResponse;
  res[SENDER] = sender;
  res._storeHeader = storeHeader;
  res._send = send;
  res._writeRaw = ignore;
  res.writeEarlyHints = writeEarlyHints as unknown as NodeResponse["writeEarlyHints"];
  res._finish = finish;
  res.end = end as unknown as NodeResponse["end"];
  res.addTrailers = addTrailers as ServerResponse["addTrailers"];
  res.assignSocket(socket as unknown as Socket);
  return res;
}

/** All that waited has gone. */
export function drained(res: NodeResponse): void {
  if (res.finished || res.destroyed) return;
  if (NEED_DRAIN !== undefined) {
    if (res[NEED_DRAIN] !== true) return;
    res[NEED_DRAIN] = false;
  }
  res.emit("drain");
}

/** After 'finish', as Node's server does it. */
export function detach(res: NodeResponse, socket: RequestSocket): void {
  if (res.socket !== null) res.detachSocket(socket as unknown as Socket);
  process.nextTick(emitClose, res);
}

function emitClose(res: NodeResponse): void {
  if (res._closed) return;
  res.destroyed = true;
  res._closed = true;
  res.emit("close");
}

/** Throws where a header cannot be sent, before any of the reply is. */
function storeHeader(this: NodeResponse, _line: string, headers: unknown): void {
  const pairs: HeaderPair[] = [];
  collect(headers, this, pairs);
  if (this[HINTS] !== undefined && !pairs.some(([name]) => name.toLowerCase() === "link")) {
    add(pairs, "Link", this[HINTS]);
  }
  const { _contentLength: known } = this;
  if (this._hasBody && typeof known === "number" && !this._removedContLen && declaredLength(pairs) === undefined) {
    pairs.push(["Content-Length", String(known)]);
  }
  const head = this[SENDER].begin({ status: this.statusCode, headers: pairs, hasBody: this._hasBody, length: known });
  this._header = head;
  this._headerSent = false;
}

function send(this: NodeResponse, data: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean {
  this._headerSent = true;
  return this[SENDER].write(data, encoding as BufferEncoding | undefined, callback as Callback | undefined);
}

/** Informational replies (100, 102, 103): FastCGI has no way for them. */
function ignore(this: NodeResponse, _data: unknown, encoding?: unknown, callback?: unknown): boolean {
  const done = typeof encoding === "function" ? encoding : callback;
  if (typeof done === "function") process.nextTick(done as Callback);
  return true;
}

function end(this: NodeResponse, ...args: Parameters<typeof nodeEnd>): NodeResponse {
  const sender = this[SENDER];
  const before = sender.isEnding;
  sender.isEnding = true;
  try {
    Reflect.apply(nodeEnd, this, args);
  } catch (error) {
    sender.isEnding = before;
    throw error;
  }
  return this;
}

/** Node calls it when `end` has handed over the last of the reply. */
function finish(this: NodeResponse): void {
  nodeFinish.call(this);
  this[SENDER].finish();
}

/** There is no 103 [RFC 8297] over FastCGI: as with `ctx.earlyHints`, its links go with the reply, unless that has its own. */
function writeEarlyHints(this: NodeResponse, ...args: Parameters<typeof nodeEarlyHints>): void {
  Reflect.apply(nodeEarlyHints, this, args);
  this[HINTS] = args[0].link;
}

function addTrailers(this: NodeResponse, ...args: Parameters<typeof nodeAddTrailers>): void {
  // Refuses what no trailer may be.
  Reflect.apply(nodeAddTrailers, this, args);
  this[SENDER].trailersDropped();
}

/** In the forms in which `writeHead` takes them and `setHeader` keeps them. */
function collect(headers: unknown, res: NodeResponse, pairs: HeaderPair[]): void {
  if (typeof headers !== "object" || headers === null) return;
  if (HEADERS !== undefined && headers === res[HEADERS]) {
    for (const key in headers) add(pairs, ...((headers as Record<string, unknown>)[key] as [string, unknown]));
  } else if (Array.isArray(headers)) {
    if (Array.isArray(headers[0])) {
      for (const [name, value] of headers as [string, unknown][]) add(pairs, name, value);
    } else {
      for (let at = 0; at < headers.length; at += 2) add(pairs, headers[at] as string, headers[at + 1]);
    }
  } else if (HEADERS === undefined && res.getHeaderNames().length > 0) {
    for (const name of res.getHeaderNames()) add(pairs, name, res.getHeader(name));
  } else {
    for (const name of Object.keys(headers)) add(pairs, name, (headers as Record<string, unknown>)[name]);
  }
}

function add(pairs: HeaderPair[], name: string, value: unknown): void {
  if (Array.isArray(value)) {
    for (const each of value) pairs.push([name, String(each)]);
  } else if (value === undefined) {
    throw new TypeError(`the response header "${name}" is undefined`);
  } else {
    pairs.push([name, String(value)]);
  }
}

function keysOfNode(): { HEADERS: symbol | undefined; NEED_DRAIN: symbol | undefined } {
  const probe = new ServerResponse({ method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage);
  probe.setHeader("x-probe", "1");
  const keyed = probe as unknown as Record<symbol, { "x-probe"?: unknown } | null | undefined>;
  const keys = Object.getOwnPropertySymbols(probe);
  return {
    HEADERS: keys.find((key) => keyed[key]?.["x-probe"] !== undefined),
    NEED_DRAIN: keys.find(({ description }) => description === "kNeedDrain"),
  };
}
