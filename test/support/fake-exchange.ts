import type { Fault } from "../../src/base/fault.ts";
import { type NameValue, Params } from "../../src/fastcgi/name-values.ts";
import type { AbortReason } from "../../src/messages/lane.ts";
import type { ReplyStream, RequestBody, Role, WorkerExchange } from "../../workers/exchange.ts";

export interface FakeExchangeOptions {
  readonly role?: Role;
  readonly method?: string;
  /** Path and query; becomes REQUEST_URI. */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** More CGI variables, or other values for those above. */
  readonly variables?: Readonly<Record<string, string>>;
  /** All of it here at once. */
  readonly body?: string | Uint8Array;
  /** Comes in these pieces; an Error fails the body there. */
  readonly pieces?: readonly (string | Error)[];
  readonly data?: string;
  /** How many bytes the web server takes before it must be `drained()`. Default: any. */
  readonly windowBytes?: number;
}

export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** An exchange without lane or pool: remembers how it was answered. */
export class FakeExchange implements WorkerExchange {
  readonly role: Role;
  readonly params: Params;
  readonly body: FakeBody;
  readonly data: FakeBody | undefined;
  readonly deadline = Number.POSITIVE_INFINITY;
  aborted: AbortReason | undefined;
  readonly lines: LoggedLine[] = [];

  status: number | undefined;
  head: string | undefined;
  streamed = false;
  ended = false;
  /** What cut the reply's body. */
  failure: Fault | undefined;
  /** With which fault the reply was made, if it tells of one. */
  fault: Fault | undefined;
  readonly answered: Promise<void>;

  readonly #controller = new AbortController();
  readonly #written: Uint8Array[] = [];
  #windowBytes: number;
  #room: (() => void) | undefined;
  #resolveAnswered = (): void => {};

  constructor(options: FakeExchangeOptions = {}) {
    this.role = options.role ?? "responder";
    this.params = Params.from(variablesOf(options));
    this.body = new FakeBody(options.pieces ?? options.body ?? "");
    this.data = options.data === undefined ? undefined : new FakeBody(options.data);
    this.#windowBytes = options.windowBytes ?? Number.POSITIVE_INFINITY;
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve;
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get over(): Promise<void> {
    return this.answered;
  }

  /** Bytes of the reply's body so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#written);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }

  /** Names in lower case; several values of one name are several entries. */
  get headers(): [name: string, value: string][] {
    const lines = (this.head ?? "").split("\r\n").filter((line) => line !== "");
    return lines.map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    });
  }

  header(name: string): string | undefined {
    return this.headers.find(([each]) => each === name)?.[1];
  }

  reply(status: number, head: string, body: string | Uint8Array | undefined, fault?: Fault): void {
    if (this.status !== undefined) throw new Error("answered twice");
    this.status = status;
    this.head = head;
    this.fault = fault;
    if (body !== undefined) this.#written.push(typeof body === "string" ? Buffer.from(body) : body.slice());
    this.ended = true;
    this.#resolveAnswered();
  }

  stream(status: number, head: string): ReplyStream {
    if (this.status !== undefined) throw new Error("answered twice");
    this.status = status;
    this.head = head;
    this.streamed = true;
    return {
      write: (bytes) => this.#write(bytes),
      end: () => {
        this.ended = true;
        this.#resolveAnswered();
      },
      fail: (fault) => {
        this.failure = fault;
        this.#resolveAnswered();
      },
    };
  }

  log(level: "error" | "warn" | "info" | "debug", message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level, message, fields });
  }

  /** The web server has taken everything so far, and takes this much more. */
  drained(windowBytes: number): void {
    this.#windowBytes = windowBytes;
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  abort(reason: AbortReason = "client-gone"): void {
    this.aborted = reason;
    this.#controller.abort(new Error(reason));
    this.drained(0);
    this.#resolveAnswered();
  }

  #write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.aborted !== undefined) return Promise.reject(this.signal.reason);
    this.#written.push(bytes.slice());
    this.#windowBytes -= bytes.length;
    if (this.#windowBytes > 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#room = () => (this.aborted === undefined ? resolve() : reject(this.signal.reason));
    });
  }
}

export class FakeBody implements RequestBody {
  /** How often a piece was asked for. */
  reads = 0;
  readonly #pieces: (Uint8Array | Error)[];
  #whole: Uint8Array | undefined;

  constructor(body: string | Uint8Array | readonly (string | Error)[]) {
    const inPieces = Array.isArray(body) ? (body as (string | Error)[]) : undefined;
    this.#whole = inPieces === undefined ? inSharedBuffer(body as string | Uint8Array) : undefined;
    this.#pieces = inPieces?.map((piece) => (piece instanceof Error ? piece : inSharedBuffer(piece))) ?? [];
  }

  takeWhole(): Uint8Array | undefined {
    const whole = this.#whole;
    this.#whole = undefined;
    return whole;
  }

  async read(): Promise<Uint8Array | undefined> {
    this.reads += 1;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (this.#whole !== undefined) return this.takeWhole();
    const piece = this.#pieces.shift();
    if (piece instanceof Error) throw piece;
    return piece;
  }
}

/** As on a lane, where many frames lie in one buffer: who exposes the buffer exposes the others. */
function inSharedBuffer(content: string | Uint8Array): Uint8Array {
  const shared = Buffer.concat([Buffer.from("before|"), Buffer.from(content), Buffer.from("|after")]);
  return shared.subarray("before|".length, shared.length - "|after".length);
}

function variablesOf({ method = "GET", url = "/", headers = {}, variables = {} }: FakeExchangeOptions): NameValue[] {
  const all = new Map<string, string>([
    ["GATEWAY_INTERFACE", "CGI/1.1"],
    ["SERVER_PROTOCOL", "HTTP/1.1"],
    ["SERVER_NAME", "site.test"],
    ["SERVER_PORT", "80"],
    ["REMOTE_ADDR", "192.0.2.1"],
    ["REMOTE_PORT", "50000"],
    ["REQUEST_METHOD", method],
    ["REQUEST_URI", url],
    ["QUERY_STRING", url.split("?")[1] ?? ""],
    ["HTTP_HOST", "site.test"],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    const variable = name.toUpperCase().replaceAll("-", "_");
    all.set(variable === "CONTENT_TYPE" || variable === "CONTENT_LENGTH" ? variable : `HTTP_${variable}`, value);
  }
  for (const [name, value] of Object.entries(variables)) all.set(name, value);
  return [...all];
}
