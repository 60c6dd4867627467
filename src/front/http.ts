// The built-in HTTP front: what stands before a pool where there is no Apache. It speaks FastCGI to
// the same socket, so everything behind it is what runs behind Apache. For development: no TLS, no
// HTTP/2, no access rules.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { FAULTS, Fault } from "../base/fault.ts";
import { isNotModified, keptBy304 } from "../base/preconditions.ts";
import { CgiResponseParser } from "../cgi/parse-response.ts";
import { refusalReply } from "../cgi/response.ts";
import type { ListenAddress } from "../config/schema.ts";
import type { Log } from "../telemetry/log.ts";
import { metaVariables } from "./meta-variables.ts";
import { PoolClient } from "./pool-client.ts";
import type { PoolReply } from "./pool-connection.ts";

export interface HttpFrontOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The pool's socket. */
  readonly backend: ListenAddress;
  /** Without a byte from the pool for so long a request fails with 504. */
  readonly timeoutMs: number;
  /** Sent as DOCUMENT_ROOT. */
  readonly documentRoot: string;
  readonly log: Log;
}

export interface HttpFront {
  readonly port: number;
  /** Takes nothing new and lets open requests finish, at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}

/** A client that neither sends nor takes a byte for so long is cut. Apache's own default. */
const CLIENT_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** What is left of an upload after an early reply is read to here, so that the client reads the reply. */
const DISCARD_LIMIT_BYTES = 64 * 1024 * 1024;
const DISCARD_LIMIT_MS = 10_000;

/** Resolves when it accepts connections. Rejects with Fault LISTEN. */
export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  const { host, log } = options;
  const client = new PoolClient({
    address: options.backend,
    timeoutMs: options.timeoutMs,
    onStderr: (text) => log.error(text),
  });
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 }, (request, response) => {
    serve(request, response, client, options).catch((error) => {
      report(request, error, log);
      response.destroy();
    });
  });
  server.setTimeout(Math.max(CLIENT_TIMEOUT_MS, options.timeoutMs + 1000));
  await listen(server, host, options.port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async close(withinMs) {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), withinMs);
      await closed;
      clearTimeout(timer);
      client.close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      const hint = "choose another port with --port";
      throw new Fault("LISTEN", `${host}:${port} is in use by another program`, { hint, cause });
    }
    if (code === "EACCES") {
      const hint = "choose a port from 1024 with --port";
      throw new Fault("LISTEN", `${host}:${port} may not be used by this user`, { hint, cause });
    }
    throw new Fault("LISTEN", `cannot listen on ${host}:${port}: ${message}`, { cause });
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  client: PoolClient,
  options: HttpFrontOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Fault("REQUEST", "the client went away")));
  try {
    const params = metaVariables({
      method: request.method ?? "GET",
      target: request.url ?? "/",
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      local: { address: request.socket.localAddress ?? options.host, port: request.socket.localPort ?? options.port },
      remote: { address: request.socket.remoteAddress ?? "", port: request.socket.remotePort ?? 0 },
      documentRoot: options.documentRoot,
    });
    const body = hasBody(request) ? request.iterator({ destroyOnReturn: false }) : undefined;
    const reply = await client.exchange({ params, body }, gone.signal);
    reply.body.once("error", (error) => {
      if (!gone.signal.aborted) report(request, error, options.log);
    });
    await answer(request, response, reply);
  } catch (error) {
    // After the head only a cut tells the client that the body is not whole.
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else await refuse(request, response, report(request, error, options.log));
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

async function answer(request: IncomingMessage, response: ServerResponse, reply: PoolReply): Promise<void> {
  const header = (name: string): string | undefined =>
    reply.headers.find(([other]) => other.toLowerCase() === name)?.[1];
  const fresh =
    reply.status === 200 &&
    (request.method === "GET" || request.method === "HEAD") &&
    isNotModified(
      { ifNoneMatch: request.headers["if-none-match"], ifModifiedSince: request.headers["if-modified-since"] },
      { etag: header("etag"), lastModified: header("last-modified") },
    );
  const headers = reply.headers.filter(([name]) => !isHopByHop(name) && (!fresh || keptBy304(name)));
  response.writeHead(fresh ? 304 : reply.status, headers.flat());
  if (reply.body.readableLength === 0 && !reply.body.readableEnded) response.flushHeaders();
  if (fresh || request.method === "HEAD") {
    reply.body.resume();
    await once(reply.body, "end");
  } else {
    await pipeline(reply.body, response, { end: false });
  }
  await finish(request, response);
}

/** [RFC 9110 §7.6.1]: about this connection, which is ours. */
function isHopByHop(name: string): boolean {
  return /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade)$/i.test(name);
}

function report({ method, url }: IncomingMessage, error: unknown, log: Log): Fault {
  const fault = error instanceof Fault ? error : new Fault("WORKER_LOST", String(error), { cause: error });
  log[FAULTS[fault.code].level](fault.message, { method, url });
  return fault;
}

async function refuse(request: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
  const { status, head, body } = refusalReply(fault.status === 0 ? new Fault("WORKER_LOST", fault.message) : fault);
  const headers = new CgiResponseParser().push(Buffer.from(head, "latin1"))?.headers ?? [];
  response.writeHead(status, headers.flat());
  response.write(request.method === "HEAD" ? "" : body);
  await finish(request, response);
}

/** Ends the reply. A client that is answered in mid-upload reads that answer only if we read on. */
async function finish(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.complete || response.destroyed) {
    response.end();
    return;
  }
  response.flushHeaders();
  const whole = await discardRest(request);
  response.end(whole ? undefined : () => request.destroy());
}

/** Resolves with whether the request was read to its end; false at a limit or when the client left. */
function discardRest(request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    let discarded = 0;
    const done = (whole: boolean): void => {
      clearTimeout(timer);
      resolve(whole);
    };
    const timer = setTimeout(() => done(false), DISCARD_LIMIT_MS);
    request.once("end", () => done(true));
    request.once("close", () => done(false));
    request.on("data", (piece: Buffer) => {
      discarded += piece.length;
      if (discarded > DISCARD_LIMIT_BYTES) done(false);
    });
    request.resume();
  });
}
