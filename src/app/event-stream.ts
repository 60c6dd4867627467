// Server-sent events [HTML §9.2] as a Response: for a browser's EventSource, which comes back by itself
// when a stream ends. Its pace is the client's, and it ends before anybody has to cut it.

import { currentContext } from "./current.ts";

/** One event. */
export interface EventMessage {
  /** Text goes as it is, with as many lines as it has; anything else as JSON. */
  readonly data?: unknown;
  /** What the page listens for. Default "message". */
  readonly event?: string;
  /** What the browser sends as Last-Event-ID when it comes back. "" resets it. */
  readonly id?: string;
  /** Milliseconds until the browser comes back. */
  readonly retry?: number;
  /** Not seen by the page. */
  readonly comment?: string;
}

/** What a start function writes to. */
export interface EventSink {
  /** False once the stream is closed: nobody gets it. */
  send(message: EventMessage | string): boolean;
  /** Ends the stream when what was sent has left. The browser comes back, unless the page closes its EventSource. */
  close(): void;
  /** Aborts when the stream is closed, by whomever. */
  readonly signal: AbortSignal;
  /** What the browser has seen last; undefined on its first visit. */
  readonly lastEventId: string | undefined;
}

/** What makes the events, one after the other. */
export type EventStreamSource =
  | AsyncIterable<EventMessage | string>
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that needs no clean-up returns nothing
  | ((events: EventSink) => void | (() => void) | Promise<void | (() => void)>);

/** Of a stream of events. */
export interface EventStreamOptions {
  /** Milliseconds of silence after which a comment is sent, so that nobody on the way gives up. Default 15,000; 0: never. */
  readonly keepAlive?: number;
  /** Milliseconds until the browser comes back after the stream has ended. Default: the browser's, about 3,000. */
  readonly retry?: number;
  /** Bytes that may wait for a slow client of a start function; one more ends the stream. Default 1 MiB. */
  readonly buffer?: number;
  /** More headers. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

const KEEP_ALIVE_MS = 15_000;
const BUFFER_BYTES = 1024 * 1024;
/** Before the request's time is over the stream ends by itself, by this part of it, at most by a second. */
const MARGIN_SHARE = 0.25;
const MARGIN_MS = 1000;
const COMMENT = ":\n\n";

/**
 * A Response that sends what an async iterable yields, or what a function sends until it closes or the client leaves;
 * the function it returns is called then. That an async function has ended does not end its stream: `events.close()` does.
 * Ends a moment before `request.timeout`, and the browser comes back: raise that
 * for longer streams. Throws nothing; what the source throws goes to the log, and cuts the stream.
 */
export function eventStream(source: EventStreamSource, options: EventStreamOptions = {}): Response {
  const headers = new Headers(options.headers);
  headers.set("content-type", "text/event-stream");
  // No proxy may gather it, nor compress it into pieces of its own.
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache, no-transform");
  const ctx = currentContext();
  const cleanUpFailed = (error: unknown): void => ctx?.log.warn(`an event stream's clean-up failed: ${String(error)}`);
  const iterate = (): AsyncIterator<string> => {
    if (typeof source !== "function") return formatted(source[Symbol.asyncIterator]());
    return new Started(source, ctx?.env.HTTP_LAST_EVENT_ID, options.buffer ?? BUFFER_BYTES, cleanUpFailed);
  };
  const body = new EventBody(iterate, options, { endsAt: endOf(ctx?.deadline), cleanUpFailed });
  return new Response({ [Symbol.asyncIterator]: () => inBytes(body) } as unknown as ReadableStream, { headers });
}

const encoder = new TextEncoder();

function inBytes(body: EventBody): AsyncIterator<Uint8Array, undefined> {
  return {
    async next() {
      const piece = await body.next();
      return piece.done === true ? piece : { done: false, value: encoder.encode(piece.value) };
    },
    return: () => body.return(),
  };
}

function endOf(deadline = Number.POSITIVE_INFINITY): number {
  const left = deadline - performance.now();
  return deadline - Math.min(left * MARGIN_SHARE, MARGIN_MS);
}

/** One message as it goes over the wire. Throws TypeError for an event or id that would be another line, or a retry that is no time. */
export function formatEvent(message: EventMessage | string): string {
  const { data, event, id, retry, comment } = typeof message === "string" ? { data: message } : message;
  let text = "";
  if (comment !== undefined) text += lines("", comment);
  if (event !== undefined) text += `event: ${oneLine("event", event)}\n`;
  if (id !== undefined) text += `id: ${oneLine("id", id)}\n`;
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0)
      throw new TypeError(`an event's retry is whole milliseconds, not ${retry}`);
    text += `retry: ${retry}\n`;
  }
  if (data !== undefined) text += lines("data", typeof data === "string" ? data : (JSON.stringify(data) ?? "null"));
  return `${text}\n`;
}

/** [HTML §9.2.6] Lines end with CR LF, CR or LF. */
function lines(field: string, text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `${field}: ${line}\n`)
    .join("");
}

function oneLine(field: string, text: string): string {
  if (/[\r\n\0]/.test(text)) throw new TypeError(`an event's ${field} is one line without NUL`);
  return text;
}

function formatted(events: AsyncIterator<EventMessage | string>): AsyncIterator<string> {
  return {
    async next() {
      const { done, value } = await events.next();
      return done === true ? { done, value: undefined } : { done: false, value: formatEvent(value) };
    },
    async return() {
      await events.return?.();
      return { done: true, value: undefined };
    },
  };
}

const SILENCE = Symbol("silence");
const TIME_OVER = Symbol("time over");

/** What the Response sends. Asked for the next piece only when the client has taken the one before it. */
class EventBody implements AsyncIterator<string, undefined> {
  readonly #iterate: () => AsyncIterator<string>;
  readonly #keepAliveMs: number;
  readonly #retry: number | undefined;
  readonly #endsAt: number;
  readonly #cleanUpFailed: (error: unknown) => void;
  #iterator: AsyncIterator<string> | undefined;
  /** Asked for, and not there yet. */
  #pending: Promise<IteratorResult<string>> | undefined;
  #wake: () => void = () => {};
  #isOver = false;

  constructor(
    iterate: () => AsyncIterator<string>,
    { keepAlive = KEEP_ALIVE_MS, retry }: EventStreamOptions,
    { endsAt, cleanUpFailed }: { readonly endsAt: number; readonly cleanUpFailed: (error: unknown) => void },
  ) {
    this.#iterate = iterate;
    this.#keepAliveMs = keepAlive === 0 ? Number.POSITIVE_INFINITY : keepAlive;
    this.#retry = retry;
    this.#endsAt = endsAt;
    this.#cleanUpFailed = cleanUpFailed;
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    if (this.#isOver) return { done: true, value: undefined };
    // A source that always has something must end as well.
    if (performance.now() >= this.#endsAt) return this.return();
    if (this.#iterator === undefined) {
      this.#iterator = this.#iterate();
      // Apache sends no head before the first byte of the body: without it the page would not know that it is connected.
      return { done: false, value: this.#retry === undefined ? COMMENT : formatEvent({ retry: this.#retry }) };
    }
    this.#pending ??= Promise.resolve(this.#iterator.next());
    const came = await this.#orSilence(this.#pending);
    if (this.#isOver) return { done: true, value: undefined };
    if (came === TIME_OVER) return this.return();
    if (came === SILENCE) return { done: false, value: COMMENT };
    this.#pending = undefined;
    if (came.done !== true) return { done: false, value: came.value };
    this.#isOver = true;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    this.#wake();
    const ended = isFirst ? this.#iterator?.return?.() : undefined;
    if (this.#pending === undefined) {
      await ended;
    } else {
      // A generator that waits for something ends when that comes: nobody waits for it here, nor for what it waited for.
      ended?.catch(this.#cleanUpFailed);
      this.#pending.catch(() => {});
    }
    return { done: true, value: undefined };
  }

  async #orSilence<T>(pending: Promise<T>): Promise<T | typeof SILENCE | typeof TIME_OVER> {
    const leftMs = this.#endsAt - performance.now();
    const waitMs = Math.min(this.#keepAliveMs, leftMs);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<typeof SILENCE | typeof TIME_OVER>((resolve) => {
      this.#wake = () => resolve(TIME_OVER);
      if (waitMs === Number.POSITIVE_INFINITY) return;
      // Not by another look at the clock: a timer may be early by a fraction of a millisecond.
      timer = setTimeout(resolve, Math.max(0, waitMs), leftMs <= this.#keepAliveMs ? TIME_OVER : SILENCE);
    });
    try {
      return await Promise.race([pending, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a start function sends, kept until the client takes it. */
class Started implements AsyncIterator<string>, EventSink {
  readonly lastEventId: string | undefined;
  readonly #bufferBytes: number;
  readonly #cleanUpFailed: (error: unknown) => void;
  readonly #controller = new AbortController();
  readonly #waiting: string[] = [];
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #cleanUp: (() => void) | undefined;
  #stir: () => void = () => {};

  constructor(
    start: Extract<EventStreamSource, (...args: never[]) => unknown>,
    lastEventId: string | undefined,
    bufferBytes: number,
    cleanUpFailed: (error: unknown) => void,
  ) {
    this.lastEventId = lastEventId;
    this.#bufferBytes = bufferBytes;
    this.#cleanUpFailed = cleanUpFailed;
    void this.#start(start);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  send(message: EventMessage | string): boolean {
    if (this.signal.aborted) return false;
    const text = formatEvent(message);
    this.#bytes += text.length;
    if (this.#bytes > this.#bufferBytes) {
      this.close();
      return false;
    }
    this.#waiting.push(text);
    this.#stir();
    return true;
  }

  close(): void {
    this.#end(undefined);
  }

  async next(): Promise<IteratorResult<string>> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const text = this.#waiting.shift();
      if (text !== undefined) {
        this.#bytes -= text.length;
        return { done: false, value: text };
      }
      if (this.signal.aborted) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#stir = resolve;
      });
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#waiting.length = 0;
    this.#end(undefined);
    return { done: true, value: undefined };
  }

  async #start(start: (events: EventSink) => unknown): Promise<void> {
    try {
      const cleanUp = await start(this);
      if (typeof cleanUp !== "function") return;
      this.#cleanUp = cleanUp as () => void;
      if (this.signal.aborted) void this.#runCleanUp();
    } catch (error) {
      this.#end({ error });
    }
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    this.#failure ??= failure;
    if (this.signal.aborted) return;
    this.#controller.abort(new DOMException("the stream is closed", "AbortError"));
    this.#stir();
    void this.#runCleanUp();
  }

  /** Its error is not the sender's, who may stand in a timer, and it may come late: nobody would catch it. */
  async #runCleanUp(): Promise<void> {
    try {
      await this.#cleanUp?.();
    } catch (error) {
      this.#cleanUpFailed(error);
    }
  }
}
