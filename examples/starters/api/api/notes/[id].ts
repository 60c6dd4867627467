import type { Context } from "holdfast";
import { openStore, problem, type Store } from "../_store.ts";

export function init(): Store {
  return openStore();
}

/** `GET /notes/7` */
export function GET(_request: Request, ctx: Context<Store>): Response {
  const note = ctx.state.get(idOf(ctx));
  return note === undefined ? problem(404, "there is no such note") : Response.json(note);
}

/** `DELETE /notes/7` */
export function DELETE(_request: Request, ctx: Context<Store>): Response {
  return ctx.state.delete(idOf(ctx)) ? new Response(null, { status: 204 }) : problem(404, "there is no such note");
}

/** -1, which no note has, for what is no number. */
function idOf({ params }: Context): number {
  return /^\d{1,15}$/.test(params.id ?? "") ? Number(params.id) : -1;
}
