// Paths that the pool's main thread answers itself, so that they work when every worker is stuck.

import { headerValue, requestPath } from "../cgi/variables.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { Exchange } from "./exchange.ts";

/** A reply of the pool's own: a CGI header block with its empty line, and a body. */
export interface OwnReply {
  readonly head: string;
  readonly body: string;
}

export interface OwnRequest {
  readonly params: Params;
  /** What the query names: `?json&full` names json and full. */
  readonly query: URLSearchParams;
  /** In lower case. */
  readonly accept: string;
}

/** Answers by itself, perhaps later; until then the exchange is its to keep. The access log does not hear of it. */
export type LaterReply = (exchange: Exchange) => void;

/** Path → what answers there; undefined: nobody, it is the app's. */
export type OwnPages = Readonly<Record<string, (request: OwnRequest) => OwnReply | LaterReply>>;

/** So long must what all paths begin with be, to be worth looking for. */
const COMMON_CHARS = 3;

/** Finds the pool's own reply to a request, if its path is one of `pages`. Throws Fault REQUEST for a path that is none. */
export function ownPathFinder(pages: OwnPages): (params: Buffer) => OwnReply | LaterReply | undefined {
  const byPath = new Map(Object.entries(pages));
  const needles = needlesFor([...byPath.keys()]).map((text) => Buffer.from(text));
  if (needles.length === 0) return () => undefined;
  return (bytes) => {
    // Nearly every request is not ours: one search through its bytes settles that.
    if (!needles.some((needle) => bytes.includes(needle))) return undefined;
    const params = new Params(bytes);
    const { pathname, search } = requestPath(params);
    const page = byPath.get(pathname);
    if (page === undefined) return undefined;
    return page({
      params,
      query: new URLSearchParams(search),
      accept: (headerValue(params, "accept") ?? "").toLowerCase(),
    });
  };
}

/** Texts of which every one of `paths` holds at least one: as few as can be. */
function needlesFor(paths: readonly string[]): readonly string[] {
  const [first = "", ...rest] = paths;
  let common = first;
  for (const path of rest) while (!path.startsWith(common)) common = common.slice(0, -1);
  return common.length >= COMMON_CHARS ? [common] : paths;
}

export interface OwnReplyOptions {
  /** Default 200 OK. */
  readonly status?: string;
  readonly type: string;
  readonly body: string;
  /** More header lines. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function ownReply({ status = "200 OK", type, body, headers = [] }: OwnReplyOptions): OwnReply {
  const lines = [
    `Status: ${status}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return { head: `${lines.join("\r\n")}\r\n\r\n`, body };
}
