import type { Exchange } from "../../src/pool/exchange.ts";

const CHUNK_BYTES = 65_528;

/** Answers with a head and `length` bytes, all of them at once, whatever the web server takes. */
export function replyAtLength(exchange: Exchange, head: string, length: number): void {
  exchange.head(Buffer.from(head));
  for (let sent = 0; sent < length; sent += CHUNK_BYTES) {
    exchange.chunk(Buffer.alloc(Math.min(CHUNK_BYTES, length - sent)), () => {});
  }
  exchange.end();
}
