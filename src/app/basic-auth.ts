// HTTP Basic authentication [RFC 7617], for middleware and for published functions. Apache passes the
// header on with `CGIPassAuth On`. Only over TLS: the password is merely encoded.

import { createHash, timingSafeEqual } from "node:crypto";

/** A name and a password, as a client has sent them. */
export interface Credentials {
  /** May be empty. */
  readonly user: string;
  /** As text; may be empty. */
  readonly password: string;
}

/** A longer header is nobody's password; Apache's own limit of a header line. */
const MAX_HEADER_CHARS = 8190;
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * User and password of the request's Authorization header; undefined where there is none, where it is of
 * another scheme (Digest, Bearer), and where it is not exactly what RFC 7617 describes: base64 of UTF-8
 * with a colon and no control characters.
 */
export function basicCredentials(request: Request): Credentials | undefined {
  const header = request.headers.get("authorization");
  if (header === null || header.length > MAX_HEADER_CHARS) return undefined;
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  // Buffer skips what it does not understand; what another decoder may read otherwise counts for nothing.
  if (bytes.toString("base64") !== encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=")) return undefined;
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    // No UTF-8.
    return undefined;
  }
  const colon = text.indexOf(":");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: [RFC 7617 §2] forbids them
  if (colon < 0 || /[\0-\x1f\x7f]/.test(text)) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * Whether two secrets are the same, in a time that tells nothing of where they differ. An empty one is none:
 * a variable that is not set must not let in who sends no password. For passwords that people choose, keep hashes (`scrypt` of node:crypto) and compare those.
 */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other)) && one !== "";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** 401 that makes a browser ask for name and password. Throws TypeError for a realm that no header can carry. */
export function unauthorized(realm: string): Response {
  if (!/^[ !#-[\]-~]*$/.test(realm)) {
    throw new TypeError("a realm is printable ASCII without quotes and backslashes");
  }
  return new Response("Unauthorized\n", {
    status: 401,
    headers: {
      "www-authenticate": `Basic realm="${realm}", charset="UTF-8"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

/** What `basicAuth` goes by. */
export interface BasicAuth<Ctx, User> {
  /** Shown by the browser when it asks. Printable ASCII without quotes. */
  readonly realm: string;
  /** The user that these credentials belong to; undefined, null, false or another falsy value if they are not right. */
  verify(
    credentials: Credentials,
    ctx: Ctx,
  ): User | undefined | null | false | Promise<User | undefined | null | false>;
}

/**
 * The phase `authenticate` of a middleware: `ctx.user` becomes what `verify` returns, or 401 is answered.
 * `true` stands for the name of the user.
 */
export function basicAuth<Ctx extends { user: unknown }, User>({ realm, verify }: BasicAuth<Ctx, User>) {
  // A realm that cannot be sent is found when the module loads.
  unauthorized(realm);
  return async (request: Request, ctx: Ctx): Promise<Response | undefined> => {
    const credentials = basicCredentials(request);
    const user = credentials === undefined ? undefined : await verify(credentials, ctx);
    // `rows.length && …` is 0 for a stranger.
    if (credentials === undefined || !user) return unauthorized(realm);
    ctx.user = user === true ? credentials.user : user;
    return undefined;
  };
}
