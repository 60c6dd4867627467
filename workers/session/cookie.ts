// The session's id as the visitor's browser keeps it: read from Cookie, written as Set-Cookie [RFC 6265].

import { isSecure } from "../../src/cgi/variables.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";
import type { Keys } from "../keys.ts";
import { isId } from "./id.ts";

export interface SessionCookieOptions {
  /** Undefined: `session`, with `__Host-` before it over HTTPS, and the mount after it. */
  readonly name: string | undefined;
  readonly mount: string;
  readonly sameSite: "lax" | "strict" | "none";
  /** Undefined: ids are not signed. */
  readonly keys: Keys | undefined;
  /** Kept apart, so that what was signed for one app is of no use for another. */
  readonly namespace: string;
}

export interface PresentedId {
  readonly id: string;
  /** Signed with a secret that is not the first any more. */
  readonly isStale: boolean;
}

/** A browser may send several of one name; beyond so many none is genuine. */
const CANDIDATES_MAX = 8;

export class SessionCookie {
  readonly #options: SessionCookieOptions;
  readonly #purpose: string;

  constructor(options: SessionCookieOptions) {
    this.#options = options;
    this.#purpose = `session ${options.namespace}`;
  }

  /** The first id that could be ours; undefined where there is none. */
  read(params: Params): PresentedId | undefined {
    const header = params.get("HTTP_COOKIE");
    if (header === undefined) return undefined;
    for (const value of valuesOf(header, this.name(params))) {
      const presented = this.#verified(value);
      if (presented !== undefined) return presented;
    }
    return undefined;
  }

  /** The value of Set-Cookie. `maxAgeMs` undefined: until the browser is closed. */
  write(params: Params, id: string, maxAgeMs: number | undefined): string {
    const { keys } = this.#options;
    const value = keys === undefined ? id : keys.sign(this.#purpose, id);
    const age = maxAgeMs === undefined ? "" : `; Max-Age=${Math.max(1, Math.floor(maxAgeMs / 1000))}`;
    return `${this.name(params)}=${value}; Path=/${age}${this.#attributes(params)}`;
  }

  /** The value of Set-Cookie that makes a browser forget it [RFC 6265 §5.2.2]. */
  remove(params: Params): string {
    return `${this.name(params)}=; Path=/; Max-Age=0${this.#attributes(params)}`;
  }

  name(params: Params): string {
    const { name, mount } = this.#options;
    const secure = isSecure(params);
    // Over plain HTTP browsers refuse these names [RFC 6265bis §4.1.3].
    if (name !== undefined) return secure ? name : name.replace(/^__(?:Host|Secure)-(?=.)/i, "");
    // Two apps on one host must not take each other's cookie for their own.
    const own = `session${mount.replace(/[^A-Za-z0-9]+/g, "-")}`;
    return secure ? `__Host-${own}` : own;
  }

  #attributes(params: Params): string {
    const sameSite = { lax: "Lax", strict: "Strict", none: "None" }[this.#options.sameSite];
    return `; HttpOnly; SameSite=${sameSite}${isSecure(params) ? "; Secure" : ""}`;
  }

  #verified(value: string): PresentedId | undefined {
    const { keys } = this.#options;
    const id = keys === undefined ? value : keys.unsign(this.#purpose, value);
    if (id === undefined || !isId(id)) return undefined;
    return { id, isStale: keys !== undefined && keys.sign(this.#purpose, id) !== value };
  }
}

function valuesOf(header: string, name: string): string[] {
  const found: string[] = [];
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    found.push(pair.slice(equals + 1).trim());
    if (found.length === CANDIDATES_MAX) break;
  }
  return found;
}
