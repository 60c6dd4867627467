// One connection to a pool, seen from the web server: one exchange at a time, as Apache has it, with
// bodies streamed both ways. A reply that the pool cuts short errs; it never looks complete.

import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { Fault } from "../base/fault.ts";
import { type CgiResponse, CgiResponseParser } from "../cgi/parse-response.ts";
import type { ListenAddress } from "../config/schema.ts";
import type { NameValue } from "../fastcgi/name-values.ts";
import {
  encodeRequest,
  encodeStdin,
  encodeStdinEnd,
  ResponseDecoder,
  type WebServerEvent,
} from "../fastcgi/web-server.ts";

export interface PoolRequest {
  readonly params: Iterable<NameValue>;
  /** Undefined: no body. An error of it ends the exchange. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
}

export interface PoolReply {
  readonly status: number;
  /** One char per byte. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Errs with a Fault when the pool breaks off. Destroying it ends the exchange. */
  readonly body: Readable;
}

export interface ConnectionOptions {
  /** Without a byte from the pool for so long the exchange fails. */
  readonly timeoutMs: number;
  /** A line that the pool wrote on FCGI_STDERR. */
  readonly onStderr: (text: string) => void;
  /** The exchange is over: the connection can take another, or is gone. */
  readonly onFree: (connection: PoolConnection) => void;
}

const CONNECT_TIMEOUT_MS = 5000;
/** Apache always uses this one. */
const ID = 1;

interface Current {
  readonly parser: CgiResponseParser;
  readonly settle: { resolve(reply: PoolReply): void; reject(error: unknown): void };
  body: Readable | undefined;
  bodySent: boolean;
}

export class PoolConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #decoder = new ResponseDecoder();
  #current: Current | undefined;

  /** Rejects with Fault LISTEN (503) when nobody accepts. */
  static open(address: ListenAddress, options: ConnectionOptions): Promise<PoolConnection> {
    const socket = connect(socketOptions(address));
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void => {
        socket.destroy();
        reject(new Fault("LISTEN", `the pool cannot be reached: ${why}`, { status: 503, cause }));
      };
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`));
      socket.once("error", (error) => fail(error.message, error));
      socket.once("connect", () => {
        socket.removeAllListeners();
        resolve(new PoolConnection(socket, options));
      });
    });
  }

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.setTimeout(options.timeoutMs, () => this.#timedOut());
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (cause) => this.#fail(new Fault("WORKER_LOST", `the pool: ${cause.message}`, { cause })));
    socket.on("close", () => this.#fail(new Fault("WORKER_LOST", "the pool closed the connection in mid-reply")));
  }

  get usable(): boolean {
    return this.#current === undefined && !this.#socket.destroyed;
  }

  /** Keeps the process alive only while something is going on. */
  rest(): void {
    this.#socket.unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves with the head of the reply. Rejects with a Fault whose `status` says what to tell the client. */
  exchange(request: PoolRequest): Promise<PoolReply> {
    this.#socket.ref();
    return new Promise((resolve, reject) => {
      const current: Current = {
        parser: new CgiResponseParser(),
        settle: { resolve, reject },
        body: undefined,
        bodySent: false,
      };
      this.#current = current;
      this.#send(request, current).catch((error) => this.#fail(error));
    });
  }

  async #send({ params, body }: PoolRequest, current: Current): Promise<void> {
    this.#socket.write(encodeRequest({ id: ID, keepConn: true, params }));
    if (body !== undefined) {
      for await (const piece of body) {
        if (this.#current !== current) return;
        if (piece.length > 0 && !this.#socket.write(encodeStdin(ID, piece))) await this.#drained();
      }
    }
    if (this.#current !== current) return;
    current.bodySent = true;
    this.#socket.write(encodeStdinEnd(ID));
  }

  #drained(): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done).off("close", done);
        resolve();
      };
      this.#socket.on("drain", done).on("close", done);
    });
  }

  #receive(chunk: Buffer): void {
    for (const event of this.#decoder.receive(chunk)) this.#receiveEvent(event);
  }

  #receiveEvent(event: WebServerEvent): void {
    const current = this.#current;
    switch (event.kind) {
      case "fault":
        this.#fail(event.fault);
        break;
      case "stdout":
        // After the end of a reply nothing may follow: it would become part of the next one.
        if (current === undefined) this.destroy();
        else this.#receiveOutput(current, event.bytes);
        break;
      case "stderr":
        this.#options.onStderr(event.bytes.toString("utf8").trimEnd());
        break;
      case "end":
        if (current === undefined) this.destroy();
        else this.#receiveEnd(current);
        break;
      case "values":
      case "unknown-type":
        break;
    }
  }

  #receiveOutput(current: Current, bytes: Buffer): void {
    if (current.body !== undefined) {
      this.#deliver(current.body, bytes);
      return;
    }
    let head: CgiResponse | undefined;
    try {
      head = current.parser.push(Buffer.from(bytes));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (head === undefined) return;
    current.body = new Readable({
      read: () => {
        if (this.#current === current) this.#socket.resume();
      },
      destroy: (error, done) => {
        // Destroyed before its end: nobody wants the rest.
        if (this.#current === current) this.destroy();
        done(error);
      },
    });
    if (head.rest.length > 0) this.#deliver(current.body, head.rest);
    current.settle.resolve({ status: head.status, headers: head.headers, body: current.body });
  }

  #deliver(body: Readable, bytes: Buffer): void {
    if (!body.push(bytes)) this.#socket.pause();
  }

  #receiveEnd(current: Current): void {
    if (current.body === undefined) {
      this.#fail(new Fault("PROTOCOL", "the pool ended its reply without a head", { status: 502 }));
      return;
    }
    this.#current = undefined;
    current.body.push(null);
    this.#socket.resume();
    // What is left of the request's body cannot be told from the next request's.
    if (!current.bodySent) this.destroy();
    this.#options.onFree(this);
  }

  #timedOut(): void {
    // A client that reads slowly has paused us; its own connection has a timeout.
    if (this.#current === undefined || this.#socket.isPaused()) return;
    const seconds = this.#options.timeoutMs / 1000;
    this.#fail(new Fault("TIMEOUT", `the pool sent nothing for ${seconds} s`));
  }

  #fail(error: unknown): void {
    const current = this.#current;
    this.#current = undefined;
    this.destroy();
    if (current !== undefined) {
      if (current.body === undefined) current.settle.reject(error);
      else current.body.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    this.#options.onFree(this);
  }
}

function socketOptions(address: ListenAddress): { path: string } | { host: string; port: number } {
  switch (address.kind) {
    case "unix":
      return { path: address.path };
    case "tcp":
      return { host: address.host, port: address.port };
    case "systemd":
      throw new Fault("LISTEN", `the address of ${address.name} is known to systemd only`);
  }
}
