// A pool's address as something that takes requests: kept connections, at most so many of them, and a
// queue of bounded length and time for the rest.

import { Fault } from "../base/fault.ts";
import type { ListenAddress } from "../config/schema.ts";
import { PoolConnection, type PoolReply, type PoolRequest } from "./pool-connection.ts";

export interface ClientOptions {
  readonly address: ListenAddress;
  /** Without a byte from the pool for so long a request fails. */
  readonly timeoutMs: number;
  /** Connections that may be open at once. Default 128. */
  readonly maxConnections?: number;
  /** Requests that may wait for one. Default 1024. Beyond it: OVERLOAD. */
  readonly maxWaiting?: number;
  /** How long one may wait. Default 45 s. Longer: OVERLOAD. */
  readonly waitMs?: number;
  /** A line that the pool wrote on FCGI_STDERR. */
  readonly onStderr: (text: string) => void;
}

interface Waiting {
  take(connection: PoolConnection | undefined): void;
}

export class PoolClient {
  readonly #options: Required<ClientOptions>;
  #idle: PoolConnection[] = [];
  readonly #all = new Set<PoolConnection>();
  readonly #waiting = new Set<Waiting>();
  #opening = 0;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = { maxConnections: 128, maxWaiting: 1024, waitMs: 45_000, ...options };
  }

  /**
   * Resolves with the head of the reply. Rejects with a Fault whose `status` is for the client:
   * LISTEN and OVERLOAD 503, TIMEOUT 504, WORKER_LOST and PROTOCOL 502. Aborting `signal` ends the
   * exchange at any stage, and the pool learns of it.
   */
  async exchange(request: PoolRequest, signal: AbortSignal): Promise<PoolReply> {
    const connection = await this.#take(signal);
    const end = (): void => connection.destroy();
    if (signal.aborted) end();
    signal.throwIfAborted();
    signal.addEventListener("abort", end, { once: true });
    try {
      const reply = await connection.exchange(request);
      reply.body.once("close", () => signal.removeEventListener("abort", end));
      return reply;
    } catch (error) {
      signal.removeEventListener("abort", end);
      throw error;
    }
  }

  /** Cuts every connection; requests that wait are refused. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.destroy();
    for (const waiting of this.#waiting) waiting.take(undefined);
  }

  async #take(signal: AbortSignal): Promise<PoolConnection> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed) throw new Fault("LISTEN", "the front is closed", { status: 503 });
      const kept = this.#idle.pop();
      if (kept?.usable) return kept;
      if (kept !== undefined) continue;
      if (this.#all.size + this.#opening < this.#options.maxConnections) return this.#open();
      const freed = await this.#wait(signal);
      if (freed?.usable) return freed;
    }
  }

  async #open(): Promise<PoolConnection> {
    this.#opening += 1;
    try {
      const { address, timeoutMs, onStderr } = this.#options;
      const onFree = (connection: PoolConnection): void => this.#freed(connection);
      const connection = await PoolConnection.open(address, { timeoutMs, onStderr, onFree });
      this.#all.add(connection);
      if (this.#closed) connection.destroy();
      return connection;
    } finally {
      this.#opening -= 1;
    }
  }

  #freed(connection: PoolConnection): void {
    const { usable } = connection;
    if (!usable) {
      if (!this.#all.delete(connection)) return;
      this.#idle = this.#idle.filter((other) => other !== connection);
    }
    const [first] = this.#waiting;
    if (first !== undefined) {
      first.take(usable ? connection : undefined);
    } else if (usable) {
      connection.rest();
      this.#idle.push(connection);
    }
  }

  /** Resolves when it may be this one's turn, with the connection that became free. */
  #wait(signal: AbortSignal): Promise<PoolConnection | undefined> {
    const { maxWaiting, waitMs } = this.#options;
    if (this.#waiting.size >= maxWaiting) {
      throw new Fault("OVERLOAD", `more than ${maxWaiting} requests wait for a connection to the pool`);
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting);
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
      };
      const waiting: Waiting = {
        take: (connection) => {
          leave();
          resolve(connection);
        },
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        leave();
        reject(new Fault("OVERLOAD", `waited ${waitMs / 1000} s for a connection to the pool`));
      }, waitMs);
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.add(waiting);
    });
  }
}
