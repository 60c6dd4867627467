// Sees every exchange from its params to its reply's last byte by standing between it and its peer, and
// writes a line when it is over. A pool without an access log has none of this in its way.

import type { Clock } from "../base/clock.ts";
import type { Fault } from "../base/fault.ts";
import { refusalReply } from "../cgi/response.ts";
import type { PoolConfig } from "../config/schema.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { AccessEntry } from "./access-line.ts";
import { accessLine, pathOf, statusOf } from "./access-line.ts";
import type { Exchange, Outcome, Peer } from "./exchange.ts";
import { ProcessUsage } from "./process-usage.ts";

/** Lines of one turn of the loop leave together, unless they are longer than this. */
const BATCH_CHARS = 32 * 1024;
/** As nginx calls it: the client closed the request before there was a reply. */
const CLIENT_GONE = 499;

export interface AccessLogOptions {
  readonly config: Pick<PoolConfig, "name" | "accessFormat" | "accessSuppress">;
  readonly clock: Clock;
  /** Takes whole lines. */
  readonly write: (lines: string) => void;
}

export class AccessLog {
  readonly #line: (entry: AccessEntry) => string;
  readonly #suppressed: ReadonlySet<string>;
  readonly #write: (lines: string) => void;
  readonly #clock: Clock;
  #lines = "";
  #due = false;

  constructor({ config, clock, write }: AccessLogOptions) {
    const usage = new ProcessUsage(clock);
    this.#line = accessLine(config.accessFormat, { pool: config.name, usage: () => usage.get() });
    this.#suppressed = new Set(config.accessSuppress);
    this.#clock = clock;
    this.#write = write;
  }

  /** What an exchange is to have for its peer in place of `peer`. */
  watch(params: Buffer, peer: Peer): WatchedPeer {
    return new WatchedPeer(peer, (seen) => this.#over(new Params(params), seen));
  }

  /** Writes what the present turn has gathered. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = "";
    if (lines !== "") this.#write(lines);
  }

  #over(params: Params, seen: Seen): void {
    if (this.#isSuppressed(params, seen)) return;
    const { exchange, ...reply } = seen;
    const now = this.#clock.now();
    this.#lines += this.#line({
      ...reply,
      params,
      durationMs: now - exchange.receivedAt,
      waitedMs: exchange.givenAt === 0 ? 0 : exchange.givenAt - exchange.receivedAt,
      endedAt: new Date(),
    });
    if (this.#lines.length > BATCH_CHARS) this.flush();
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.flush();
    });
  }

  /** As php-fpm: only what can hide nothing. */
  #isSuppressed(params: Params, { status }: Seen): boolean {
    if (this.#suppressed.size === 0 || status < 200 || status > 299 || !this.#suppressed.has(pathOf(params))) {
      return false;
    }
    const method = params.get("REQUEST_METHOD");
    const isBare = (params.get("QUERY_STRING") ?? "") === "" && Number(params.get("CONTENT_LENGTH") ?? 0) === 0;
    return isBare && (method === "GET" || method === "HEAD");
  }
}

/** What there is to say of a reply. */
interface Seen {
  readonly exchange: Exchange;
  readonly status: number;
  readonly head: Buffer | undefined;
  readonly bodyBytes: number;
  readonly cut: boolean;
}

export class WatchedPeer implements Peer {
  readonly #peer: Peer;
  readonly #over: (seen: Seen) => void;
  #exchange: Exchange | undefined;
  #told = false;
  #status = CLIENT_GONE;
  #head: Buffer | undefined;
  #bodyBytes = 0;

  constructor(peer: Peer, over: (seen: Seen) => void) {
    this.#peer = peer;
    this.#over = over;
  }

  /** To be called when the exchange is closed, which is just before its reply's end comes here, if there is one. */
  closed(exchange: Exchange, outcome: Outcome): void {
    this.#exchange = exchange;
    if (outcome === "aborted") this.#tell(true);
  }

  reply(buffer: Buffer, start: number, end: number, written?: () => void): void {
    const block = buffer.indexOf("\r\n\r\n", start, "latin1");
    this.#status = statusOf(buffer, start);
    this.#head = buffer.subarray(start, end);
    this.#bodyBytes = block === -1 ? 0 : Math.max(0, end - block - 4);
    this.#tell(false);
    this.#head = undefined;
    this.#peer.reply(buffer, start, end, written);
  }

  head(block: Buffer): void {
    this.#status = statusOf(block, 0);
    // It is kept until the reply's end, and the batch that it came in must not be.
    this.#head = Buffer.from(block);
    this.#peer.head(block);
  }

  chunk(bytes: Buffer, taken: () => void): void {
    this.#bodyBytes += bytes.length;
    this.#peer.chunk(bytes, taken);
  }

  end(): void {
    this.#tell(false);
    this.#peer.end();
  }

  refuse(fault: Fault): void {
    const { status, body } = refusalReply(fault);
    this.#status = status;
    this.#bodyBytes = body.length;
    this.#tell(false);
    this.#peer.refuse(fault);
  }

  cut(): void {
    this.#tell(true);
    this.#peer.cut();
  }

  pause(): void {
    this.#peer.pause();
  }

  resume(): void {
    this.#peer.resume();
  }

  #tell(cut: boolean): void {
    if (this.#told || this.#exchange === undefined) return;
    this.#told = true;
    const head = this.#head;
    this.#over({ exchange: this.#exchange, status: this.#status, head, bodyBytes: this.#bodyBytes, cut });
  }
}
