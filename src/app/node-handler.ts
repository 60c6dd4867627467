// Says of a function that it speaks Node's language. Nothing else can tell: `(req, res)` and
// `(request, ctx)` look the same from outside.

import type { IncomingMessage, ServerResponse } from "node:http";

/** As `http.createServer` takes it. A promise that it returns may reject: that is a 500. */
export type NodeListener = (req: IncomingMessage, res: ServerResponse) => unknown;

/**
 * A default export that answers as a `(req, res)` listener; the same as `export const node = listener`.
 *
 *     export default nodeHandler((req, res) => {
 *       res.end(`Hello from ${req.url}\n`);
 *     });
 */
export function nodeHandler(listener: NodeListener): { readonly node: NodeListener } {
  return { node: listener };
}
