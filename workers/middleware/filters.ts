// Input and output filters: the streams that bodies pass through [Streams §6].

import { Fault } from "../../src/base/fault.ts";
import { type NameValue, Params } from "../../src/fastcgi/name-values.ts";
import type { WorkerExchange } from "../exchange.ts";
import { partsOf } from "../response.ts";

type Bytes = TransformStream<Uint8Array, Uint8Array>;

/** The same request with its body going through `filter`. Its length is no longer known. */
export function filteredRequest(request: Request, filter: Bytes): Request {
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const body = through(request.body, filter);
  const init = { method: request.method, headers, body, signal: request.signal, duplex: "half" };
  return new Request(request.url, init as RequestInit);
}

/**
 * Who answers sees no Range [RFC 9110 §14.2]: a filter is for a whole body. Of parts it would make parts of
 * another one, and what it takes out a client could have cut in two. Apache makes the parts of what comes out.
 */
export function ignoreRange(exchange: WorkerExchange): void {
  const { params } = exchange;
  if (params.get("HTTP_RANGE") === undefined) return;
  const pairs: NameValue[] = [];
  for (const [name, value] of params.entries()) {
    if (name !== "HTTP_RANGE" && name !== "HTTP_IF_RANGE") pairs.push([name, Buffer.from(value, "latin1")]);
  }
  Object.defineProperty(exchange, "params", { value: Params.from(pairs) });
}

/** The same response with its body, if it has one, going through `filter`. */
export function filteredResponse(response: Response, filter: Bytes): Response {
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const { status, statusText } = response;
  return new Response(through(bodyOf(response), filter), { status, statusText, headers });
}

/** A handler may return one Response of its module's again and again: what is all there is not taken from it. */
function bodyOf(response: Response): ReadableStream<Uint8Array> | null {
  const { body } = partsOf(response);
  return body.kind === "whole" ? new Response(body.content as string).body : response.body;
}

function through(body: ReadableStream<Uint8Array> | null, filter: Bytes): ReadableStream<Uint8Array> | null {
  return body === null ? null : body.pipeThrough(filter);
}

/** Throws HANDLER for what a filter phase may not return. */
export function checkedFilter(value: unknown, file: string, phase: string): Bytes | undefined {
  if (value === undefined || isPair(value)) return value as Bytes | undefined;
  throw new Fault("HANDLER", `${phase} of ${file} returned neither a TransformStream nor nothing`, {
    hint: "Return new TransformStream({ transform(bytes, controller) { … } }), at once and not as a promise.",
  });
}

/** [Streams §6.1] Any pair will do, for example a CompressionStream. */
function isPair(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { readable, writable } = value as Record<string, unknown>;
  return readable instanceof ReadableStream && writable instanceof WritableStream;
}
