// A web server's end of one FastCGI connection, for tests: asks, collects the replies, and can send
// any bytes at all. Every wait has a deadline, so a test that goes wrong fails instead of hanging.

import net from "node:net";
import { type CgiResponse, CgiResponseParser } from "../../src/cgi/parse-response.ts";
import type { NameValue } from "../../src/fastcgi/name-values.ts";
import type { Role } from "../../src/fastcgi/record.ts";
import {
  encodeData,
  encodeDataEnd,
  encodeRequest,
  encodeStdin,
  encodeStdinEnd,
  ResponseDecoder,
  type WebServerEvent,
} from "../../src/fastcgi/web-server.ts";

export type FastCgiAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export interface ClientRequest {
  readonly params: Iterable<NameValue> | Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** What a filter is to filter. */
  readonly data?: string | Uint8Array;
  /** Default responder. */
  readonly role?: Role;
  /** Default true: the connection can be asked again. */
  readonly keepConn?: boolean;
  /** Default 1. Several may be open at once under different ids. */
  readonly id?: number;
}

export interface ClientReply {
  /** 0 if END_REQUEST came without a CGI header block. */
  readonly status: number;
  /** Names in lower case, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly stderr: string;
  readonly appStatus: number;
  readonly protocolStatus: number;
  /** The first value of a header, or undefined. */
  header(name: string): string | undefined;
}

export interface FastCgiClient {
  /** Resolves at END_REQUEST; rejects when the connection breaks before it, or at the deadline. */
  request(request: ClientRequest): Promise<ClientReply>;
  /** Sends BEGIN_REQUEST and the parameters only. */
  begin(request: ClientRequest): void;
  /** The reply to a request that was sent with `begin` or `send`. */
  reply(id?: number): Promise<ClientReply>;
  /** Any bytes, as they are. */
  send(bytes: Uint8Array): void;
  /** Half-close: nothing more will be sent. */
  endSending(): void;
  /** Everything that came, in order. */
  readonly events: readonly WebServerEvent[];
  /** Lets go of what came until now, between requests. */
  forget(): void;
  /** The first event, past or coming, that fits. */
  event(fits: (event: WebServerEvent) => boolean): Promise<WebServerEvent>;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>;
  readonly socket: net.Socket;
  /** Ends the connection and waits until it is gone. */
  close(): Promise<void>;
}

export interface ClientOptions {
  /** Of every wait. Default 5,000. */
  readonly timeoutMs?: number;
}

export async function connectFastCgi(
  address: FastCgiAddress,
  { timeoutMs = 15_000 }: ClientOptions = {},
): Promise<FastCgiClient> {
  const socket = net.connect({ ...address, allowHalfOpen: true });
  const connected = Promise.withResolvers<void>();
  socket.once("connect", connected.resolve).once("error", connected.reject);
  try {
    await withDeadline(connected.promise, timeoutMs, "the connection");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return new Client(socket, timeoutMs);
}

interface Waiter {
  readonly wakes: () => boolean;
  readonly fail: (error: Error) => void;
}

class Client implements FastCgiClient {
  readonly socket: net.Socket;
  readonly closed: Promise<void>;
  readonly events: WebServerEvent[] = [];
  readonly #timeoutMs: number;
  readonly #decoder = new ResponseDecoder();
  /** Where the reply of an id begins in `events`. */
  readonly #firstEvent = new Map<number, number>();
  readonly #waiters = new Set<Waiter>();
  #failure: Error | undefined;
  #isClosed = false;

  constructor(socket: net.Socket, timeoutMs: number) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on("data", (chunk: Buffer) => {
      this.events.push(...this.#decoder.receive(chunk));
      for (const waiter of this.#waiters) if (waiter.wakes()) this.#waiters.delete(waiter);
    });
    socket.on("end", () => socket.end());
    socket.on("error", (error) => {
      this.#failure = error;
    });
    socket.on("close", () => {
      this.#isClosed = true;
      const error = new Error("the connection closed first", { cause: this.#failure });
      for (const waiter of this.#waiters) waiter.fail(error);
      this.#waiters.clear();
      closed.resolve();
    });
  }

  request(request: ClientRequest): Promise<ClientReply> {
    const { id = 1, body = "", data, role } = request;
    this.begin(request);
    this.send(Buffer.concat([encodeStdin(id, Buffer.from(body)), encodeStdinEnd(id)]));
    if (role === "filter") this.send(Buffer.concat([encodeData(id, Buffer.from(data ?? "")), encodeDataEnd(id)]));
    return this.reply(id);
  }

  begin({ params, role = "responder", keepConn = true, id = 1 }: ClientRequest): void {
    this.#firstEvent.set(id, this.events.length);
    const pairs = Symbol.iterator in params ? (params as Iterable<NameValue>) : Object.entries(params);
    this.send(encodeRequest({ id, role, keepConn, params: pairs }));
  }

  reply(id = 1): Promise<ClientReply> {
    const first = this.#firstEvent.get(id) ?? 0;
    return this.#wait(`the reply to request ${id}`, () => {
      const end = this.events.findIndex((event, at) => at >= first && event.kind === "end" && event.id === id);
      return end < 0 ? undefined : replyOf(this.events.slice(first, end + 1), id);
    });
  }

  event(fits: (event: WebServerEvent) => boolean): Promise<WebServerEvent> {
    return this.#wait("an event", () => this.events.find(fits));
  }

  forget(): void {
    this.events.length = 0;
    this.#firstEvent.clear();
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  endSending(): void {
    this.socket.end();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await withDeadline(this.closed, this.#timeoutMs, "the end of the connection");
  }

  async #wait<T>(what: string, find: () => T | undefined): Promise<T> {
    const found = find();
    if (found !== undefined) return found;
    if (this.#isClosed) throw new Error("the connection is closed", { cause: this.#failure });
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter = {
      wakes: () => {
        try {
          const value = find();
          if (value !== undefined) resolve(value);
          return value !== undefined;
        } catch (error) {
          reject(error);
          return true;
        }
      },
      fail: reject,
    };
    this.#waiters.add(waiter);
    return withDeadline(promise, this.#timeoutMs, what).finally(() => this.#waiters.delete(waiter));
  }
}

function replyOf(events: readonly WebServerEvent[], id: number): ClientReply {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let end = { appStatus: 0, protocolStatus: 0 };
  for (const event of events) {
    if (event.kind === "stdout" && event.id === id) stdout.push(event.bytes);
    if (event.kind === "stderr" && event.id === id) stderr.push(event.bytes);
    if (event.kind === "end" && event.id === id) end = event;
  }
  const head: CgiResponse | undefined = new CgiResponseParser().push(Buffer.concat(stdout));
  const headers = (head?.headers ?? []).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    status: head?.status ?? 0,
    headers,
    body: head?.rest ?? Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
    appStatus: end.appStatus,
    protocolStatus: end.protocolStatus,
    header: (name) => headers.find(([candidate]) => candidate === name.toLowerCase())?.[1],
  };
}

async function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
