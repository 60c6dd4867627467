// A CGI response that the pool itself makes, with the room that Peer.reply asks for.

import { CHUNK_BYTES, REPLY_HEADROOM_BYTES, REPLY_MAX_BYTES, REPLY_TAILROOM_BYTES } from "../messages/lane.ts";
import type { Exchange, Peer } from "./exchange.ts";

/** Answers with `head` (a CGI header block with its empty line) and `body`; together at most 65,535 bytes. */
export function replyWith(to: Pick<Peer, "reply">, head: string, body: string): void {
  const length = head.length + Buffer.byteLength(body);
  const buffer = Buffer.alloc(REPLY_HEADROOM_BYTES + length + REPLY_TAILROOM_BYTES);
  buffer.write(head, REPLY_HEADROOM_BYTES, "latin1");
  buffer.write(body, REPLY_HEADROOM_BYTES + head.length, "utf8");
  to.reply(buffer, REPLY_HEADROOM_BYTES, REPLY_HEADROOM_BYTES + length);
}

/** The same of any length. It is all written at once: for what the pool itself makes, whose length is bounded. */
export function answerWith(to: Exchange, head: string, body: string): void {
  const bytes = Buffer.from(body);
  if (head.length + bytes.length <= REPLY_MAX_BYTES) {
    replyWith(to, head, body);
    return;
  }
  to.head(Buffer.from(head, "latin1"));
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) to.chunk(bytes.subarray(at, at + CHUNK_BYTES), () => {});
  to.end();
}
