import type { Clock } from "../../src/base/clock.ts";
import { encodeNameValues } from "../../src/fastcgi/name-values.ts";
import type { Role } from "../../src/fastcgi/record.ts";
import { type Carrier, Exchange, type Outcome } from "../../src/pool/exchange.ts";
import { FakePeer } from "./fake-peer.ts";

export interface Made {
  readonly exchange: Exchange;
  readonly peer: FakePeer;
  readonly outcomes: Outcome[];
  readonly arrivals: Exchange[];
}

/** An exchange as the pool makes it, with a peer that remembers. */
export function makeExchange(
  clock: Clock,
  options: {
    role?: Role;
    contentLength?: number;
    bodyLimitBytes?: number;
    onClosed?: (exchange: Exchange) => void;
  } = {},
): Made {
  const peer = new FakePeer();
  const outcomes: Outcome[] = [];
  const arrivals: Exchange[] = [];
  const exchange = new Exchange({
    role: options.role ?? "responder",
    params: encodeNameValues([["REQUEST_METHOD", "GET"]]),
    peer,
    contentLength: options.contentLength,
    bodyLimitBytes: options.bodyLimitBytes ?? 1024 * 1024,
    clock,
    arrived: (arrived) => arrivals.push(arrived),
    closed: (closed, outcome) => {
      outcomes.push(outcome);
      options.onClosed?.(closed);
    },
  });
  return { exchange, peer, outcomes, arrivals };
}

/** A worker's side that remembers what it was sent. */
export class FakeCarrier implements Carrier {
  readonly sent: string[] = [];
  isBegun = true;
  /** So many pieces of bodies find room. */
  room = Number.POSITIVE_INFINITY;

  body(kind: number, bytes: Buffer): void {
    this.sent.push(`${kind}:${bytes.length}`);
  }

  hasRoom(): boolean {
    return this.room-- > 0;
  }

  abort(reason: string): void {
    this.sent.push(`abort ${reason}`);
  }

  begun(): boolean {
    return this.isBegun;
  }

  overdue(): void {
    this.sent.push("overdue");
  }

  slow(): void {
    this.sent.push("slow");
  }
}
