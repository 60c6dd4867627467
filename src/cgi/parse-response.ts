// A CGI response → status, headers and the first bytes of the body [RFC 3875 §6], for the ends that
// play the web server: the built-in front, ping, the tests. Bounded, because an app wrote it.

import { Fault } from "../base/fault.ts";

export interface CgiResponse {
  readonly status: number;
  /** As written, in order, without Status; one char per byte. */
  readonly headers: [name: string, value: string][];
  /** What came after the empty line; the body continues with what is not pushed. */
  readonly rest: Buffer;
}

export const DEFAULT_HEAD_LIMIT_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);
const LF = 10;
const CR = 13;

/** Lines end with CRLF or LF. Throws Fault PROTOCOL (502) for a head that is too long or malformed. */
export class CgiResponseParser {
  readonly #limitBytes: number;
  #head: Buffer = NOTHING;
  /** No empty line ends before this. */
  #searched = 0;

  constructor(limitBytes = DEFAULT_HEAD_LIMIT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Undefined until the head is whole. Then what follows is body: push no more. */
  push(bytes: Buffer): CgiResponse | undefined {
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const end = endOfHead(this.#head, this.#searched);
    if ((end ?? this.#head.length) > this.#limitBytes) throw malformed(`a head of over ${this.#limitBytes} bytes`);
    if (end === undefined) {
      this.#searched = Math.max(0, this.#head.length - 2);
      return undefined;
    }
    return { ...parseHead(this.#head.toString("latin1", 0, end)), rest: this.#head.subarray(end) };
  }
}

/** The offset after the empty line. */
function endOfHead(bytes: Buffer, from: number): number | undefined {
  for (let lf = bytes.indexOf(LF, from); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === LF) return lf + 2;
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return lf + 3;
  }
  return undefined;
}

function parseHead(head: string): { status: number; headers: [string, string][] } {
  const headers: [string, string][] = [];
  let status: number | undefined;
  for (const line of head.trimEnd().split(/\r?\n/)) {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed(`the line ${JSON.stringify(line.slice(0, 80))}`);
    if (name.toLowerCase() === "status") status = parseStatus(value);
    else headers.push([name, value]);
  }
  // [RFC 3875 §6.2.3] and §6.2.4: a Location of its own is a redirect.
  const redirects = headers.some(([name]) => name.toLowerCase() === "location");
  return { status: status ?? (redirects ? 302 : 200), headers };
}

/** [RFC 3875 §6.3.3] */
function parseStatus(value: string): number {
  const [, code] = /^([1-5]\d\d)(?: .*)?$/.exec(value) ?? [];
  if (code === undefined) throw malformed(`the status ${JSON.stringify(value.slice(0, 80))}`);
  return Number(code);
}

function malformed(what: string): Fault {
  return new Fault("PROTOCOL", `a CGI response with ${what}`, { status: 502 });
}
