// What becomes of an exchange, for those who log it after the reply. Counts at the exchange itself, so
// that nothing is missed: pages of errors, files, streams.

import type { Outcome } from "../../src/app/middleware.ts";
import type { WorkerExchange } from "../exchange.ts";

export class Tally {
  readonly #exchange: WorkerExchange;
  readonly #beganAt = performance.now();
  #status: number | undefined;
  #bytes = 0;
  /** What became the reply, if that was an error. */
  error: unknown;

  /** To be made before anything is answered. */
  constructor(exchange: WorkerExchange) {
    this.#exchange = exchange;
    const reply = exchange.reply.bind(exchange);
    const stream = exchange.stream.bind(exchange);
    exchange.reply = (status, head, body, fault) => {
      // Of several replies only the first is sent, and none to a client that has gone.
      if (this.#status === undefined && exchange.aborted === undefined) {
        this.#status = status;
        this.#bytes += body === undefined ? 0 : Buffer.byteLength(body);
      }
      reply(status, head, body, fault);
    };
    exchange.stream = (status, head) => {
      if (exchange.aborted === undefined) this.#status ??= status;
      const out = stream(status, head);
      const write = out.write.bind(out);
      out.write = (bytes) => {
        this.#bytes += bytes.length;
        return write(bytes);
      };
      return out;
    };
  }

  outcome(): Outcome {
    const { aborted } = this.#exchange;
    return {
      status: this.#status,
      bytes: this.#bytes,
      durationMs: performance.now() - this.#beganAt,
      aborted,
      error: this.error,
    };
  }
}
