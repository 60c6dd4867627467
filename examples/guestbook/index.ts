// The guestbook: GET shows it, POST signs it. `init` runs once per worker, before its
// first request of this file; the connection that it opens serves every request after that.

import type { Context } from "holdfast";
import { type Book, openBook } from "./_book.ts";
import { knownCgiCost, measureCgiCost } from "./_cgi-cost.ts";
import { objection, readDraft } from "./_form.ts";
import type { Html } from "./_html.ts";
import { type Attempt, ENTRIES_SHOWN, renderPage } from "./_page.ts";

export function init(): Promise<Book> {
  return openBook();
}

export async function GET(request: Request, ctx: Context<Book>): Promise<Response> {
  const cgi = new URL(request.url).searchParams.has("measure") ? await measureCgiCost() : knownCgiCost();
  return page(await render(ctx, undefined, cgi));
}

export async function POST(request: Request, ctx: Context<Book>): Promise<Response> {
  if (request.headers.get("sec-fetch-site") === "cross-site") {
    return new Response("Please sign on the guestbook's own page.\n", { status: 403 });
  }
  const draft = await readDraft(request);
  if (draft === undefined) return new Response("This is not the guestbook's form.\n", { status: 400 });
  const wrong = objection(draft);
  if (wrong !== undefined) return page(await render(ctx, { draft, objection: wrong }), 422);
  await ctx.state.add(draft.name, draft.message);
  // 303, so that reloading the page does not sign twice.
  return new Response(null, { status: 303, headers: { location: `${new URL("./", request.url).pathname}#entries` } });
}

export function dispose(book: Book): Promise<void> {
  return book.close();
}

async function render(ctx: Context<Book>, attempt?: Attempt, cgi = knownCgiCost()): Promise<Html> {
  const started = performance.now();
  const { id, generation, requests } = ctx.worker;
  const { engine, connection } = ctx.state;
  const found = await ctx.state.newest(ENTRIES_SHOWN);
  return renderPage({
    ...found,
    attempt,
    answered: {
      worker: id,
      generation,
      requests,
      engine,
      connection,
      cgi,
      elapsedMs: () => performance.now() - started,
    },
  });
}

function page(content: Html, status = 200): Response {
  return new Response(content.toString(), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
