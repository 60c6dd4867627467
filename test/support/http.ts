// A plain HTTP client for tests: the request-target goes out as written, connections are not shared,
// and a body that is cut is an error and never a short text.

import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from "node:http";
import type { Readable } from "node:stream";

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** A stream is sent in chunks, without Content-Length. */
  readonly body?: string | Uint8Array | Readable;
  /** Until the whole reply is here. Default 10 s. */
  readonly deadlineMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Rejects when the body is cut. */
export async function ask(url: string, path: string, options: Ask = {}): Promise<Answer> {
  const response = await askHead(url, path, options);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8") };
}

/** Resolves with the head; the caller reads or destroys the rest. */
export function askHead(url: string, path: string, options: Ask = {}): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const { body, deadlineMs = 10_000 } = options;
  const settings: RequestOptions = {
    hostname,
    port,
    path,
    method: options.method ?? "GET",
    headers: {
      ...(typeof body === "string" || body instanceof Uint8Array ? { "Content-Length": Buffer.byteLength(body) } : {}),
      ...(options.headers as Record<string, string> | undefined),
    },
    agent: false,
    signal: AbortSignal.timeout(deadlineMs),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(settings, resolve);
    outgoing.on("error", reject);
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) outgoing.end(body);
    else body.pipe(outgoing);
  });
}
