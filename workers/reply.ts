// A Response → the exchange's reply. What is known at once goes as one frame with its length; what
// comes in pieces goes as fast as the web server takes it. Before the head is sent every failure can
// still become a 500; after it only a cut connection tells the web server that the body is not whole.

import { FAULTS, Fault, messageOf } from "../src/base/fault.ts";
import { encodeHead } from "../src/cgi/response.ts";
import { isBodyless } from "../src/cgi/status.ts";
import type { ReplyStream, WorkerExchange } from "./exchange.ts";
import { type Pieces, piecesOf } from "./pieces.ts";
import { partsOf, type ReplyParts } from "./response.ts";

/** A body that is complete by the end of this turn, and no longer than this, goes as one frame with its length. */
const GATHER_BYTES = 64 * 1024;

/**
 * Sends the Response. Undefined when it is sent; a promise where its body comes in pieces, which
 * resolves when it ends, fails (logged, connection cut) or nobody wants it. Throws, or rejects, with
 * what went wrong while a 500 can still be sent.
 */
export function sendResponse(exchange: WorkerExchange, method: string, response: Response): Promise<void> | undefined {
  return sendParts(exchange, method, partsOf(response));
}

export function sendParts(exchange: WorkerExchange, method: string, parts: ReplyParts): Promise<void> | undefined {
  const { body, status } = parts;
  if (body.kind === "none") {
    sendWhole(exchange, method, parts, "");
    return undefined;
  }
  if (body.kind === "whole") {
    sendWhole(exchange, method, parts, body.content);
    return undefined;
  }
  const pieces = piecesOf(body);
  if (parts.sendfile !== undefined && hasContent(exchange, method, status))
    return sendByWebServer(exchange, parts, pieces);
  const known = body.kind === "blob" ? withLength(parts, body.blob.size) : parts;
  if (!hasContent(exchange, method, status)) return sendHeadOnly(exchange, known, pieces);
  return sendPieces(exchange, known, pieces);
}

function sendWhole(exchange: WorkerExchange, method: string, parts: ReplyParts, content: string | Uint8Array): void {
  const { status } = parts;
  const length = typeof content === "string" ? Buffer.byteLength(content) : content.length;
  // An authorizer's 200 has no content at all; to HEAD the length is told that GET would have.
  const measured = isBodyless(status) || isGranted(exchange, status) ? parts : withLength(parts, length, method);
  const sent = length > 0 && hasContent(exchange, method, status);
  exchange.reply(status, headOf(exchange, measured, !sent), sent ? content : undefined);
}

async function sendHeadOnly(exchange: WorkerExchange, parts: ReplyParts, pieces: Pieces): Promise<void> {
  exchange.reply(parts.status, headOf(exchange, parts, true), undefined);
  await abandon(exchange, pieces, "the reply has no body");
}

/** Its length is the web server's to tell, too. */
async function sendByWebServer(exchange: WorkerExchange, parts: ReplyParts, pieces: Pieces): Promise<void> {
  const headers = parts.headers.filter(([name]) => name.toLowerCase() !== "content-length");
  const { status, sendfile } = parts;
  exchange.reply(status, encodeHead({ status, headers, role: exchange.role, sendfile }), undefined);
  await abandon(exchange, pieces, "the web server sends it");
}

async function sendPieces(exchange: WorkerExchange, parts: ReplyParts, pieces: Pieces): Promise<void> {
  const abort = (): void => {
    void abandon(exchange, pieces, exchange.signal.reason);
  };
  exchange.signal.addEventListener("abort", abort, { once: true });
  try {
    if (exchange.aborted !== undefined) return sendHeadOnly(exchange, parts, pieces);
    const declared = declaredLength(parts);
    const gathered = await gather(pieces);
    if (gathered.ended) {
      const content = Buffer.concat(gathered.parts);
      const whole = withLength(parts, content.length);
      exchange.reply(whole.status, headOf(exchange, whole, content.length === 0), content);
      return;
    }
    const stream = exchange.stream(parts.status, headOf(exchange, parts, false));
    await pump(exchange, stream, gathered, pieces, declared);
  } catch (error) {
    await abandon(exchange, pieces, error);
    throw error;
  } finally {
    exchange.signal.removeEventListener("abort", abort);
  }
}

interface Gathered {
  readonly parts: Uint8Array[];
  readonly ended: boolean;
  /** A read that was begun and has not settled. */
  readonly pending: Promise<Uint8Array | undefined> | undefined;
}

const TURN_OVER = Symbol("turn over");

/** Takes what is ready in this turn of the event loop, so that a short body costs one frame and its error is a 500. */
async function gather(pieces: Pieces): Promise<Gathered> {
  const parts: Uint8Array[] = [];
  const turn = new Promise<typeof TURN_OVER>((resolve) => {
    setImmediate(resolve, TURN_OVER);
  });
  for (let bytes = 0; bytes <= GATHER_BYTES; ) {
    const pending = pieces.next();
    const piece = await Promise.race([pending, turn]);
    if (piece === TURN_OVER) return { parts, ended: false, pending };
    if (piece === undefined) return { parts, ended: true, pending: undefined };
    parts.push(piece);
    bytes += piece.length;
  }
  return { parts, ended: false, pending: undefined };
}

/** After the head: never throws. */
async function pump(
  exchange: WorkerExchange,
  stream: ReplyStream,
  { parts, pending }: Gathered,
  pieces: Pieces,
  declared: number | undefined,
): Promise<void> {
  let sent = 0;
  const write = (piece: Uint8Array): Promise<void> | undefined => {
    sent += piece.length;
    if (declared !== undefined && sent > declared) throw wrongLength(declared, `more than ${declared}`);
    return stream.write(piece);
  };
  try {
    for (const part of parts) await write(part);
    for (let piece = await (pending ?? pieces.next()); piece !== undefined; piece = await pieces.next()) {
      const full = write(piece);
      if (full !== undefined) await full;
    }
    if (exchange.aborted !== undefined) return;
    if (declared !== undefined && sent < declared) throw wrongLength(declared, String(sent));
    stream.end();
  } catch (error) {
    if (exchange.aborted === undefined) cut(exchange, stream, error);
    await abandon(exchange, pieces, error);
  }
}

function cut(exchange: WorkerExchange, stream: ReplyStream, error: unknown): void {
  const message = `the body of the reply failed: ${messageOf(error)}`;
  exchange.log(FAULTS.HANDLER.level, message, error instanceof Error ? { stack: error.stack } : {});
  stream.fail(error instanceof Fault ? error : new Fault("HANDLER", message, { cause: error }));
}

/** A maker's clean-up is user code: its error is worth a line, and nothing more can be done. */
async function abandon(exchange: WorkerExchange, pieces: Pieces, reason: unknown): Promise<void> {
  try {
    await pieces.cancel(reason);
  } catch (error) {
    if (error !== reason) exchange.log("warn", `the reply's body could not be cancelled: ${String(error)}`);
  }
}

function headOf(exchange: WorkerExchange, { status, headers }: ReplyParts, bodyless: boolean): string {
  return encodeHead({ status, headers, role: exchange.role, bodyless });
}

function hasContent(exchange: WorkerExchange, method: string, status: number): boolean {
  return method !== "HEAD" && !isBodyless(status) && !isGranted(exchange, status);
}

/** [FCGI §6.3] An authorizer's 200 lets the request pass; what else it says but Variable-* is not looked at. */
function isGranted(exchange: WorkerExchange, status: number): boolean {
  return exchange.role === "authorizer" && status === 200;
}

/** With Content-Length; throws HANDLER where the handler declared another. */
function withLength(parts: ReplyParts, length: number, method?: string): ReplyParts {
  const declared = declaredLength(parts);
  if (declared === undefined) {
    return { ...parts, headers: [...parts.headers, ["content-length", String(length)]] };
  }
  // The handler of a HEAD may know the length without having made the body [RFC 9110 §8.6].
  if (declared !== length && !(method === "HEAD" && length === 0)) throw wrongLength(declared, String(length));
  return parts;
}

function declaredLength({ headers }: ReplyParts): number | undefined {
  for (const [name, value] of headers) {
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(value);
  }
  return undefined;
}

function wrongLength(declared: number, actual: string): Fault {
  return new Fault("HANDLER", `the Response declares a Content-Length of ${declared} and has ${actual} bytes`, {
    hint: "Leave Content-Length to Holdfast. The headers of a fetched Response do not fit its decoded body.",
  });
}
