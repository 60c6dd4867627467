import { systemClock } from "../../src/base/clock.ts";
import type { Fault } from "../../src/base/fault.ts";
import { contentLength } from "../../src/cgi/variables.ts";
import { Params } from "../../src/fastcgi/name-values.ts";
import type { Role } from "../../src/fastcgi/record.ts";
import { TO_WORKER } from "../../src/messages/lane.ts";
import { type Carrier, Exchange, type Outcome } from "../../src/pool/exchange.ts";
import type { GatewayHost, IncomingRequest } from "../../src/pool/gateway.ts";

/** One request as a test's handler sees it. */
export interface Scripted {
  readonly exchange: Exchange;
  readonly params: Params;
  readonly role: Role;
  /** What of the body came until now. */
  body(): Buffer;
  data(): Buffer;
  readonly aborts: string[];
  readonly outcomes: Outcome[];
}

/** A gateway's host whose worker is a function of the test. */
export class ScriptedHost implements GatewayHost {
  readonly clock = systemClock;
  readonly requests: Scripted[] = [];
  readonly refusals: Fault[] = [];
  readonly connectionFaults: Fault[] = [];
  readonly #handler: (request: Scripted) => void;
  readonly #eager: boolean;

  /** `handler` is called once the body is complete, or at once when `eager`. */
  constructor(handler: (request: Scripted) => void, options: { readonly eager?: boolean } = {}) {
    this.#handler = handler;
    this.#eager = options.eager ?? false;
  }

  open(request: IncomingRequest): Exchange {
    const params = new Params(request.params);
    const body: Buffer[] = [];
    const data: Buffer[] = [];
    const aborts: string[] = [];
    const outcomes: Outcome[] = [];
    const carrier: Carrier = {
      body: (kind, bytes) => {
        (kind === TO_WORKER.DATA || kind === TO_WORKER.DATA_END ? data : body).push(bytes);
        if (!this.#eager && bytes.length > 0) exchange.taken(bytes.length);
        handle();
      },
      abort: (reason) => aborts.push(reason),
      hasRoom: () => true,
      begun: () => true,
      overdue: () => {},
      slow: () => {},
    };
    let handled = false;
    const handle = (): void => {
      if (handled || (!this.#eager && !exchange.bodyEnded && exchange.role !== "authorizer")) return;
      handled = true;
      this.#handler(scripted);
    };
    const exchange = new Exchange({
      role: request.role,
      params: request.params,
      peer: request.peer,
      contentLength: contentLength(params),
      bodyLimitBytes: 256 * 1024 * 1024,
      clock: this.clock,
      arrived: () => {},
      closed: (_exchange, outcome) => outcomes.push(outcome),
    });
    const scripted: Scripted = {
      exchange,
      params,
      role: request.role,
      body: () => Buffer.concat(body),
      data: () => Buffer.concat(data),
      aborts,
      outcomes,
    };
    this.requests.push(scripted);
    exchange.give(carrier);
    handle();
    return exchange;
  }

  refused(fault: Fault): void {
    this.refusals.push(fault);
  }

  connectionFault(fault: Fault): void {
    this.connectionFaults.push(fault);
  }
}
