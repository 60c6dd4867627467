// Paths that the pool's main thread answers itself, so that they work when every worker is stuck.

import { requestPath } from "../cgi/variables.ts";
import { Params } from "../fastcgi/name-values.ts";

/** A reply of the pool's own: a CGI header block with its empty line, and a body. */
export interface OwnReply {
  readonly head: string;
  readonly body: string;
}

export interface OwnPaths {
  readonly pingPath?: string | undefined;
}

/** Finds the pool's own reply to a request, if its path is one of the pool's own. */
export function ownPathFinder(paths: OwnPaths): (params: Buffer) => OwnReply | undefined {
  const { pingPath } = paths;
  if (pingPath === undefined) return () => undefined;
  const needle = Buffer.from(pingPath);
  return (bytes) => {
    // Nearly every request is not ours: one search through its bytes settles that.
    if (!bytes.includes(needle)) return undefined;
    if (requestPath(new Params(bytes)).pathname !== pingPath) return undefined;
    return {
      head: "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 5\r\n\r\n",
      body: "pong\n",
    };
  };
}
