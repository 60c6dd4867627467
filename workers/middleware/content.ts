// What middleware surrounds: it is looked for, loaded and run only where the middleware lets the request pass.

import { capture } from "../captured.ts";
import type { RequestContext } from "../context.ts";
import type { WorkerExchange } from "../exchange.ts";
import { rendered } from "../rendered.ts";
import { isResponse } from "../response.ts";
import type { SurroundedRoute } from "../site.ts";
import { surround } from "./surround.ts";

export interface SurroundedExchange {
  readonly exchange: WorkerExchange;
  readonly route: SurroundedRoute;
  readonly ctx: RequestContext;
  readonly request: Request;
  /** Of the pool. */
  readonly mount: string;
}

/** The answer to the exchange, whoever gave it. Rejects with what was thrown. */
export function surroundedResponse({ exchange, route, ctx, request, mount }: SurroundedExchange): Promise<Response> {
  const content = async (asked: Request): Promise<Response> => {
    const inner = await route.content();
    if (inner.kind === "response") return inner.response;
    const { app } = inner;
    ctx.belongsTo(app.state, asked);
    if (app.answer !== undefined) {
      const place = { method: asked.method, mount, corrections: route.corrections, isWrapped: true };
      return capture(exchange, request, asked, (captured) => app.answer?.(captured, ctx, place));
    }
    const value = await app.respond(exchange.role, asked, ctx);
    return isResponse(value) ? value : rendered(app.file, exchange, value);
  };
  return surround({ exchange, middleware: route.middleware, ctx, request, content });
}
