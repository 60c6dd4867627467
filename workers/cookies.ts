// `ctx.cookies`: what the client sent, read once when someone looks, and what the reply sets.

import { parseCookie, stringifySetCookie } from "cookie";
import type { CookieAttributes, Cookies, ProtectedCookies } from "../src/app/cookies.ts";
import { Fault, messageOf } from "../src/base/fault.ts";
import type { ReplyHook } from "./context.ts";
import type { Keys } from "./keys.ts";

/** Browsers drop a cookie whose name and value are longer together [RFC 6265bis §5.6]. */
const COOKIE_BYTES = 4096;

export interface CookieJar {
  /** HTTP_COOKIE as UTF-8; undefined: none were sent. */
  readonly header: string | undefined;
  /** The client reached the web server over TLS. */
  readonly isSecure: boolean;
  readonly keys: () => Keys;
  beforeReply(hook: ReplyHook): void;
}

export class RequestCookies implements Cookies {
  readonly #jar: CookieJar;
  #sent: ReadonlyMap<string, string> | undefined;
  /** Domain, path and name → header value; not yet in a reply. */
  #lines = new Map<string, string>();

  constructor(jar: CookieJar) {
    this.#jar = jar;
  }

  get(name: string): string | undefined {
    return this.all().get(name);
  }

  all(): ReadonlyMap<string, string> {
    this.#sent ??= new Map(Object.entries(parseCookie(this.#jar.header ?? "")) as [string, string][]);
    return this.#sent;
  }

  set(name: string, value: string, attributes: CookieAttributes = {}): void {
    const line = setCookie(name, value, withDefaults(name, attributes, this.#jar.isSecure));
    // Also while other hooks run: one that is added then is called as well.
    if (this.#lines.size === 0) this.#jar.beforeReply(this.#send);
    const { domain = "", path = "/" } = attributes;
    this.#lines.set(JSON.stringify([domain.toLowerCase(), path, name]), line);
  }

  delete(name: string, attributes: Pick<CookieAttributes, "domain" | "path" | "partitioned"> = {}): void {
    this.set(name, "", { ...attributes, maxAge: 0, expires: new Date(0) });
  }

  get signed(): ProtectedCookies {
    return {
      get: (name) => {
        const value = this.get(name);
        return value === undefined ? undefined : this.#jar.keys().unsign(purposeOf(name), value);
      },
      set: (name, value, attributes) => this.set(name, this.#jar.keys().sign(purposeOf(name), value), attributes),
    };
  }

  get sealed(): ProtectedCookies {
    return {
      get: (name) => {
        const value = this.get(name);
        return value === undefined ? undefined : this.#jar.keys().unseal(purposeOf(name), value);
      },
      set: (name, value, attributes) => this.set(name, this.#jar.keys().seal(purposeOf(name), value), attributes),
    };
  }

  readonly #send: ReplyHook = ({ headers }) => {
    for (const line of this.#lines.values()) headers.append("set-cookie", line);
    this.#lines = new Map();
  };
}

/** The value of one cookie is of no use as that of another. */
function purposeOf(name: string): string {
  return `cookie ${name}`;
}

function withDefaults(name: string, given: CookieAttributes, isSecure: boolean): CookieAttributes {
  const { sameSite = "lax", httpOnly = true, path = "/" } = given;
  const prefix = /^__(host|secure)-/i.exec(name)?.[1]?.toLowerCase();
  const needsTls = prefix !== undefined || sameSite === "none" || given.partitioned === true;
  if (needsTls && given.secure === false) {
    const reason = prefix === undefined ? "SameSite=None and Partitioned need" : "its name needs";
    throw refused(name, `is not Secure, but ${reason} it`, "Leave `secure` out.");
  }
  if (prefix === "host" && (given.domain !== undefined || path !== "/")) {
    throw refused(
      name,
      "has a Domain or a Path, which its name forbids",
      "Leave `domain` and `path` out, or rename it.",
    );
  }
  return { ...given, sameSite, httpOnly, path, secure: given.secure ?? (needsTls || isSecure) };
}

function setCookie(name: string, value: string, attributes: CookieAttributes): string {
  if (typeof value !== "string") throw refused(name, "has a value that is no text", "Use JSON.stringify.");
  let line: string;
  try {
    line = stringifySetCookie({ name, value, ...attributes });
  } catch (error) {
    throw refused(name, `cannot be sent: ${messageOf(error)}`);
  }
  const semicolon = line.indexOf(";");
  // One byte is the "=" between them.
  const bytes = (semicolon < 0 ? line.length : semicolon) - 1;
  if (bytes <= COOKIE_BYTES) return line;
  throw refused(
    name,
    `has ${bytes} bytes of name and encoded value; browsers keep ${COOKIE_BYTES}`,
    "Keep the data in a session, and only its id in the cookie.",
  );
}

function refused(name: string, what: string, hint?: string): Fault {
  const shown = JSON.stringify(String(name).slice(0, 80));
  return new Fault("HANDLER", `the cookie ${shown} ${what}`, hint === undefined ? {} : { hint });
}
