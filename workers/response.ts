// The Response of a worker [Fetch §5.5]: what a handler gives is kept as it is, and a native
// Response is made only when someone reads, clones or streams the body. The host takes the parts out
// with `partsOf`, which understands native ones too (from `fetch`, or made by a library that kept
// the native class). Bytes are not copied: who changes them before the reply is sent changes the reply.

import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { FormLimits } from "../src/messages/lane.ts";
import { headersOfFetched } from "./fetched.ts";
import { INSPECT, NativeResponse, setGlobal, standInFor } from "./native.ts";
import {
  type HeaderPairs,
  has,
  initOf,
  isNullBodyStatus,
  NO_INIT,
  toPairs,
  toStatus,
  toStatusText,
} from "./response-init.ts";

type HeaderPair = [name: string, value: string];

/** A body that is all here, or one that comes in pieces. */
export type ReplyBody =
  | { readonly kind: "none" }
  | { readonly kind: "whole"; readonly content: string | Uint8Array }
  | { readonly kind: "blob"; readonly blob: Blob }
  | { readonly kind: "stream"; readonly stream: ReadableStream<unknown> }
  | { readonly kind: "iterable"; readonly iterable: AsyncIterable<unknown> };

export interface ReplyParts {
  readonly status: number;
  readonly headers: HeaderPairs;
  readonly body: ReplyBody;
  /** The web server may send this file instead of the body: a path, one char per byte. */
  readonly sendfile?: string | undefined;
}

type ResponseBody =
  | ConstructorParameters<typeof NativeResponse>[0]
  | AsyncIterable<unknown>
  | ReadableStream<unknown>
  | null;

const NO_BODY: ReplyBody = { kind: "none" };
const NO_HEADERS: HeaderPairs = [];

export class LightResponse {
  readonly #status: number;
  readonly #statusText: string;
  readonly #body: ReplyBody;
  /** As given; names in any case. Superseded by `#headers` once someone looks. */
  readonly #given: HeaderPairs;
  #headers: Headers | undefined;
  #native: Response | undefined;
  #sendfile: string | undefined;

  /**
   * Throws RangeError for a status outside 200–599, TypeError for a body with 204, 205 or 304 and for
   * a body that was already read. Header names and values are judged when they are first looked at,
   * at the latest when the reply is sent.
   */
  constructor(body: ResponseBody = null, init: ResponseInit | null = NO_INIT) {
    const { status = 200, statusText = "", headers } = init ?? NO_INIT;
    this.#status = status === 200 ? 200 : toStatus(status);
    this.#statusText = statusText === "" ? "" : toStatusText(statusText);
    const given = headers === undefined ? NO_HEADERS : toPairs(headers);
    if (body === null) {
      this.#body = NO_BODY;
      this.#given = given;
      return;
    }
    if (isNullBodyStatus(this.#status)) throw new TypeError(`a Response of status ${this.#status} has no body`);
    const extracted = extract(body);
    this.#body = extracted.body;
    this.#given =
      extracted.type === undefined || has(given, "content-type") ? given : [...given, ["content-type", extracted.type]];
  }

  static json(data: unknown, init?: ResponseInit): LightResponse {
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined) throw new TypeError("the value has no JSON form");
    const given = init?.headers === undefined ? NO_HEADERS : toPairs(init.headers);
    const headers = has(given, "content-type") ? given : [...given, ["content-type", "application/json"]];
    return new LightResponse(text, { ...initOf(init), headers: headers as HeaderPair[] });
  }

  /** Unlike in a browser, `url` may be relative: the client resolves it against its request [RFC 9110 §10.2.2]. */
  static redirect(url: string | URL, status = 302): LightResponse {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`${status} is no redirect status`);
    const location = URL.canParse(url) ? new URL(url).href : String(url);
    return new LightResponse(null, { status, headers: [["location", location]] });
  }

  static error(): Response {
    return NativeResponse.error() as Response;
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get ok(): boolean {
    return this.#status < 300;
  }

  get headers(): Headers {
    this.#headers ??= new Headers(this.#given as HeaderPair[]);
    return this.#headers;
  }

  get type(): "default" {
    return "default";
  }

  get url(): string {
    return "";
  }

  get redirected(): boolean {
    return false;
  }

  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? false;
  }

  /** A form within the pool's limits, as LazyRequest has it: frameworks parse a request's body by way of a Response. */
  async formData(): Promise<FormData> {
    const native = toNative(this);
    const type = this.headers.get("content-type") ?? undefined;
    const { isForm } = await import("./forms/content-type.ts");
    if (forms === undefined || !isForm(type)) return native.formData() as Promise<FormData>;
    const pieces = [new Uint8Array(await native.arrayBuffer())];
    const { readFormData } = await import("./forms/form-data.ts");
    return readFormData(async () => pieces.pop(), type, forms);
  }

  get body(): Response["body"] {
    return this.#body.kind === "none" ? null : toNative(this).body;
  }

  clone(): LightResponse {
    const { status, statusText, headers } = this;
    const init = { status, statusText, headers: new Headers(headers) };
    if (this.#body.kind === "none") return new LightResponse(null, init);
    return new LightResponse(toNative(this).clone().body, init);
  }

  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { status, statusText, headers, bodyUsed } = this;
    return `Response ${inspect({ status, statusText, headers, bodyUsed }, options)}`;
  }

  static is(value: object): value is LightResponse {
    return #given in value;
  }

  static native(response: LightResponse): Response {
    response.#native ??= response.#makeNative();
    return response.#native;
  }

  static parts(response: LightResponse): ReplyParts {
    const native = response.#native;
    const headers = response.#headers === undefined ? response.#given : [...response.#headers];
    // Someone who only looked whether there is a body has taken nothing from it.
    const touched = native !== undefined && (native.bodyUsed || native.body?.locked === true || isOnce(response.#body));
    if (touched) return { status: response.#status, headers, body: nativeBody(native) };
    return { status: response.#status, headers, body: response.#body, sendfile: response.#sendfile };
  }

  /** The body is what is in this file (a path, one char per byte), which the web server may send by itself. */
  static sentByWebServer(response: LightResponse, file: string): void {
    response.#sendfile = file;
  }

  /** It has the body and its type; status and headers are read from us. */
  #makeNative(): Response {
    const type = this.headers.get("content-type");
    return new NativeResponse(initOfBody(this.#body), type === null ? {} : { headers: { "content-type": type } });
  }
}

standInFor(LightResponse.prototype, NativeResponse, toNative);
Object.defineProperties(LightResponse, {
  name: { value: "Response" },
  [Symbol.hasInstance]: {
    value(this: unknown, value: unknown): boolean {
      if (this === LightResponse) return value instanceof NativeResponse;
      // A class that an app derives from Response must not claim every Response.
      return Function.prototype[Symbol.hasInstance].call(this, value);
    },
  },
});

function toNative(response: LightResponse): Response {
  return LightResponse.native(response);
}

/** Limits of forms in this thread; undefined: Node's own, which are none. */
let forms: FormLimits | undefined;

/** Makes `Response` in this thread the light one. */
export function installResponse(limits?: FormLimits): void {
  forms = limits;
  setGlobal("Response", LightResponse);
}

/** Whether a handler returned a Response, light or native. */
export function isResponse(value: unknown): value is Response {
  return value instanceof NativeResponse;
}

/** Throws TypeError if the body was already read. */
export function partsOf(response: Response): ReplyParts {
  if (LightResponse.is(response)) return LightResponse.parts(response);
  return { status: response.status, headers: headersOfFetched(response), body: nativeBody(response) };
}

function nativeBody(response: Response): ReplyBody {
  if (response.bodyUsed || response.body?.locked === true) {
    throw new TypeError("the body of the returned Response was already read; return response.clone() or a new one");
  }
  return response.body === null ? NO_BODY : { kind: "stream", stream: response.body as ReadableStream<unknown> };
}

/** [Fetch §5.2, extract a body] */
function extract(body: NonNullable<ResponseBody>): { body: ReplyBody; type: string | undefined } {
  if (typeof body === "string") return { body: { kind: "whole", content: body }, type: "text/plain;charset=UTF-8" };
  if (body instanceof Uint8Array) return { body: { kind: "whole", content: body }, type: undefined };
  if (ArrayBuffer.isView(body)) {
    return whole(new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.byteLength));
  }
  if (body instanceof ReadableStream) {
    if (body.locked) throw new TypeError("the body of a Response must not be a stream that is being read");
    return { body: { kind: "stream", stream: body }, type: undefined };
  }
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body));
  if (body instanceof Blob)
    return { body: { kind: "blob", blob: body }, type: body.type === "" ? undefined : body.type };
  if (body instanceof URLSearchParams) {
    return whole(body.toString(), "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (body instanceof FormData) {
    const native = new NativeResponse(body);
    return { body: nativeBody(native as Response), type: native.headers.get("content-type") ?? undefined };
  }
  if (typeof body === "object" && Symbol.asyncIterator in body) {
    return { body: { kind: "iterable", iterable: body as AsyncIterable<unknown> }, type: undefined };
  }
  return whole(String(body), "text/plain;charset=UTF-8");
}

function whole(content: string | Uint8Array, type?: string): { body: ReplyBody; type: string | undefined } {
  return { body: { kind: "whole", content }, type };
}

/** Bodies of which a native Response has taken hold once it exists. */
function isOnce(body: ReplyBody): boolean {
  return body.kind === "stream" || body.kind === "iterable";
}

function initOfBody(body: ReplyBody): NonNullable<ConstructorParameters<typeof NativeResponse>[0]> | null {
  switch (body.kind) {
    case "none":
      return null;
    case "whole":
      return body.content;
    case "blob":
      return body.blob;
    case "stream":
      return body.stream as NodeReadableStream<Uint8Array>;
    case "iterable":
      return body.iterable as AsyncIterable<Uint8Array>;
  }
}
