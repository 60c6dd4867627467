// The one argument of a handler that speaks the draft Fetch Server API of WinterTC (ECMA TC55,
// github.com/jasnell/proposal-fetch-server): its core layer, over our context. What FastCGI has no
// way for refuses or degrades as the draft says [§ conformance].

import type { Context } from "../../src/app/context.ts";

/** Which version of the draft a handler object is written against. */
export const PROTOCOL_MARKER = Symbol.for("wintertc.server.protocol");

interface SocketAddress {
  readonly address: string;
  readonly port: number;
  readonly family: string;
}

/** [RFC 9218 §4] */
const NO_PRIORITY = Object.freeze({ urgency: 3, incremental: false });

export class ServerContext {
  readonly request: Request;
  readonly autoContinue = true;
  readonly clientPriority = NO_PRIORITY;
  /** Advisory in the draft: accepted and ignored, as are those of `onpriority`. */
  serverPriority: unknown = null;
  onpriority: unknown = null;
  readonly completed = null;
  readonly #ctx: Context;
  #isDenied = false;

  constructor(request: Request, ctx: Context) {
    this.request = request;
    this.#ctx = ctx;
  }

  /** Whether the handler has declined the request. */
  static isDenied(context: ServerContext): boolean {
    return context.#isDenied;
  }

  get remoteAddress(): SocketAddress {
    const { address, port } = this.#ctx.remoteAddress;
    return socketAddress(address, port);
  }

  get localAddress(): SocketAddress {
    const { SERVER_ADDR = "", SERVER_PORT } = this.#ctx.env;
    return socketAddress(SERVER_ADDR, Number(SERVER_PORT));
  }

  get alpnProtocol(): string {
    return this.#ctx.env.SERVER_PROTOCOL?.startsWith("HTTP/2") === true ? "h2" : "http/1.1";
  }

  get encrypted(): boolean {
    return this.request.url.startsWith("https:");
  }

  get serverName(): string | null {
    return this.#ctx.env.SSL_TLS_SNI || null;
  }

  waitUntil(promise: PromiseLike<unknown>): void {
    this.#ctx.waitUntil(promise);
  }

  /** The request was not processed: a 503, as the draft allows where no stream can be reset. */
  deny(_error?: unknown): void {
    this.#isDenied = true;
  }

  sendInformational(): never {
    throw new DOMException("FastCGI has no way for informational responses", "NotSupportedError");
  }
}

type Method = (...args: unknown[]) => unknown;

/** What answers for a handler object that has `fetch(ctx)`, and perhaps `error(ctx, error)`. */
export function serverProtocolHandle(
  fetch: Method,
  handleError: Method | undefined,
): (request: Request, ctx: Context) => unknown {
  const answer = async (context: ServerContext): Promise<unknown> => {
    try {
      return await fetch(context);
    } catch (error) {
      if (handleError === undefined) throw error;
      const response = await handleError(context, error);
      if (response === undefined && !ServerContext.isDenied(context)) throw error;
      return response;
    }
  };
  return async (request, ctx) => {
    const context = new ServerContext(request, ctx);
    const returned = await answer(context);
    if (returned !== undefined || !ServerContext.isDenied(context)) return returned;
    return new Response("Service Unavailable\n", { status: 503, headers: { "retry-after": "1" } });
  };
}

function socketAddress(address: string, port: number | undefined): SocketAddress {
  const known = port !== undefined && Number.isInteger(port) ? port : 0;
  return { address, port: known, family: address.includes(":") ? "IPv6" : "IPv4" };
}
