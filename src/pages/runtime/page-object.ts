// `page`: what the code of a page knows of its request, and how it decides the head of its reply.

import type { Context } from "../../app/context.ts";
import type { Page, Printable } from "../../app/page.ts";
import type { RequestSession } from "../../app/session.ts";
import type { PageOptions } from "../settings.ts";
import { escapeHtml } from "./escape.ts";
import type { PageOutput } from "./output.ts";

const HTML = "text/html; charset=utf-8";
const REDIRECTS = [301, 302, 303, 307, 308];

export class PageObject implements Page {
  readonly request: Request;
  readonly ctx: Context;
  readonly #output: PageOutput;
  readonly #type: string;
  #status: number;
  #headers: Headers | undefined;
  #query: URLSearchParams | undefined;
  #form: Promise<FormData> | undefined;
  #redirect: Redirect | undefined;

  constructor(request: Request, ctx: Context, output: PageOutput, options: PageOptions) {
    this.request = request;
    this.ctx = ctx;
    this.#output = output;
    this.#type = options.type ?? HTML;
    this.#status = options.status ?? 200;
  }

  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    this.#refuseIfSent("status");
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`${String(status)} is no status for a page; use a number from 200 to 599`);
    }
    this.#status = status;
  }

  get headers(): Headers {
    this.#headers ??= guarded(new Headers([["content-type", this.#type]]), () => this.#refuseIfSent("headers"));
    return this.#headers;
  }

  get isSent(): boolean {
    return this.#output.isStarted;
  }

  get params(): Readonly<Record<string, string>> {
    return this.ctx.params;
  }

  get session(): RequestSession {
    return this.ctx.session;
  }

  get query(): URLSearchParams {
    this.#query ??= new URL(this.request.url).searchParams;
    return this.#query;
  }

  /** What `redirect` was called with, even if the page has caught what it threw. */
  get redirection(): Redirect | undefined {
    return this.#redirect;
  }

  readonly form = (): Promise<FormData> => {
    this.#form ??= this.request.formData() as Promise<FormData>;
    return this.#form;
  };

  readonly redirect = (url: string | URL, status = this.request.method === "POST" ? 303 : 302): never => {
    this.#refuseIfSent("a redirect");
    if (!REDIRECTS.includes(status)) {
      throw new RangeError(`${status} is no redirect; use ${REDIRECTS.join(", ")}`);
    }
    const location = String(url);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a header must not hold
    if (/[\0-\x1f\x7f]/.test(location)) throw new TypeError("the address of a redirect holds a control character");
    this.#redirect = new Redirect(location, status);
    this.#output.stop(this.#redirect);
    throw this.#redirect;
  };

  readonly write = (html: string): Promise<void> | undefined => {
    return this.#output.write(html) ? this.#output.flush() : undefined;
  };

  readonly flush = (): Promise<void> => this.#output.flush();

  readonly escape = (value: Printable): string => escapeHtml(value);

  /** For a Response. */
  get head(): { status: number; headers: Headers | [string, string][] } {
    return { status: this.#status, headers: this.#headers ?? [["content-type", this.#type]] };
  }

  #refuseIfSent(what: string): void {
    if (!this.isSent) return;
    throw new Error(
      `${what} cannot change any more: the head of the reply is sent. Do it before page.flush() and before the first 32 Ki characters.`,
    );
  }
}

/** Thrown by `page.redirect` to end the page; no failure. */
export class Redirect extends Error {
  readonly status: number;
  readonly location: string;

  constructor(location: string, status: number) {
    super(`the page redirects to ${location}`);
    this.location = location;
    this.status = status;
  }
}

/** Headers that ask before they change. */
function guarded(headers: Headers, check: () => void): Headers {
  for (const name of ["append", "set", "delete"] as const) {
    const change = headers[name].bind(headers) as (name: string, value: string) => void;
    const value = (...args: [string, string]): void => {
      check();
      change(...args);
    };
    Object.defineProperty(headers, name, { value });
  }
  return headers;
}
