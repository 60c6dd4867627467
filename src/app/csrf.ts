// A phase for a middleware that refuses requests which another site has made a browser send.

import type { Context } from "./context.ts";
import type { CsrfVerifyOptions } from "./cookies.ts";

/**
 * Rejects with 403 unless `ctx.csrf.verify(request)` lets the request pass:
 *
 *     export default defineMiddleware({ access: csrf() });
 */
export function csrf(options: CsrfVerifyOptions = {}): (request: Request, ctx: Pick<Context, "csrf">) => Promise<void> {
  return (request, ctx) => ctx.csrf.verify(request, options);
}
