// One request as a worker sees it, and the two ways to answer it. lane.ts makes these from frames;
// everything else in workers/ knows only these shapes, so that it is tested without threads.

import type { Context } from "../src/app/context.ts";
import type { Fault } from "../src/base/fault.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import type { Role } from "../src/fastcgi/record.ts";
import type { AbortReason } from "../src/messages/lane.ts";

export type { Role };

/** A request body, as far as it has arrived. One reader at a time. */
export interface RequestBody {
  /** The whole body if all of it is already here and none was read, else undefined. Empty: length 0. */
  takeWhole(): Uint8Array | undefined;
  /**
   * The next piece, or undefined at the end. Taking a piece lets the sender send as much again.
   * Rejects with the exchange's abort reason when the client left in mid-body, and with a Fault
   * (REQUEST, LIMIT) when the body breaks its announced length or the pool's limit.
   */
  read(): Promise<Uint8Array | undefined>;
}

export interface WorkerExchange {
  readonly role: Role;
  readonly params: Params;
  readonly body: RequestBody;
  /** FCGI_DATA of the filter role; undefined for the others. */
  readonly data: RequestBody | undefined;
  /** When the pool will answer 504 in our stead; on the worker's `performance.now()`. Infinity: never. */
  readonly deadline: number;
  /** It is answered without the app, and nobody counts it. Default: false. */
  readonly rehearsal?: boolean;
  /** What its handler was given; undefined until then. */
  context?: Context<unknown> | undefined;
  /** Made when first looked at; aborts with `ABORT_REASONS` as `reason.message`. */
  readonly signal: AbortSignal;
  readonly aborted: AbortReason | undefined;
  /** Made when first looked at; resolves once the reply is complete, given up or no longer wanted. */
  readonly over: Promise<void>;

  /**
   * Answers with a whole reply. `head` is a CGI header block with its empty line. Does nothing if
   * the exchange was answered or aborted before. Any length: what is too long for one frame is streamed.
   */
  reply(status: number, head: string, body: string | Uint8Array | undefined, fault?: Fault): void;

  /** Answers with a head now and a body in pieces. */
  stream(status: number, head: string): ReplyStream;

  /** Writes a line about this exchange to the pool's log. */
  log(level: "error" | "warn" | "info" | "debug", message: string, fields?: Record<string, unknown>): void;
}

export interface ReplyStream {
  /** Resolves when more may be written; undefined when it may at once. Rejects once the exchange was aborted. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  end(): void;
  /** The body cannot be completed: the connection is cut so that the web server knows. */
  fail(fault: Fault): void;
}

/** What main.ts boots and feeds. `handle` neither throws nor rejects: every failure becomes a reply. */
export interface Host {
  handle(exchange: WorkerExchange): void;
  /**
   * Waits for open handlers and `waitUntil` promises, then disposes; at most until `deadline`
   * (performance.now()), of which the last `dispose_timeout` is dispose's own.
   */
  drain(deadline: number): Promise<void>;
}
