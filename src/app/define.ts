// Helps an editor and the type checker; changes nothing at run time.

import type { HandlerModule } from "./context.ts";

/**
 * The module it was given, with `ctx.state` typed by what `init` returns:
 *
 *     export default defineHandler({
 *       init: async () => ({ db: await connect() }),
 *       fetch: async (request, ctx) => Response.json(await ctx.state.db.list()),
 *       dispose: (state) => state.db.end(),
 *     });
 */
export function defineHandler<State = undefined>(module: HandlerModule<State>): HandlerModule<State> {
  return module;
}
