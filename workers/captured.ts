// An exchange inside of an exchange: what is answered in it becomes a Response, for middleware that wraps
// apps which answer by themselves. The request may be another than the one that came.

import { Fault } from "../src/base/fault.ts";
import { CgiResponseParser } from "../src/cgi/parse-response.ts";
import { isBodyless } from "../src/cgi/status.ts";
import { type NameValue, Params } from "../src/fastcgi/name-values.ts";
import type { AbortReason } from "../src/messages/lane.ts";
import type { ReplyStream, RequestBody, Role, WorkerExchange } from "./exchange.ts";

/** Bytes that wait in the Response's body before the app is held back. */
const WAITING_BYTES = 64 * 1024;

type Chunk = Uint8Array<ArrayBuffer>;

/**
 * What `answer` replies. `asked` is `came`, or what middleware has made of it. Rejects with what `answer`
 * rejects with before it has replied.
 */
export function capture(
  outer: WorkerExchange,
  came: Request,
  asked: Request,
  answer: (exchange: WorkerExchange) => Promise<void> | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const exchange = new CapturedExchange(outer, came === asked ? undefined : asked, resolve);
    Promise.resolve(answer(exchange)).then(
      // After a reply this does nothing.
      () => reject(new Fault("HANDLER", "the app has ended without a reply")),
      reject,
    );
  });
}

class CapturedExchange implements WorkerExchange {
  readonly role: Role;
  readonly params: Params;
  readonly body: RequestBody;
  readonly data: RequestBody | undefined;
  readonly deadline: number;
  readonly over: Promise<void>;
  readonly #outer: WorkerExchange;
  readonly #respond: (response: Response) => void;
  readonly #unwanted = new AbortController();
  #signal: AbortSignal | undefined;
  #isOver = (): void => {};

  constructor(outer: WorkerExchange, changed: Request | undefined, respond: (response: Response) => void) {
    this.role = outer.role;
    this.deadline = outer.deadline;
    this.params = changed === undefined ? outer.params : paramsOf(outer.params, changed);
    this.body = changed === undefined ? outer.body : bodyOf(changed);
    this.data = outer.data === undefined ? undefined : changed === undefined ? outer.data : this.body;
    this.#outer = outer;
    this.#respond = respond;
    this.over = new Promise((resolve) => {
      this.#isOver = resolve;
    });
  }

  /** Nobody reads the reply any more. */
  #drop(): void {
    this.#unwanted.abort(new DOMException("client-gone", "AbortError"));
    this.#isOver();
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#outer.signal, this.#unwanted.signal]);
    return this.#signal;
  }

  get aborted(): AbortReason | undefined {
    return this.#outer.aborted ?? (this.#unwanted.signal.aborted ? "client-gone" : undefined);
  }

  get context(): WorkerExchange["context"] {
    return this.#outer.context;
  }

  reply(_status: number, head: string, body: string | Uint8Array | undefined): void {
    const content = typeof body === "string" ? body : body?.slice();
    this.#respond(responseOf(head, content ?? null));
    this.#isOver();
  }

  stream(_status: number, head: string): ReplyStream {
    let writers: (() => void)[] = [];
    let controller: ReadableStreamDefaultController<Chunk> | undefined;
    const release = (): void => {
      const waiting = writers;
      writers = [];
      for (const writer of waiting) writer();
    };
    const body = new ReadableStream<Chunk>(
      {
        start: (made) => {
          controller = made;
        },
        pull: release,
        cancel: () => {
          this.#drop();
          release();
        },
      },
      { highWaterMark: WAITING_BYTES, size: (chunk) => chunk?.length ?? 0 },
    );
    this.#respond(responseOf(head, body));
    // Middleware may have dropped the Response without a word.
    let isEnded = false;
    void this.#outer.over.then(() => {
      if (isEnded) return;
      this.#drop();
      release();
    });
    return {
      write: (bytes) => {
        if (this.aborted !== undefined) return Promise.reject(this.signal.reason);
        // A copy: whoever reads it may do so after the app has used its buffer again.
        controller?.enqueue(new Uint8Array(bytes));
        if ((controller?.desiredSize ?? 0) > 0) return undefined;
        return new Promise((resolve, reject) => {
          writers.push(() => (this.aborted === undefined ? resolve() : reject(this.signal.reason)));
        });
      },
      end: () => {
        isEnded = true;
        controller?.close();
        this.#isOver();
      },
      fail: (fault) => {
        isEnded = true;
        controller?.error(fault);
        this.#isOver();
      },
    };
  }

  log(level: "error" | "warn" | "info" | "debug", message: string, fields?: Record<string, unknown>): void {
    this.#outer.log(level, message, fields);
  }
}

function responseOf(head: string, body: string | Uint8Array | ReadableStream | null): Response {
  const parsed = new CgiResponseParser().push(Buffer.from(head, "latin1"));
  const { status, headers } = parsed ?? { status: 500, headers: [] };
  return new Response(isBodyless(status) ? null : (body as ReadableStream | null), { status, headers });
}

/** The request's own variables are taken out and made anew; all others stay. */
function paramsOf(params: Params, { method, url, headers }: Request): Params {
  const { pathname, search } = new URL(url);
  const pairs: NameValue[] = [];
  for (const [name, value] of params.entries()) {
    if (!/^(?:HTTP_.*|CONTENT_(?:TYPE|LENGTH)|REQUEST_(?:METHOD|URI)|QUERY_STRING)$/.test(name)) {
      pairs.push([name, Buffer.from(value, "latin1")]);
    }
  }
  pairs.push(["REQUEST_METHOD", method], ["REQUEST_URI", pathname + search], ["QUERY_STRING", search.slice(1)]);
  for (const [name, value] of headers) {
    const variable = name.toUpperCase().replaceAll("-", "_");
    pairs.push([
      /^CONTENT_(?:TYPE|LENGTH)$/.test(variable) ? variable : `HTTP_${variable}`,
      Buffer.from(value, "latin1"),
    ]);
  }
  return Params.from(pairs);
}

function bodyOf({ body }: Request): RequestBody {
  const reader = body?.getReader();
  return {
    takeWhole: () => (reader === undefined ? new Uint8Array(0) : undefined),
    read: async () => (await reader?.read())?.value as Uint8Array | undefined,
  };
}
