// Runs the middleware of a request around its content, phase by phase, as Apache ran mod_python's
// handlers: all folders' `access`, outermost first, then all folders' `authenticate`, and so on.

import type { MiddlewareContext } from "../../src/app/middleware.ts";
import { Fault } from "../../src/base/fault.ts";
import type { RequestContext } from "../context.ts";
import type { WorkerExchange } from "../exchange.ts";
import { isResponse } from "../response.ts";
import { summaryOf, traceOf } from "../trace.ts";
import { checkedFilter, filteredRequest, filteredResponse, ignoreRange } from "./filters.ts";
import type { LoadedMiddleware, PhaseName } from "./module.ts";
import { Tally } from "./tally.ts";
import { viewOf } from "./view.ts";

export interface Surrounded {
  readonly exchange: WorkerExchange;
  /** Outermost first. */
  readonly middleware: readonly LoadedMiddleware[];
  readonly ctx: RequestContext;
  readonly request: Request;
  /** What is inside; called at most once. */
  content(request: Request): Promise<Response>;
}

/** Those that may answer instead of the content. */
const BEFORE = ["begin", "access", "authenticate", "authorize", "fixup"] as const;

/** Resolves with the answer, whoever gave it. Rejects with what was thrown, the middleware's file named. */
export async function surround(surrounded: Surrounded): Promise<Response> {
  const layers = surrounded.middleware.map((each) => new Layer(each, surrounded.ctx));
  if (layers.some((layer) => layer.has("filterResponse"))) ignoreRange(surrounded.exchange);
  const tally = tallyFor(surrounded, layers);
  try {
    return await answer(surrounded, layers);
  } catch (error) {
    if (tally !== undefined) tally.error = error;
    throw error;
  }
}

async function answer({ request, content }: Surrounded, layers: readonly Layer[]): Promise<Response> {
  for (const phase of BEFORE) {
    for (const layer of layers) {
      const result = await layer.call(phase, request);
      if (isResponse(result)) return result;
      if (result !== undefined) throw layer.wrongResult(phase, "neither a Response nor nothing");
    }
  }
  let asked = request;
  for (const layer of layers) {
    // Whoever looks at `body` has begun to take it.
    if (!layer.has("filterRequest") || asked.body === null) continue;
    const filter = layer.filter("filterRequest", asked);
    if (filter !== undefined) asked = filteredRequest(asked, filter);
  }
  let response = await inner(layers, 0, asked, content);
  for (const layer of layers.toReversed()) {
    if (!layer.has("filterResponse")) continue;
    const filter = layer.filter("filterResponse", asked, response);
    if (filter !== undefined) response = filteredResponse(response, filter);
  }
  return response;
}

/** The `wrap` of this layer around those of the next ones around the content. */
async function inner(
  layers: readonly Layer[],
  at: number,
  request: Request,
  content: Surrounded["content"],
): Promise<Response> {
  const layer = layers[at];
  if (layer === undefined) return content(request);
  if (!layer.has("wrap")) return inner(layers, at + 1, request, content);
  let called = false;
  const failed = new Set<unknown>();
  const next = async (changed: Request = request): Promise<Response> => {
    if (called) throw new Fault("HANDLER", `wrap of ${layer.file} called next() twice`);
    called = true;
    try {
      return await inner(layers, at + 1, changed, content);
    } catch (error) {
      failed.add(error);
      throw error;
    }
  };
  // What comes from further in is not this one's failure.
  const result = await layer.call("wrap", request, next, failed);
  if (!isResponse(result)) throw layer.wrongResult("wrap", "no Response");
  return result;
}

/** `log` follows the reply, then what was deferred runs, then `cleanup`. */
function tallyFor({ exchange, ctx, request }: Surrounded, layers: readonly Layer[]): Tally | undefined {
  const loggers = layers.filter((layer) => layer.has("log"));
  const cleaners = layers.filter((layer) => layer.has("cleanup"));
  if (loggers.length === 0 && cleaners.length === 0) return undefined;
  const tally = new Tally(exchange);
  const run = async (phase: "log" | "cleanup", among: readonly Layer[], ...args: unknown[]): Promise<void> => {
    for (const layer of among) {
      try {
        await layer.call(phase, request, ...args);
      } catch (error) {
        exchange.log("error", `${phase} of ${layer.file} failed`, { stack: traceOf(error) });
      }
    }
  };
  // Deferred work runs last first: what is deferred before everything else runs after it, and what is
  // deferred when the reply is over runs before it.
  if (loggers.length > 0) {
    ctx.waitUntil(exchange.over.then(() => ctx.defer(() => run("log", loggers, tally.outcome()))));
  }
  if (cleaners.length > 0) ctx.defer(() => run("cleanup", cleaners.toReversed()));
  return tally;
}

/** One middleware and the context as it sees it. */
class Layer {
  readonly #middleware: LoadedMiddleware;
  readonly #ctx: MiddlewareContext;

  constructor(middleware: LoadedMiddleware, ctx: RequestContext) {
    this.#middleware = middleware;
    this.#ctx = viewOf(ctx, middleware.state);
  }

  get file(): string {
    return this.#middleware.file;
  }

  has(phase: PhaseName): boolean {
    return this.#middleware.phases[phase] !== undefined;
  }

  /** Undefined where it has no such phase. Rejects with a Fault that names the file, or with one of `known`. */
  async call(phase: PhaseName, request: Request, third?: unknown, known?: ReadonlySet<unknown>): Promise<unknown> {
    try {
      return await this.#middleware.phases[phase]?.(request, this.#ctx, third);
    } catch (error) {
      if (known?.has(error) === true) throw error;
      throw this.#failure(phase, error);
    }
  }

  filter(phase: "filterRequest" | "filterResponse", request: Request, response?: Response) {
    let filter: unknown;
    try {
      filter = this.#middleware.phases[phase]?.(request, this.#ctx, response);
    } catch (error) {
      throw this.#failure(phase, error);
    }
    return checkedFilter(filter, this.file, phase);
  }

  wrongResult(phase: PhaseName, what: string): Fault {
    const hint =
      phase === "wrap"
        ? "Return next(), or a Response."
        : "Return new Response(…) to answer, nothing to go on. A boolean means nothing here.";
    return new Fault("HANDLER", `${phase} of ${this.file} returned ${what}`, { hint });
  }

  /** The stack stays the author's; what the request itself is to blame for keeps its status. */
  #failure(phase: PhaseName, error: unknown): unknown {
    if (error instanceof Fault && error.code !== "BOOT") return error;
    const fault = new Fault("HANDLER", `${phase} of ${this.file} failed: ${summaryOf(error)}`, { cause: error });
    fault.stack = traceOf(error);
    return fault;
  }
}
