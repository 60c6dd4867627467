// One exchange answered by a `(req, res)` listener: makes both, follows what becomes of them, and
// turns whatever goes wrong into the end of this exchange and of no other.

import { AsyncResource } from "node:async_hooks";
import { IncomingMessage } from "node:http";
import { FAULTS, Fault, messageOf } from "../../src/base/fault.ts";
import type { WorkerExchange } from "../exchange.ts";
import { currentExchange } from "../output.ts";
import { traceOf } from "../trace.ts";
import { dismiss, makeRequest, type NodeRequest, readToEnd } from "./request.ts";
import { detach, drained, makeResponse, type NodeResponse } from "./response.ts";
import { type ReplyAdditions, Sender, type SenderOwner } from "./sender.ts";
import { RequestSocket, type SocketOwner } from "./socket.ts";
import type { Target } from "./target.ts";

/** What answers: bound to whatever it belongs to. */
export type Answer = (req: NodeRequest, res: NodeResponse) => unknown;

export interface CallOptions {
  readonly exchange: WorkerExchange;
  /** Knows what is to be done before the reply is sent; undefined: nothing. */
  readonly hooks: ReplyAdditions | undefined;
  readonly method: string;
  readonly target: Target;
  /** Told of a timeout that neither request nor response listens for; true if it does. */
  readonly serverTimedOut?: (socket: RequestSocket) => boolean;
}

/** Open exchanges, for errors that no listener's stack contains. */
const open = new Map<object, NodeCall>();

/** By which Node tells a request's AbortSignal that the end of its socket means nothing. */
const DETACH_SIGNAL = Object.getOwnPropertySymbols(IncomingMessage.prototype).find(
  ({ description }) => description === "kDetachAbortSignal",
);

/**
 * Undefined once it is answered; else resolves when it is, or when nobody wants the answer. Throws, or
 * rejects with, what went wrong while a 500 can still be sent.
 */
export function call(options: CallOptions, answer: Answer): Promise<void> | undefined {
  return new NodeCall(options).run(answer);
}

/** Errors thrown in a timer or an event of a request end that request; the worker is replaced as for any stray error. */
export function followStrayErrors(): void {
  const stray = (error: unknown): void => {
    const exchange = currentExchange.getStore();
    if (exchange !== undefined) open.get(exchange)?.fail(error);
  };
  process.on("uncaughtException", stray);
  process.on("unhandledRejection", stray);
}

class NodeCall implements SenderOwner, SocketOwner {
  readonly #options: CallOptions;
  readonly #socket: RequestSocket;
  readonly #req: NodeRequest;
  readonly #res: NodeResponse;
  readonly #sender: Sender;
  #failure: { readonly error: unknown } | undefined;
  #settle: PromiseWithResolvers<void> | undefined;

  constructor(options: CallOptions) {
    const { exchange, hooks, method, target } = options;
    this.#options = options;
    this.#socket = new RequestSocket(exchange.params, this);
    this.#req = makeRequest(exchange, this.#socket, method, target);
    this.#sender = new Sender(exchange, hooks, this);
    this.#res = makeResponse(this.#req, this.#socket, this.#sender);
  }

  run(answer: Answer): Promise<void> | undefined {
    try {
      const returned = answer(this.#req, this.#res);
      if (isThenable(returned)) returned.then(undefined, (error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#sender.isOver) return undefined;
    const { exchange } = this.#options;
    this.#settle = Promise.withResolvers();
    open.set(exchange, this);
    if (exchange.aborted !== undefined) this.#abort();
    else
      exchange.signal.addEventListener(
        "abort",
        AsyncResource.bind(() => this.#abort()),
        { once: true },
      );
    return this.#settle.promise;
  }

  /** Ends the exchange as failed; what comes after its end is worth a line. */
  fail(error: unknown): void {
    const { exchange } = this.#options;
    if (this.#sender.isOver) {
      if (exchange.aborted !== undefined) return;
      exchange.log("error", `the app failed after its reply: ${messageOf(error)}`, { stack: traceOf(error) });
      return;
    }
    const wasStreaming = this.#sender.isStreaming;
    const fault = error instanceof Fault ? error : new Fault("HANDLER", messageOf(error), { cause: error });
    this.#sender.cut(fault);
    if (wasStreaming) {
      const message = `the body of the reply failed: ${fault.message}`;
      exchange.log(FAULTS[fault.code].level, message, { stack: traceOf(error) });
      this.over();
    } else {
      open.delete(exchange);
      this.#failure = { error };
      this.#settle?.reject(error);
    }
    this.#disconnect();
  }

  // ---- of the sender -----------------------------------------------------------------------------

  drained(): void {
    drained(this.#res);
  }

  active(): void {
    this.#socket.active();
  }

  sent(): void {
    const socket = this.#socket;
    socket.release();
    dismiss(this.#req);
    detach(this.#res, socket);
    if (socket.listenerCount("close") === 0 || socket.destroyed) return;
    // Whoever waits for the end of the connection need not wait for ever.
    if (DETACH_SIGNAL !== undefined) (this.#req as unknown as Record<symbol, () => void>)[DETACH_SIGNAL]?.();
    if (readToEnd(this.#req) === undefined) socket.destroy();
  }

  over(): void {
    open.delete(this.#options.exchange);
    this.#settle?.resolve();
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  readToEnd(): Promise<void> | undefined {
    return readToEnd(this.#req);
  }

  // ---- of the socket -----------------------------------------------------------------------------

  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }

  closed(error: Error | null): void {
    if (this.#sender.isOver) return;
    this.fail(error ?? new Fault("HANDLER", "the app closed the connection before its reply was complete"));
  }

  timedOut(socket: RequestSocket): boolean {
    const byRequest = !this.#req.complete && this.#req.emit("timeout", socket);
    const byResponse = this.#res.emit("timeout", socket);
    return byRequest || byResponse || (this.#options.serverTimedOut?.(socket) ?? false);
  }

  #abort(): void {
    if (this.#sender.isOver) return;
    this.#sender.abort();
    this.over();
    this.#disconnect();
  }

  /** As when a client's connection breaks: both ends are told, and 'finish' never comes. */
  #disconnect(): void {
    this.#req.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
    this.#socket.destroy();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
