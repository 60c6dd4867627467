import type { Context } from "holdfast";

export default function hello(_request: Request, ctx: Context): Response {
  return new Response(`Hello. Worker ${ctx.worker.id} has answered ${ctx.worker.requests} requests.\n`);
}
