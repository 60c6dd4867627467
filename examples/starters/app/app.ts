import type { Context } from "holdfast";

interface State {
  readonly startedAt: Date;
}

/** One module that answers every URL. */
export default {
  /** Once per worker, before its first request: the place for connections to databases. */
  init(): State {
    return { startedAt: new Date() };
  },

  fetch(request: Request, ctx: Context<State>): Response {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/":
        return new Response("Hello. Ask for /time.\n");
      case "/time":
        return Response.json({ time: new Date(), workerSince: ctx.state.startedAt });
      default:
        return new Response("There is no such page.\n", { status: 404 });
    }
  },

  /** When the worker leaves: close what `init` has opened. */
  dispose(_state: State): void {},
};
