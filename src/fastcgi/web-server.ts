// The web server's side of FastCGI: for ping, for the built-in HTTP front, and for the tests. No I/O.
// It does not look into STDOUT; cgi/parse-response.ts does.

import { Fault } from "../base/fault.ts";
import {
  FCGI_ABORT_REQUEST,
  FCGI_DATA,
  FCGI_END_REQUEST,
  FCGI_GET_VALUES,
  FCGI_GET_VALUES_RESULT,
  FCGI_NULL_REQUEST_ID,
  FCGI_PARAMS,
  FCGI_STDERR,
  FCGI_STDIN,
  FCGI_STDOUT,
  FCGI_UNKNOWN_TYPE,
} from "./constants.ts";
import { Decoder } from "./decoder.ts";
import { encodeBeginRequest, encodeRecord, encodeStream } from "./encoder.ts";
import { encodeNameValues, type NameValue, Params } from "./name-values.ts";
import { type FcgiRecord, parseEndRequest, parseUnknownType, ROLE_NUMBERS, type Role } from "./record.ts";

const NOTHING = Buffer.alloc(0);

export interface RequestHead {
  /** 1 to 65,535. Default 1, the only one that Apache uses. */
  readonly id?: number;
  /** Default responder. */
  readonly role?: Role;
  /** Default false: the application closes the connection after its reply. */
  readonly keepConn?: boolean;
  readonly params: Iterable<NameValue>;
}

/** BEGIN_REQUEST, PARAMS and the empty PARAMS that ends them. The body follows, at least `encodeStdinEnd`. */
export function encodeRequest({ id = 1, role = "responder", keepConn = false, params }: RequestHead): Buffer {
  return Buffer.concat([
    encodeBeginRequest(id, ROLE_NUMBERS[role], keepConn),
    encodeStream(FCGI_PARAMS, id, encodeNameValues(params)),
    encodeRecord(FCGI_PARAMS, id, NOTHING),
  ]);
}

/** A piece of the request body, of any length. */
export function encodeStdin(id: number, bytes: Uint8Array): Buffer {
  return encodeStream(FCGI_STDIN, id, bytes);
}

export function encodeStdinEnd(id: number): Buffer {
  return encodeRecord(FCGI_STDIN, id, NOTHING);
}

/** A piece of what a filter is to filter; after `encodeStdinEnd`. */
export function encodeData(id: number, bytes: Uint8Array): Buffer {
  return encodeStream(FCGI_DATA, id, bytes);
}

export function encodeDataEnd(id: number): Buffer {
  return encodeRecord(FCGI_DATA, id, NOTHING);
}

export function encodeAbort(id: number): Buffer {
  return encodeRecord(FCGI_ABORT_REQUEST, id, NOTHING);
}

export function encodeGetValues(names: Iterable<string>): Buffer {
  const pairs = Array.from(names, (name): NameValue => [name, ""]);
  return encodeRecord(FCGI_GET_VALUES, FCGI_NULL_REQUEST_ID, encodeNameValues(pairs));
}

export type WebServerEvent =
  | { readonly kind: "stdout"; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: "stderr"; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: "end"; readonly id: number; readonly appStatus: number; readonly protocolStatus: number }
  | { readonly kind: "values"; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: "unknown-type"; readonly type: number }
  /** The connection is broken. No event follows. */
  | { readonly kind: "fault"; readonly fault: Fault };

/** The application's bytes → events. Empty STDOUT and STDERR records, which end those streams, give none. */
export class ResponseDecoder {
  readonly #decoder = new Decoder();
  #broken = false;

  /** Never throws. `bytes` of the events may be views of `chunk`. */
  receive(chunk: Buffer): WebServerEvent[] {
    const events: WebServerEvent[] = [];
    if (this.#broken) return events;
    this.#decoder.push(chunk);
    try {
      for (let record = this.#decoder.next(); record !== undefined; record = this.#decoder.next()) {
        const event = eventOf(record);
        if (event !== undefined) events.push(event);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#broken = true;
      events.push({ kind: "fault", fault: error });
    }
    return events;
  }
}

function eventOf({ type, id, content }: FcgiRecord): WebServerEvent | undefined {
  switch (type) {
    case FCGI_STDOUT:
      return content.length === 0 ? undefined : { kind: "stdout", id, bytes: content };
    case FCGI_STDERR:
      return content.length === 0 ? undefined : { kind: "stderr", id, bytes: content };
    case FCGI_END_REQUEST:
      return { kind: "end", id, ...parseEndRequest(content) };
    case FCGI_GET_VALUES_RESULT:
      return { kind: "values", values: new Map(new Params(content).entries()) };
    case FCGI_UNKNOWN_TYPE:
      return { kind: "unknown-type", type: parseUnknownType(content) };
    default:
      throw new Fault("PROTOCOL", `record type ${type} is not for an application to send`);
  }
}
