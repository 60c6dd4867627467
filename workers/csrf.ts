// `ctx.csrf`: tokens that a page of this site has and another site's has not. A token is an HMAC over an
// id that only this browser sends (a cookie) and a nonce, so nothing has to be kept. What the browser itself
// says about a request's origin is looked at first.

import { randomBytes } from "node:crypto";
import type { Cookies, Csrf, CsrfOptions, CsrfVerifyOptions } from "../src/app/cookies.ts";
import type { Keys } from "./keys.ts";
import { Refusal } from "./refusal.ts";

const RANDOM_BYTES = 16;
const ID = /^[A-Za-z0-9_-]{22}$/;
const PURPOSE = "csrf";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const FIELD = "_csrf";
const HEADER = "x-csrf-token";

export interface CsrfSource {
  readonly request: Request;
  readonly isSecure: boolean;
  readonly keys: () => Keys;
  readonly cookies: Cookies;
  /** The form that `request` brings, which can be read again; undefined: it brings none. */
  formOf(request: Request): Promise<FormData | undefined>;
}

export class RequestCsrf implements Csrf {
  readonly #source: CsrfSource;
  #id: string | undefined;

  constructor(source: CsrfSource) {
    this.#source = source;
  }

  token({ bindTo }: CsrfOptions = {}): string {
    this.#id ??= this.#sentId() ?? this.#newId();
    const nonce = random();
    const subject = subjectOf(this.#id, bindTo);
    return this.#source
      .keys()
      .sign(PURPOSE, subject + nonce)
      .slice(subject.length);
  }

  field(options?: CsrfOptions): string {
    return `<input type="hidden" name="${FIELD}" value="${this.token(options)}">`;
  }

  async verify(from: Parameters<Csrf["verify"]>[0], options: CsrfVerifyOptions = {}): Promise<void> {
    const { request } = this.#source;
    if (SAFE_METHODS.has(request.method)) return;
    checkOrigin(request, options.origins ?? []);
    const token = await this.#tokenIn(from, options);
    if (token === undefined) throw refused("it brings no token");
    const id = this.#sentId();
    if (id === undefined) throw refused("it brings no cookie that its token could belong to");
    if (this.#source.keys().unsign(PURPOSE, subjectOf(id, options.bindTo) + token) === undefined) {
      throw refused("its token is not one of this browser's");
    }
  }

  async #tokenIn(from: Parameters<Csrf["verify"]>[0], options: CsrfVerifyOptions): Promise<string | undefined> {
    const { field = FIELD, header = HEADER } = options;
    if (typeof from === "string") return from;
    if (from instanceof FormData || from instanceof URLSearchParams) return textOf(from.get(field));
    const sent = from.headers.get(header);
    if (sent !== null) return sent;
    return textOf((await this.#source.formOf(from))?.get(field) ?? null);
  }

  /** Where there is TLS, no other host of the domain can set it in our stead [RFC 6265bis §4.1.3]. */
  get #cookieName(): string {
    return this.#source.isSecure ? "__Host-csrf" : "csrf";
  }

  #sentId(): string | undefined {
    const id = this.#source.cookies.get(this.#cookieName);
    return id !== undefined && ID.test(id) ? id : undefined;
  }

  #newId(): string {
    const id = random();
    this.#source.cookies.set(this.#cookieName, id);
    return id;
  }
}

function random(): string {
  return randomBytes(RANDOM_BYTES).toString("base64url");
}

/** No two pairs give the same text. */
function subjectOf(id: string, bindTo: string | undefined): string {
  return `${id} ${bindTo === undefined ? "" : JSON.stringify(bindTo)} `;
}

/** [Fetch Metadata §2.3], and where a browser sends none of it [RFC 6454 §7]. Neither comes from a program: then the token decides. */
function checkOrigin(request: Request, trusted: readonly string[]): void {
  const origin = request.headers.get("origin");
  if (origin !== null && trusted.includes(origin)) return;
  const site = request.headers.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return;
  if (site !== null) throw refused(`it comes from another site (Sec-Fetch-Site: ${JSON.stringify(site.slice(0, 40))})`);
  if (origin !== null && origin !== new URL(request.url).origin) {
    throw refused(`it comes from ${JSON.stringify(origin.slice(0, 200))}`);
  }
}

function textOf(value: string | File | null): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function refused(why: string): Refusal {
  return new Refusal("REQUEST", `the request may have been forged: ${why}`, {
    status: 403,
    hint: "Put ctx.csrf.field() into the form, or ctx.csrf.token() into the header x-csrf-token.",
  });
}
