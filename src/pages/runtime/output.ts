// What a page has written and nobody has taken yet. It is kept until it is long enough to be sent, so that an
// error before that can still be answered with an error; then the page goes on as fast as the client reads.

import type { Printable } from "../../app/page.ts";
import {
  escapeComment,
  escapeHtml,
  jsonLiteral,
  jsString,
  safeRefresh,
  safeUrl,
  safeUrlList,
  safeUrlPart,
  safeUrlPath,
  styleUrl,
  styleValue,
  textOf,
} from "./escape.ts";

/** Characters that are kept before anything is sent: until then status and headers may change. */
export const HELD_BACK = 32 * 1024;
/** Characters that make a piece after that. */
export const PIECE = 16 * 1024;
/** Characters that code which cannot wait (a callback that is not async), or does not, may write at once. */
export const UNSENT_MAX = 64 * 1024 * 1024;

/** For `tsc`: what prints by mistake is an error there already. */
type Escape = (value: Printable) => string;

/** What a page is written to. Its functions for values are in escape.ts. */
export class PageOutput {
  readonly html: Escape = escapeHtml;
  readonly comment: Escape = escapeComment;
  readonly url: Escape = safeUrl;
  readonly urlPart: Escape = safeUrlPart;
  readonly urlPath: Escape = safeUrlPath;
  readonly urlList: Escape = safeUrlList;
  readonly refresh: Escape = safeRefresh;
  readonly json: <Value>(value: Value extends PromiseLike<unknown> ? never : Value) => string = jsonLiteral;
  readonly string: Escape = jsString;
  readonly style: Escape = styleValue;
  readonly styleUrl: Escape = styleUrl;
  readonly text: Escape = textOf;
  #text = "";
  #limit = HELD_BACK;
  #started = false;
  readonly #start: (pieces: AsyncIterable<string>) => void;
  readonly #pieces = new Handover();
  #stopped: { readonly by: Error } | undefined;

  /** `start` is called when the first piece is to be sent. */
  constructor(start: (pieces: AsyncIterable<string>) => void) {
    this.#start = start;
  }

  get isStarted(): boolean {
    return this.#started;
  }

  /** True when `flush` is due. */
  readonly write = (text: string): boolean => {
    this.#text += text;
    if (this.#text.length < this.#limit) return false;
    if (this.#text.length + this.#pieces.waiting > UNSENT_MAX) {
      throw new RangeError(
        "the page has written 64 Mi characters without a chance to send them; make the callback async, and await page.write()",
      );
    }
    return true;
  };

  /** Sends what there is. Resolves when it is taken; rejects when nobody wants the rest. */
  readonly flush = (): Promise<void> => {
    if (this.#stopped !== undefined) return quiet(Promise.reject(this.#stopped.by));
    if (!this.#started) {
      this.#started = true;
      this.#limit = PIECE;
      this.#start(this.#pieces);
    }
    return this.#pieces.give(this.#take());
  };

  /** Before the start: nothing will be sent. The next flush rejects with `by`, should the page have caught it. */
  stop(by: Error): void {
    this.#stopped = { by };
  }

  /** The page is at its end. What it has written, if nothing was sent yet. */
  end(): string | undefined {
    const rest = this.#take();
    if (!this.#started) return rest;
    // Whoever reads takes it with the end; a reader that has gone needs neither.
    this.#pieces.end(rest);
    return undefined;
  }

  /** After the start: the reader is told that what it has is not whole. */
  fail(error: unknown): void {
    this.#pieces.fail(error);
  }

  /** Nobody reads any more. */
  get isAbandoned(): boolean {
    return this.#pieces.isAbandoned;
  }

  #take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}

/** The page is not wanted any more: its client has gone. */
export class Abandoned extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("nobody reads the page any more");
  }
}

/** One piece at a time from its writer to its reader, each waiting for the other. */
class Handover implements AsyncIterable<string>, AsyncIterator<string> {
  #piece: string | undefined;
  #ended: { readonly error?: unknown } | undefined;
  #reader: (() => void) | undefined;
  #writers: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  isAbandoned = false;

  /** Characters that nobody has taken. */
  get waiting(): number {
    return this.#piece?.length ?? 0;
  }

  give(piece: string): Promise<void> {
    if (this.isAbandoned) return quiet(Promise.reject(new Abandoned()));
    if (piece === "") return Promise.resolve();
    // Two parts of a page that flush at once wait for one another.
    this.#piece = (this.#piece ?? "") + piece;
    const taken = new Promise<void>((resolve, reject) => {
      this.#writers.push({ resolve, reject });
    });
    this.#wake();
    return quiet(taken);
  }

  end(rest: string): void {
    if (rest !== "") this.#piece = (this.#piece ?? "") + rest;
    this.#ended = {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#ended = { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<string>> {
    while (this.#piece === undefined && this.#ended === undefined && !this.isAbandoned) {
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
    const piece = this.#piece;
    if (piece !== undefined) {
      this.#piece = undefined;
      for (const { resolve } of this.#writers.splice(0)) resolve();
      return { done: false, value: piece };
    }
    if (this.#ended !== undefined && "error" in this.#ended) throw this.#ended.error;
    return { done: true, value: undefined };
  }

  /** The page's next flush rejects, so that its `finally` blocks run. */
  async return(): Promise<IteratorResult<string>> {
    this.isAbandoned = true;
    this.#piece = undefined;
    for (const { reject } of this.#writers.splice(0)) reject(new Abandoned());
    this.#wake();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.();
  }
}

/** Who writes without waiting does not hear that nobody reads; that is no error of the worker. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
