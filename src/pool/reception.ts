// Where requests come in and what became of them is noted. A request that the pool answers by itself, or has to
// refuse, is answered here, before there is a queue; every other one goes to the dispatcher.

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { contentLength } from "../cgi/variables.ts";
import { Params } from "../fastcgi/name-values.ts";
import type { AccessLog, WatchedPeer } from "./access-log.ts";
import type { Counters } from "./counters.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Exchange, type ExchangeOptions, type Outcome } from "./exchange.ts";
import type { GatewayHost, IncomingRequest } from "./gateway.ts";
import type { LaterReply, OwnReply } from "./own-paths.ts";
import type { PoolLog } from "./pool-log.ts";
import { answerWith } from "./roomy-reply.ts";
import type { Turns } from "./turns.ts";

export interface ReceptionOptions {
  readonly clock: Clock;
  readonly bodyLimitBytes: number;
  /** What the pool answers by itself; undefined: a worker does. */
  readonly ownReply: (params: Buffer) => OwnReply | LaterReply | undefined;
  readonly dispatcher: Pick<Dispatcher, "submit" | "arrived" | "forget">;
  readonly turns: Pick<Turns, "opened" | "stirred">;
  readonly counters: Pick<Counters, "accepted" | "turnedAway" | "closed">;
  readonly says: Pick<PoolLog, "refused" | "connectionEnded">;
  readonly access: Pick<AccessLog, "watch"> | undefined;
  /** Called once, when an app's handler has answered a request. */
  readonly proven: () => void;
}

export class Reception implements GatewayHost {
  readonly clock: Clock;
  readonly #options: ReceptionOptions;
  #isProven = false;

  constructor(options: ReceptionOptions) {
    this.clock = options.clock;
    this.#options = options;
  }

  open(request: IncomingRequest): Exchange {
    const { bodyLimitBytes, ownReply, dispatcher, turns, counters, access } = this.#options;
    counters.accepted++;
    let own: OwnReply | LaterReply | undefined;
    let length: number | undefined;
    let fault: Fault | undefined;
    try {
      own = ownReply(request.params);
      length = contentLength(new Params(request.params));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
    }
    if (length !== undefined && length > bodyLimitBytes) {
      fault = new Fault("LIMIT", `CONTENT_LENGTH ${length} is over request.body_limit (${bodyLimitBytes} bytes)`);
    }
    // Pages that wait for a change would fill the log.
    const watched = typeof own === "function" ? undefined : access?.watch(request.params, request.peer);
    const exchange = new Exchange({
      role: request.role,
      params: request.params,
      peer: watched ?? request.peer,
      contentLength: length,
      bodyLimitBytes,
      clock: this.clock,
      arrived: this.#arrived,
      closed: watched === undefined ? this.#closed : this.#closedWatched(watched),
    });
    if (fault !== undefined) exchange.fail(fault);
    else if (own !== undefined) {
      exchange.own = true;
      if (typeof own === "function") own(exchange);
      else answerWith(exchange, own.head, own.body);
    } else {
      dispatcher.submit(exchange);
      turns.opened();
      turns.stirred();
    }
    return exchange;
  }

  refused(fault: Fault): void {
    this.#options.counters.turnedAway(fault);
    this.#options.says.refused(fault);
  }

  connectionFault(fault: Fault): void {
    this.#options.says.connectionEnded(fault);
  }

  readonly #arrived = (exchange: Exchange): void => {
    this.#options.dispatcher.arrived(exchange);
    this.#options.turns.stirred();
  };

  readonly #closed = (exchange: Exchange, outcome: Outcome, fault?: Fault): void => {
    const { dispatcher, counters, says } = this.#options;
    counters.closed(exchange, outcome, fault);
    if (outcome === "replied" && !exchange.own && !this.#isProven) this.#prove();
    dispatcher.forget(exchange);
    if (fault !== undefined) says.refused(fault, exchange.params);
  };

  #prove(): void {
    this.#isProven = true;
    this.#options.proven();
  }

  #closedWatched(peer: WatchedPeer): ExchangeOptions["closed"] {
    return (exchange, outcome, fault) => {
      this.#closed(exchange, outcome, fault);
      peer.closed(exchange, outcome);
    };
  }
}
