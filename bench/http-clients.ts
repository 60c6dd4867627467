// HTTP clients that keep their connections to Apache, as fast as they are answered or at a steady rate.
// Every response is looked at; one that is not right, or does not come, is a failure with its reason.
// At a steady rate the latency counts from when a request was due, so a pause hides nobody's wait.

import { connect, type Socket } from "node:net";
import { quantile } from "./statistics.ts";

/** Longer than any pause that could be called a wait, ms. */
const ANSWER_TIMEOUT_MS = 20_000;

export interface HttpClientsOptions {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  /** Of all clients together; undefined: each asks again when it is answered. */
  readonly requestsPerSecond?: number;
  /** What every body must be. */
  readonly body: string;
}

export interface HttpReport {
  readonly answered: number;
  readonly seconds: number;
  readonly failures: readonly string[];
  /** Of what was answered, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class HttpClients {
  readonly #options: HttpClientsOptions;
  readonly #failures: string[] = [];
  /** When each of them was asked for. */
  readonly #failedFrom: number[] = [];
  #latencies: number[] = [];
  #answered = 0;
  readonly #since = performance.now();
  readonly #runs: readonly Promise<void>[];
  #stopping = false;

  constructor(options: HttpClientsOptions) {
    this.#options = options;
    this.#runs = Array.from({ length: options.clients }, (_, index) => this.#run(index));
  }

  get answered(): number {
    return this.#answered;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Failures of requests that were asked for after `instant`, by performance.now(). */
  failedSince(instant: number): number {
    return this.#failedFrom.filter((from) => from > instant).length;
  }

  /** Lets every client finish what it has asked for. */
  async stop(): Promise<HttpReport> {
    this.#stopping = true;
    await Promise.all(this.#runs);
    const sorted = this.#latencies.sort((a, b) => a - b);
    const seconds = (performance.now() - this.#since) / 1000;
    return {
      answered: this.#answered,
      seconds,
      failures: this.#failures,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      maxMs: quantile(sorted, 1),
    };
  }

  async #run(index: number): Promise<void> {
    const { clients, requestsPerSecond } = this.#options;
    const everyMs = requestsPerSecond === undefined ? 0 : (1000 * clients) / requestsPerSecond;
    let due = performance.now() + (everyMs * index) / clients;
    let connection: HttpConnection | undefined;
    while (!this.#stopping) {
      if (everyMs === 0) due = performance.now();
      else {
        const waitMs = due - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      const askedAt = performance.now();
      try {
        connection ??= await HttpConnection.open(this.#options.port);
        const { status, body, keep } = await connection.get(this.#options.path);
        if (status !== 200 || body !== this.#options.body) throw new Error(`${status}: ${body.slice(0, 80)}`);
        this.#answered++;
        this.#latencies.push(performance.now() - due);
        if (!keep) {
          connection.close();
          connection = undefined;
        }
      } catch (error) {
        this.#failures.push((error as Error).message);
        this.#failedFrom.push(askedAt);
        connection?.close();
        connection = undefined;
      }
      due += everyMs;
    }
    connection?.close();
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly keep: boolean;
}

/** One kept connection; one request at a time. */
class HttpConnection {
  readonly #socket: Socket;
  readonly #port: number;
  #text = "";
  #waiting: { readonly resolve: (answer: HttpAnswer) => void; readonly reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#received(text));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the connection was closed before its answer")));
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new HttpConnection(socket, port));
      });
    });
  }

  async get(path: string): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    this.#waiting = { resolve, reject };
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n\r\n`);
    try {
      return await promise;
    } finally {
      this.#waiting = undefined;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    const length = Number(/^content-length: *(\d+)\r?$/im.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      this.#waiting?.reject(new Error(`an answer without Content-Length: ${head.split("\r\n")[0]}`));
      return;
    }
    if (this.#text.length < end + 4 + length) return;
    const body = this.#text.slice(end + 4, end + 4 + length);
    this.#text = this.#text.slice(end + 4 + length);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#waiting?.resolve({ status, body, keep: !/^connection: *close\r?$/im.test(head) });
  }
}
