// The application's side of one connection [FCGI §2–§5]: bytes from the web server in, events for
// the gateway out. No I/O, no clock, no HTTP. It owns the framing of every request id, so a handler
// that does not read its body, or answers early, never shifts what the next request is read from.

import { assertNever } from "../base/assert-never.ts";
import { Fault } from "../base/fault.ts";
import { IdTable } from "../base/id-table.ts";
import {
  FCGI_ABORT_REQUEST,
  FCGI_BEGIN_REQUEST,
  FCGI_DATA,
  FCGI_END_REQUEST,
  FCGI_GET_VALUES,
  FCGI_GET_VALUES_RESULT,
  FCGI_MAX_CONNS,
  FCGI_MAX_REQS,
  FCGI_MPXS_CONNS,
  FCGI_NULL_REQUEST_ID,
  FCGI_OVERLOADED,
  FCGI_PARAMS,
  FCGI_REQUEST_COMPLETE,
  FCGI_STDERR,
  FCGI_STDIN,
  FCGI_STDOUT,
  FCGI_UNKNOWN_ROLE,
  FCGI_UNKNOWN_TYPE,
} from "./constants.ts";
import { Decoder } from "./decoder.ts";
import { encodeEndRequest, encodeGetValuesResult, encodeUnknownType } from "./encoder.ts";
import { inspectNameValues, type NameValue, Params } from "./name-values.ts";
import { ParamsBuffer } from "./params-buffer.ts";
import { type FcgiRecord, parseBeginRequest, type Role, roleOf } from "./record.ts";
import { type Input, type State, TRANSITIONS } from "./request-states.ts";

export interface ApplicationLimits {
  /** Bytes of one request's whole FCGI_PARAMS stream; beyond: LIMIT, 431. */
  readonly paramsBytes: number;
  /** Pairs in it; beyond: LIMIT, 431. */
  readonly paramsCount: number;
  /** Ids begun and not ended on this connection; beyond: END_REQUEST with FCGI_OVERLOADED. */
  readonly openRequests: number;
  /** Records of no meaning on this connection (unknown types, DATA for a responder); beyond: PROTOCOL. */
  readonly strayRecords: number;
  /** Empty records that change nothing, between one BEGIN_REQUEST and the next; beyond: PROTOCOL. */
  readonly emptyRecords: number;
  /** The answer to FCGI_MAX_CONNS. */
  readonly maxConns: number;
  /** The answer to FCGI_MAX_REQS. HAProxy opens as many on one connection: not above `openRequests`. */
  readonly maxReqs: number;
}

export const DEFAULT_LIMITS: ApplicationLimits = {
  // Apache's defaults let through 100 fields of 8,190 bytes and a request line as long: ~827 KB.
  paramsBytes: 1024 * 1024,
  paramsCount: 1000,
  openRequests: 64,
  strayRecords: 8,
  emptyRecords: 1000,
  maxConns: 4096,
  maxReqs: 64,
};

export type ApplicationEvent =
  /** A request may begin. `params` is its whole stream of pairs, already inspected; its body may follow. */
  | {
      readonly kind: "request";
      readonly id: number;
      readonly role: Role;
      readonly keepConn: boolean;
      readonly params: Buffer;
    }
  | { readonly kind: "stdin"; readonly id: number; readonly bytes: Buffer }
  /** The body is complete. An authorizer has none: its `stdin-end` follows `request` at once. */
  | { readonly kind: "stdin-end"; readonly id: number }
  /** The filter role's second stream; begins after `stdin-end`. */
  | { readonly kind: "data"; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: "data-end"; readonly id: number }
  /** The web server wants no reply any more, but awaits END_REQUEST: answer it and call `end`. */
  | { readonly kind: "abort"; readonly id: number }
  /** Write these bytes as they are. `closeAfter`: then close, once nothing else is open. */
  | { readonly kind: "send"; readonly bytes: Buffer; readonly closeAfter: boolean }
  /** Answer this id with an HTTP refusal and call `end`. `fatal`: then close; no event follows. */
  | {
      readonly kind: "refuse";
      readonly id: number;
      readonly role: Role;
      readonly keepConn: boolean;
      readonly fault: Fault;
      readonly fatal: boolean;
    }
  /** The connection is broken and no reply is possible: close it. No event follows. */
  | { readonly kind: "fault"; readonly fault: Fault };

interface OpenRequest {
  readonly id: number;
  readonly role: Role;
  readonly keepConn: boolean;
  readonly params: ParamsBuffer;
  state: State;
}

/** END_REQUEST's appStatus for a request that was aborted before the app heard of it. */
const APP_STATUS_ABORTED = 1;

/** Feed it what the socket gives, in order; do what the events say; say which replies are complete. */
export class Application {
  readonly #limits: ApplicationLimits;
  #decoder = new Decoder();
  readonly #open = new IdTable<OpenRequest>();
  /** Parameters that still are views of the piece at hand. */
  #views: ParamsBuffer[] = [];
  #events: ApplicationEvent[] = [];
  #strays = 0;
  #empties = 0;
  #finished = false;

  constructor(limits: ApplicationLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Never throws. `bytes` and `params` of the events may be views of `chunk`. Empty after a fatal event. */
  receive(chunk: Buffer): ApplicationEvent[] {
    if (this.#finished) return [];
    this.#decoder.push(chunk);
    try {
      let record = this.#decoder.next();
      while (record !== undefined) {
        this.#receiveRecord(record);
        if (this.#finished) break;
        record = this.#decoder.next();
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#finish({ kind: "fault", fault: error });
    }
    for (const params of this.#views) params.own();
    if (this.#views.length > 0) this.#views = [];
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The reply for this id is complete: later records of it are ignored until it begins anew. */
  end(id: number): void {
    this.#open.delete(id);
  }

  /** Ids begun and not ended. */
  get open(): number {
    return this.#open.size;
  }

  /** Whether it is between two requests and knows nothing that another Application would have to be told. */
  get atRest(): boolean {
    return !this.#finished && this.#open.size === 0 && this.#decoder.atBoundary;
  }

  /** Bytes held: of an unfinished record and of unfinished parameters. */
  get buffered(): number {
    let bytes = this.#decoder.buffered;
    for (const request of this.#open.values()) bytes += request.params.length;
    return bytes;
  }

  #receiveRecord(record: FcgiRecord): void {
    const isEnd = record.content.length === 0;
    switch (record.type) {
      case FCGI_BEGIN_REQUEST:
        this.#begin(record);
        break;
      case FCGI_PARAMS:
        this.#step(record, isEnd ? "PARAMS end" : "PARAMS");
        break;
      case FCGI_STDIN:
        this.#step(record, isEnd ? "STDIN end" : "STDIN");
        break;
      case FCGI_DATA:
        this.#step(record, isEnd ? "DATA end" : "DATA");
        break;
      case FCGI_ABORT_REQUEST:
        this.#step(record, "ABORT");
        break;
      case FCGI_GET_VALUES:
        this.#answerValues(record);
        break;
      case FCGI_END_REQUEST:
      case FCGI_STDOUT:
      case FCGI_STDERR:
      case FCGI_GET_VALUES_RESULT:
      case FCGI_UNKNOWN_TYPE:
        throw new Fault("PROTOCOL", `record type ${record.type} is only for an application to send`);
      default:
        this.#answerUnknownType(record);
    }
  }

  #begin({ id, content }: FcgiRecord): void {
    const { role: roleNumber, keepConn } = parseBeginRequest(content);
    if (id === FCGI_NULL_REQUEST_ID) throw new Fault("PROTOCOL", "FCGI_BEGIN_REQUEST with the null request id");
    if (this.#open.get(id) !== undefined)
      throw new Fault("PROTOCOL", `FCGI_BEGIN_REQUEST for id ${id}, which is still open`);
    this.#empties = 0;
    const role = roleOf(roleNumber);
    if (role === undefined) this.#endNow(id, 0, FCGI_UNKNOWN_ROLE, keepConn);
    else if (this.#open.size >= this.#limits.openRequests) this.#endNow(id, 0, FCGI_OVERLOADED, keepConn);
    else this.#open.add({ id, role, keepConn, params: new ParamsBuffer(this.#limits.paramsBytes), state: "params" });
  }

  #step(record: FcgiRecord, input: Input): void {
    const { id, content } = record;
    const request = this.#open.get(id);
    if (request === undefined) {
      // Late records of an id that was answered early are normal [FCGI §3.3]; the null id has no streams.
      if (id === FCGI_NULL_REQUEST_ID) this.#stray(record);
      else this.#ignore(record);
      return;
    }
    const from = request.state;
    const { action, next } = TRANSITIONS[request.role][from][input];
    if (next !== undefined) request.state = next;
    switch (action) {
      case "collect":
        this.#collect(request, content);
        break;
      case "admit":
        this.#admit(request);
        break;
      case "pass":
        this.#events.push({ kind: from === "data" ? "data" : "stdin", id, bytes: content });
        break;
      case "finish":
        this.#events.push({ kind: from === "data" ? "data-end" : "stdin-end", id });
        break;
      case "abort":
        this.#events.push({ kind: "abort", id });
        break;
      case "forget":
        this.#open.delete(id);
        this.#endNow(id, APP_STATUS_ABORTED, FCGI_REQUEST_COMPLETE, request.keepConn);
        break;
      case "ignore":
        this.#ignore(record);
        break;
      case "stray":
        this.#stray(record);
        break;
      case "violate":
        throw new Fault("PROTOCOL", `${input} for id ${id} while its state is "${from}"`);
      default:
        assertNever(action);
    }
  }

  #collect(request: OpenRequest, content: Buffer): void {
    if (request.params.length === 0) this.#views.push(request.params);
    if (request.params.append(content)) return;
    const fault = new Fault("LIMIT", `more than ${this.#limits.paramsBytes} bytes of parameters`, {
      status: 431,
      hint: "Send fewer or shorter request headers and environment variables.",
    });
    this.#refuse(request, fault, false);
  }

  #admit(request: OpenRequest): void {
    const { id, role, keepConn } = request;
    const params = request.params.take();
    try {
      inspectNameValues(params, this.#limits.paramsCount);
      this.#events.push({ kind: "request", id, role, keepConn, params });
      if (role === "authorizer") this.#events.push({ kind: "stdin-end", id });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#refuse(request, error, error.code === "PROTOCOL");
    }
  }

  #refuse(request: OpenRequest, fault: Fault, fatal: boolean): void {
    const { id, role, keepConn } = request;
    request.params.take();
    request.state = "refused";
    const event = { kind: "refuse", id, role, keepConn, fault, fatal } as const;
    if (fatal) this.#finish(event);
    else this.#events.push(event);
  }

  /** Answers a request that the app never hears of. */
  #endNow(id: number, appStatus: number, protocolStatus: number, keepConn: boolean): void {
    const bytes = encodeEndRequest(id, appStatus, protocolStatus);
    this.#events.push({ kind: "send", bytes, closeAfter: !keepConn });
  }

  /** Names that we do not know are left out [FCGI §4.1]. */
  #answerValues(record: FcgiRecord): void {
    if (record.id !== FCGI_NULL_REQUEST_ID) {
      this.#stray(record);
      return;
    }
    const asked = new Params(record.content);
    const known: NameValue[] = [
      [FCGI_MAX_CONNS, String(this.#limits.maxConns)],
      [FCGI_MAX_REQS, String(this.#limits.maxReqs)],
      [FCGI_MPXS_CONNS, "1"],
    ];
    const bytes = encodeGetValuesResult(known.filter(([name]) => asked.has(name)));
    this.#events.push({ kind: "send", bytes, closeAfter: false });
  }

  /** Management types are answered [FCGI §4.2]; for types of a request the specification has no answer. */
  #answerUnknownType(record: FcgiRecord): void {
    this.#stray(record);
    if (record.id !== FCGI_NULL_REQUEST_ID) return;
    this.#events.push({ kind: "send", bytes: encodeUnknownType(record.type), closeAfter: false });
  }

  #stray({ type, id }: FcgiRecord): void {
    this.#strays += 1;
    if (this.#strays <= this.#limits.strayRecords) return;
    throw new Fault(
      "PROTOCOL",
      `more than ${this.#limits.strayRecords} records of no meaning; the last: type ${type}, id ${id}`,
    );
  }

  #ignore({ content }: FcgiRecord): void {
    if (content.length > 0) return;
    this.#empties += 1;
    if (this.#empties <= this.#limits.emptyRecords) return;
    throw new Fault("PROTOCOL", `more than ${this.#limits.emptyRecords} empty records that mean nothing`);
  }

  /** Nothing is read any more, so nothing is kept; open ids still wait for `end`. */
  #finish(event: ApplicationEvent): void {
    this.#finished = true;
    this.#decoder = new Decoder();
    for (const { params } of this.#open.values()) params.take();
    this.#events.push(event);
  }
}
