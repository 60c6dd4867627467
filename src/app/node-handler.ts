// Says of a function that it speaks Node's language. Nothing else can tell: `(req, res)` and
// `(request, ctx)` look the same from outside.

/**
 * As `http.createServer` takes it. A promise that it returns may reject: that is a 500. What it is given are Node's
 * own IncomingMessage and ServerResponse; they are not named here, so that an app needs no types of Node's.
 */
// biome-ignore lint/suspicious/noExplicitAny: a listener that does not name its types uses them unchecked
export type NodeListener<Request = any, Response = any> = (req: Request, res: Response) => unknown;

/**
 * A default export that answers as a `(req, res)` listener; the same as `export const node = listener`.
 *
 *     export default nodeHandler((req, res) => {
 *       res.end(`Hello from ${req.url}\n`);
 *     });
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function nodeHandler<Request = any, Response = any>(
  listener: NodeListener<Request, Response>,
): { readonly node: NodeListener<Request, Response> } {
  return { node: listener };
}
