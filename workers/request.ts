// A web Request over an exchange that is built only as far as the handler looks [Fetch §5.4]. Most
// handlers look at the URL, the method and a header or two; a native Request would cost them more
// than everything else here together. Where a native one is needed (clone of a streamed body,
// `new Request(request)`, `fetch(request)`), it is made then.

import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { headerEntries, headerValue, requestMethod, requestUrl } from "../src/cgi/variables.ts";
import type { FormLimits } from "../src/messages/lane.ts";
import { giveBack } from "../src/messages/spare-buffers.ts";
import type { RequestBody, WorkerExchange } from "./exchange.ts";
import { INSPECT, NativeRequest, NativeResponse, nativeFetch, setGlobal, standInFor } from "./native.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the body is. "here": all of it has arrived; of length 0 it is the null body [Fetch §2.2.5]. */
type Body =
  | { readonly kind: "arriving"; readonly from: RequestBody }
  | { readonly kind: "here"; readonly bytes: Uint8Array }
  | { readonly kind: "stream"; readonly stream: ReadableStream<Bytes> }
  | { readonly kind: "native"; readonly request: Request }
  | { readonly kind: "used" };

const NO_BODY: Body = { kind: "here", bytes: new Uint8Array(0) };
const USED = { kind: "used" } as const satisfies Body;

const decoder = new TextDecoder();

export class LazyRequest {
  readonly #exchange: WorkerExchange;
  readonly #forms: FormLimits;
  readonly #method: string;
  #body: Body;
  #url: string | undefined;
  #headers: Headers | undefined;

  /** Throws Fault REQUEST for a method that is none. */
  constructor(exchange: WorkerExchange, forms: FormLimits) {
    this.#exchange = exchange;
    this.#forms = forms;
    this.#method = requestMethod(exchange.params);
    this.#body = firstBody(exchange, this.#method);
  }

  get method(): string {
    return this.#method;
  }

  get url(): string {
    this.#url ??= requestUrl(this.#exchange.params);
    return this.#url;
  }

  get headers(): Headers {
    this.#headers ??= new Headers(headerEntries(this.#exchange.params));
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get body(): ReadableStream<Bytes> | null {
    const body = this.#arrived();
    switch (body.kind) {
      case "native":
        return body.request.body as ReadableStream<Bytes> | null;
      case "stream":
        return body.stream;
      case "used":
        return new ReadableStream<Bytes>({ start: (controller) => controller.close() });
      default: {
        if (isNull(body)) return null;
        const stream = toStream(body);
        this.#body = { kind: "stream", stream };
        return stream;
      }
    }
  }

  get bodyUsed(): boolean {
    const body = this.#body;
    if (body.kind === "native") return body.request.bodyUsed;
    return body.kind === "used" || (body.kind === "stream" && isDisturbed(body.stream));
  }

  async text(): Promise<string> {
    return decoder.decode(await this.#read());
  }

  async json(): Promise<unknown> {
    return JSON.parse(decoder.decode(await this.#read())) as unknown;
  }

  /** A copy: what arrived lies in a buffer that other exchanges share. */
  async bytes(): Promise<Bytes> {
    return new Uint8Array(await this.#read());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#read()).buffer;
  }

  async blob(): Promise<Blob> {
    return (await this.#readTyped()).blob() as Promise<Blob>;
  }

  /** Within the pool's limits. Rejects with Fault REQUEST (400, 415) and LIMIT (413) that name what is wrong. */
  async formData(): Promise<FormData> {
    const read = LazyRequest.reader(this);
    const type = headerValue(this.#exchange.params, "content-type");
    // Loaded with the first form: most pools never see one.
    const { readFormData } = await import("./forms/form-data.ts");
    return readFormData(read, type, this.#forms);
  }

  clone(): Request {
    if (this.bodyUsed) throw alreadyRead();
    const body = this.#arrived();
    if (body.kind !== "here") return toNativeRequest(this).clone();
    const twin = new LazyRequest(this.#exchange, this.#forms);
    twin.#body = body;
    twin.#headers = this.#headers === undefined ? undefined : new Headers(this.#headers);
    return twin as unknown as Request;
  }

  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { method, url, headers, bodyUsed } = this;
    return `Request ${inspect({ method, url, headers, bodyUsed }, options)}`;
  }

  /** The native twin; from then on the body is the twin's, unless somebody is reading it from us. */
  static native(request: LazyRequest): Request {
    const own = request.#arrived();
    if (own.kind === "native") return own.request;
    const isTaken = own.kind === "stream" && (own.stream.locked || isDisturbed(own.stream));
    const body = isTaken ? USED : own;
    const { method, url, headers, signal } = request;
    const init: RequestInit = { method, headers, signal, duplex: "half" };
    const native = new NativeRequest(url, isNull(body) ? init : { ...init, body: nativeBody(body) });
    // Read through us before: the twin must refuse to be read as well.
    if (body.kind === "used") native.text().catch(() => {});
    // Whoever reads goes on with what it has: `new Request(request, { body })` takes the rest from us [Fetch §5.4].
    if (!isTaken) request.#body = { kind: "native", request: native };
    return native;
  }

  /**
   * Hands the body on piece by piece; from then on it counts as read. Pieces are only lent. Throws TypeError if
   * it was read, or is being read.
   */
  static reader(request: LazyRequest): () => Promise<Uint8Array | undefined> {
    const body = request.#arrived();
    switch (body.kind) {
      case "used":
        throw alreadyRead();
      case "native":
      case "stream": {
        const stream = body.kind === "stream" ? body.stream : body.request.body;
        if (stream === null) return async () => undefined;
        if (isDisturbed(stream as ReadableStream<Bytes>)) throw alreadyRead();
        const reader = (stream as ReadableStream<Bytes>).getReader(); // TypeError if it is locked
        return async () => (await reader.read()).value;
      }
      case "arriving":
        request.#body = USED;
        return () => body.from.read();
      case "here": {
        if (!isNull(body)) request.#body = USED;
        let rest: Uint8Array | undefined = body.bytes.length === 0 ? undefined : body.bytes;
        return async () => {
          const bytes = rest;
          rest = undefined;
          return bytes;
        };
      }
    }
  }

  /** The form that it brings, in memory within the limits; it can be read again. Undefined where it brings none. */
  static async formAgain(request: LazyRequest): Promise<FormData | undefined> {
    const { isForm } = await import("./forms/content-type.ts");
    if (!isForm(request.headers.get("content-type") ?? undefined)) return undefined;
    if (request.#arrived().kind === "arriving") {
      const { readWithin } = await import("./forms/limits.ts");
      const bytes = await readWithin(LazyRequest.reader(request), request.#forms.memoryBytes);
      request.#body = { kind: "here", bytes };
    }
    return request.clone().formData() as Promise<FormData>;
  }

  static is(value: unknown): value is LazyRequest {
    return typeof value === "object" && value !== null && #exchange in value;
  }

  /** The body, after a look whether all of it has arrived meanwhile. */
  #arrived(): Body {
    if (this.#body.kind !== "arriving") return this.#body;
    const bytes = this.#body.from.takeWhole();
    if (bytes !== undefined) this.#body = { kind: "here", bytes };
    return this.#body;
  }

  /** [Fetch §5.2, consume body] Rejects with TypeError the second time; a null body may be read again. */
  async #read(): Promise<Uint8Array> {
    const body = this.#arrived();
    if (body.kind === "native") return new Uint8Array(await body.request.arrayBuffer());
    if (body.kind !== "here") return collect(LazyRequest.reader(this));
    if (!isNull(body)) this.#body = USED;
    return body.bytes;
  }

  async #readTyped(): Promise<Response> {
    const bytes = new Uint8Array(await this.#read());
    const type = headerValue(this.#exchange.params, "content-type");
    return new NativeResponse(bytes, type === undefined ? {} : { headers: { "content-type": type } });
  }
}

standInFor(LazyRequest.prototype, NativeRequest, toNativeRequest);

/** A request for a handler: `instanceof Request`, and a Request in all it does. */
export function lazyRequest(exchange: WorkerExchange, forms: FormLimits): Request {
  return new LazyRequest(exchange, forms) as unknown as Request;
}

/** As LazyRequest.reader; also for a Request that an app has made of ours. */
export function readerOf(request: Request): () => Promise<Uint8Array | undefined> {
  if (LazyRequest.is(request)) return LazyRequest.reader(request);
  if (request.bodyUsed) throw alreadyRead();
  const reader = request.body?.getReader();
  return async () => (await reader?.read())?.value;
}

/** As LazyRequest.formAgain; also for a Request that an app has made of ours. */
export async function formAgain(request: Request): Promise<FormData | undefined> {
  if (LazyRequest.is(request)) return LazyRequest.formAgain(request);
  const { isForm } = await import("./forms/content-type.ts");
  if (!isForm(request.headers.get("content-type") ?? undefined)) return undefined;
  return request.clone().formData() as Promise<FormData>;
}

function toNativeRequest(request: LazyRequest): Request {
  return LazyRequest.native(request);
}

/**
 * Makes `new Request(request)`, `new Request(url, request)` and `fetch(request)` accept lazy ones; and with
 * limits every Request read forms within them: clones, those that an app makes, and what a filter leaves.
 */
export function installRequest(forms?: FormLimits): void {
  if (forms !== undefined) limitForms(forms);
  const unwrap = (value: unknown): unknown => (LazyRequest.is(value) ? toNativeRequest(value) : value);
  setGlobal(
    "Request",
    new Proxy(NativeRequest, {
      construct: (target, args: unknown[], newTarget) => Reflect.construct(target, args.map(unwrap), newTarget),
    }),
  );
  setGlobal("fetch", function fetch(...args: Parameters<typeof nativeFetch>): Promise<Response> {
    return nativeFetch(...(args.map(unwrap) as typeof args));
  });
}

/** Node's own `formData` has no limits, and what it throws does not tell what is wrong. */
function limitForms(forms: FormLimits): void {
  const descriptor = Object.getOwnPropertyDescriptor(NativeRequest.prototype, "formData");
  async function formData(this: Request): Promise<FormData> {
    const read = readerOf(this);
    const { readFormData } = await import("./forms/form-data.ts");
    return readFormData(read, this.headers.get("content-type") ?? undefined, forms);
  }
  Object.defineProperty(NativeRequest.prototype, "formData", { ...descriptor, value: formData });
}

/** FCGI_DATA where the filter role brings it; else what the client sent, which with GET and HEAD is nothing [Fetch §5.3]. */
function firstBody({ data, body }: WorkerExchange, method: string): Body {
  if (data !== undefined) return { kind: "arriving", from: data };
  return method === "GET" || method === "HEAD" ? NO_BODY : { kind: "arriving", from: body };
}

function isNull(body: Body): boolean {
  return body.kind === "here" && body.bytes.length === 0;
}

function nativeBody(body: Exclude<Body, { kind: "native" }>): Uint8Array | NodeReadableStream {
  if (body.kind === "used") return new Uint8Array(1);
  if (body.kind === "here") return body.bytes;
  return (body.kind === "stream" ? body.stream : toStream(body)) as NodeReadableStream;
}

/** Pieces are copied, for the same reason as in `bytes`: a consumer may detach what it gets. */
function toStream(body: Extract<Body, { kind: "arriving" | "here" }>): ReadableStream<Bytes> {
  let rest = body.kind === "here" ? body.bytes : undefined;
  const next = async (): Promise<Uint8Array | undefined> => {
    if (body.kind === "arriving") return body.from.read();
    const bytes = rest;
    rest = undefined;
    return bytes;
  };
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const piece = await next();
        if (piece === undefined) {
          controller.close();
          return;
        }
        controller.enqueue(new Uint8Array(piece));
        // What is here a clone may have, too.
        if (body.kind === "arriving") giveBack(piece);
      },
    },
    // Nothing is taken before someone reads: taking tells the web server to send more.
    { highWaterMark: 0 },
  );
}

async function collect(next: () => Promise<Uint8Array | undefined>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let piece = await next(); piece !== undefined; piece = await next()) parts.push(piece);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

function isDisturbed(stream: ReadableStream<Bytes>): boolean {
  return Readable.isDisturbed(stream as NodeReadableStream);
}

function alreadyRead(): TypeError {
  return new TypeError("the body of this Request was already read");
}
