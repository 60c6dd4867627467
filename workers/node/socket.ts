// What a Node app takes for the client's connection: the addresses that the web server saw, timeouts
// that run, and an end. No byte passes through it: one exchange is no connection, and a kept one
// behind the web server carries the requests of many clients.

import { Duplex } from "node:stream";
import { isSecure, remoteAddress } from "../../src/cgi/variables.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";

export interface SocketOwner {
  /** The socket was destroyed, by the app or by us. */
  closed(error: Error | null): void;
  /** Bytes of the reply that wait for the web server. */
  readonly queuedBytes: number;
  /** Nothing came or went for the time that was asked for; true if somebody was told. */
  timedOut(socket: RequestSocket): boolean;
}

export class RequestSocket extends Duplex {
  readonly encrypted: true | undefined;
  readonly connecting = false;
  readonly pending = false;
  /** Milliseconds; undefined: none was asked for. */
  timeout: number | undefined;
  readonly #params: Params;
  readonly #owner: SocketOwner;
  #timer: NodeJS.Timeout | undefined;

  constructor(params: Params, owner: SocketOwner) {
    super();
    this.#params = params;
    this.#owner = owner;
    this.encrypted = isSecure(params) ? true : undefined;
  }

  get remoteAddress(): string | undefined {
    return remoteAddress(this.#params).address || undefined;
  }

  get remotePort(): number | undefined {
    return remoteAddress(this.#params).port;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#params.get("SERVER_ADDR") || undefined;
  }

  get localPort(): number | undefined {
    const port = Number(this.#params.get("SERVER_PORT"));
    return Number.isInteger(port) && port > 0 ? port : undefined;
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress);
  }

  /** Whether the web server has verified the client's certificate. */
  get authorized(): boolean {
    return this.#params.get("SSL_CLIENT_VERIFY") === "SUCCESS";
  }

  get readyState(): string {
    return this.destroyed ? "closed" : "open";
  }

  static queuedBytes(socket: RequestSocket): number {
    return socket.#owner.queuedBytes;
  }

  address(): object {
    return { address: this.localAddress, port: this.localPort, family: this.localFamily };
  }

  /** As of a client that has shown none: the web server keeps it. */
  getPeerCertificate(): object {
    return {};
  }

  getProtocol(): string | null {
    return this.#params.get("SSL_PROTOCOL") ?? null;
  }

  getCipher(): object {
    return { name: this.#params.get("SSL_CIPHER"), version: this.getProtocol() };
  }

  /** As net.Socket: 0 turns it off. */
  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms;
    clearTimeout(this.#timer);
    this.#timer = ms > 0 ? setTimeout(() => this.#expired(), ms).unref() : undefined;
    if (listener !== undefined && ms > 0) this.once("timeout", listener);
    else if (listener !== undefined) this.removeListener("timeout", listener);
    return this;
  }

  /** Bytes came or went. */
  active(): void {
    this.#timer?.refresh();
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }

  /** The exchange is over: nothing will time out. */
  release(): void {
    clearTimeout(this.#timer);
  }

  override _read(): void {
    // The body of a request is read from the request.
  }

  override _write(_chunk: unknown, _encoding: string, done: (error: Error) => void): void {
    done(new Error("nothing can be written to the socket of a request: its reply goes through FastCGI"));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.release();
    this.#owner.closed(error);
    // Without a listener it would end the worker; what failed is told by its reply.
    done(this.listenerCount("error") > 0 ? error : null);
  }

  #expired(): void {
    this.emit("timeout");
    if (!this.#owner.timedOut(this)) this.destroy();
  }
}

Object.defineProperty(RequestSocket.prototype, "writableLength", {
  configurable: true,
  get(this: RequestSocket): number {
    return RequestSocket.queuedBytes(this);
  },
});

function familyOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes(":") ? "IPv6" : "IPv4";
}
