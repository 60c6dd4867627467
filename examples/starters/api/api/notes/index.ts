import type { Context } from "holdfast";
import { openStore, problem, type Store, TEXT_CHARS } from "../_store.ts";

/** Once per worker, before its first request of this file. */
export function init(): Store {
  return openStore();
}

/** `GET /notes/`: the newest first. */
export function GET(_request: Request, ctx: Context<Store>): Response {
  return Response.json(ctx.state.newest());
}

/** `POST /notes/` with `{"text": "…"}`. */
export async function POST(request: Request, ctx: Context<Store>): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const text = typeof body === "object" && body !== null && "text" in body ? body.text : undefined;
  if (typeof text !== "string" || text.trim() === "") return problem(400, 'send {"text": "…"}');
  if (text.length > TEXT_CHARS) return problem(400, `text is longer than ${TEXT_CHARS} characters`);
  const note = ctx.state.add(text);
  return Response.json(note, { status: 201, headers: { location: `/notes/${note.id}` } });
}
