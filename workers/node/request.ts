// The exchange as http.IncomingMessage: Node's own object, fed by us instead of by its parser. What
// differs lies on the object itself and not on a class of ours, because Express gives each request
// another prototype.

import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { headerEntries } from "../../src/cgi/variables.ts";
import type { RequestBody, WorkerExchange } from "../exchange.ts";
import type { RequestSocket } from "./socket.ts";
import type { Target } from "./target.ts";

/** What of IncomingMessage is not in its types. */
interface Internals {
  _addHeaderLines(lines: readonly string[], count: number): void;
  _consuming: boolean;
  _dump(): void;
  readonly _readableState: { readingMore: boolean; readonly resumeScheduled: boolean };
  _read: (this: NodeRequest) => void;
  [BODY]: Body;
}

export type NodeRequest = IncomingMessage & Internals & { originalUrl?: string; baseUrl?: string };

const BODY = Symbol("body");

interface Body {
  readonly source: RequestBody;
  readonly socket: RequestSocket;
  /** What had arrived when the request was made; taken from the source. */
  whole: Uint8Array | undefined;
  isBeingRead: boolean;
}

export function makeRequest(
  exchange: WorkerExchange,
  socket: RequestSocket,
  method: string,
  { url, originalUrl, baseUrl }: Target,
): NodeRequest {
  const req = new IncomingMessage(socket as unknown as Socket) as NodeRequest;
  // Between us and the web server there is one version, whichever the client speaks.
  const minor = exchange.params.get("SERVER_PROTOCOL") === "HTTP/1.0" ? 0 : 1;
  req.httpVersionMajor = 1;
  req.httpVersionMinor = minor;
  req.httpVersion = minor === 0 ? "1.0" : "1.1";
  req.method = method;
  req.url = url;
  if (baseUrl !== "") {
    req.originalUrl = originalUrl;
    req.baseUrl = baseUrl;
  }
  const source = exchange.data ?? exchange.body;
  const body: Body = { source, socket, whole: undefined, isBeingRead: false };
  const lines = headerLines(exchange, method, body);
  req._addHeaderLines(lines, lines.length);
  req.complete = body.whole?.length === 0;
  req[BODY] = body;
  req._read = read;
  return req;
}

/** Nobody reads it, and the reply is finished: what listens for its end is told. */
export function dismiss(req: NodeRequest): void {
  if (req._consuming || req._readableState.resumeScheduled || req.destroyed) return;
  if (req.listenerCount("end") === 0 && req.listenerCount("close") === 0) return;
  req.complete = true;
  req.push(null);
  req._dump();
}

/** Resolves when the body has been read; undefined where nobody reads it, or all of it is read. */
export function readToEnd(req: NodeRequest): Promise<void> | undefined {
  if (req.complete || req.destroyed) return undefined;
  if (req.listenerCount("data") === 0 && req.listenerCount("readable") === 0) return undefined;
  return new Promise((resolve) => {
    req.once("end", resolve).once("close", resolve);
  });
}

const NOTHING = new Uint8Array(0);

/** `rawHeaders`. A body of unknown length gets a header that says so: frameworks look for one before they read. */
function headerLines(exchange: WorkerExchange, method: string, body: Body): string[] {
  const lines: string[] = [];
  let length: string | undefined;
  let isChunked = false;
  for (const [name, value] of headerEntries(exchange.params)) {
    if (name === "content-length") length = value;
    if (name === "transfer-encoding") isChunked = true;
    else lines.push(name, value);
  }
  if (length !== undefined) {
    if (Number(length) === 0) body.whole = NOTHING;
    return lines;
  }
  if (!isChunked && (method === "GET" || method === "HEAD")) {
    body.whole = NOTHING;
    return lines;
  }
  body.whole = body.source.takeWhole();
  if (body.whole === undefined) lines.push("transfer-encoding", "chunked");
  else if (body.whole.length > 0) lines.push("content-length", String(body.whole.length));
  return lines;
}

/** Takes from the exchange what the app takes from us, and no more: that stops the sender. */
function read(this: NodeRequest): void {
  const body = this[BODY];
  this._consuming = true;
  this._readableState.readingMore = false;
  if (body.isBeingRead) return;
  if (this.complete) {
    this.push(null);
    return;
  }
  const whole = body.whole ?? body.source.takeWhole();
  if (whole !== undefined) {
    this.complete = true;
    if (whole.length > 0) this.push(Buffer.from(whole));
    this.push(null);
    return;
  }
  body.isBeingRead = true;
  body.source.read().then(
    (piece) => {
      body.isBeingRead = false;
      if (this.destroyed) return;
      body.socket.active();
      if (piece === undefined) {
        this.complete = true;
        this.push(null);
      } else {
        // A copy: what arrived lies in a buffer that other exchanges share.
        this.push(Buffer.from(piece));
      }
    },
    (error: Error) => {
      this.destroy(error);
    },
  );
}
