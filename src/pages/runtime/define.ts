// What a compiled page imports: its render function → a handler of requests. The reply begins when the page
// ends, when it asks for it, or when it has written much.

import type { Context, Handler } from "../../app/context.ts";
import type { Page } from "../../app/page.ts";
import type { PageOptions } from "../settings.ts";
import { PageOutput } from "./output.ts";
import { PageObject } from "./page-object.ts";

/** What the code of a page has: its parameters' names and types. */
export interface PageArguments {
  readonly $: PageOutput;
  readonly page: Page;
  readonly request: Request;
  readonly ctx: Context;
}

export type PageRender = (
  $: PageArguments["$"],
  page: PageArguments["page"],
  request: PageArguments["request"],
  ctx: PageArguments["ctx"],
) => Promise<void>;

const ALLOW = "GET, HEAD, POST, OPTIONS";

export function definePage(options: PageOptions, render: PageRender): Handler {
  return (request, ctx) => {
    switch (request.method) {
      case "GET":
      case "HEAD":
      case "POST":
        return respond(options, render, request, ctx);
      case "OPTIONS":
        return new Response(null, { status: 204, headers: { allow: ALLOW } });
      default:
        return new Response("Method Not Allowed\n", { status: 405, headers: { allow: ALLOW } });
    }
  };
}

function respond(options: PageOptions, render: PageRender, request: Request, ctx: Context): Promise<Response> {
  const over = Promise.withResolvers<void>();
  return new Promise((resolve, reject) => {
    const output = new PageOutput((pieces) => {
      resolve(new Response(pieces as unknown as ConstructorParameters<typeof Response>[0], page.head));
      // A worker that drains waits until the page has run its `finally` blocks, also when nobody reads it.
      ctx.waitUntil(over.promise);
    });
    const page = new PageObject(request, ctx, output, options);
    render(output, page, request, ctx)
      .then(
        () => finish(output, page),
        (error: unknown) => failed(output, page, error),
      )
      .then((response) => {
        if (response !== undefined) resolve(response);
      })
      .catch(reject)
      .finally(over.resolve);
  });
}

/** Undefined where the reply has begun. */
function finish(output: PageOutput, page: PageObject): Response | undefined {
  const { redirection } = page;
  if (redirection !== undefined) return redirected(page, redirection);
  const text = output.end();
  if (text === undefined) return undefined;
  const { head } = page;
  return new Response([204, 205, 304].includes(head.status) ? null : text, head);
}

function failed(output: PageOutput, page: PageObject, error: unknown): Response | undefined {
  if (page.redirection !== undefined) return redirected(page, page.redirection);
  if (!output.isStarted) throw error;
  // A page ends with this when its client has left; all else is a failure of its own.
  if (output.isAbandoned) {
    if (!(error instanceof Error && error.name === "AbortError")) {
      page.ctx.log.error(`the page failed after its client had left: ${String(error)}`, stackOf(error));
    }
  } else output.fail(error);
  return undefined;
}

/** With the page's other headers: it may have set a cookie. */
function redirected(page: PageObject, { location, status }: { location: string; status: number }): Response {
  const headers = new Headers(page.headers);
  headers.delete("content-type");
  headers.set("location", location);
  return new Response(null, { status, headers });
}

function stackOf(error: unknown): { stack?: string } {
  return error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
}
