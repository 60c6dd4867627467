// The URL that the client asked for, from the meta-variables. What it returns is always as the URL
// standard serializes it, so a handler's router sees what `new URL(request.url)` would show it. The
// usual URL is recognised and only joined; everything else goes through URL.

import { Fault } from "../base/fault.ts";
import type { Params } from "../fastcgi/name-values.ts";

export interface RequestPath {
  /** Percent-encoded, begins with a slash. */
  readonly pathname: string;
  /** With its question mark, or "". */
  readonly search: string;
}

/** Chars that URL leaves alone in a path and a query; no segment that begins with a dot, which it may remove. */
const PLAIN_TARGET = /^(?!.*\/(?:\.|%2e))\/[A-Za-z0-9\-._~!$&()*+,;=:@%/]*(?:\?[A-Za-z0-9\-._~!$&()*+,;=:@%/?]+)?$/i;

/** `http://` or `https://` and what follows it up to the path [RFC 9112 §3.2.2]. */
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]*)(.*)$/i;

const AUTHORITY = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/**
 * The absolute URL: scheme from HTTPS or REQUEST_SCHEME, authority from an absolute-form target, else
 * from a well-formed Host, else from SERVER_NAME and SERVER_PORT. Throws REQUEST for a target that no
 * client can have sent.
 */
export function requestUrl(params: Params): string {
  const target = requestTarget(params);
  return originOf(params, target.authority) + join(pathOf(target.rest));
}

/** The path and the query of `requestUrl`, for a handler that looks at nothing else. */
export function requestPath(params: Params): RequestPath {
  return pathOf(requestTarget(params).rest);
}

export interface FilePath {
  /** Percent-encoded, begins with a slash. */
  readonly pathname: string;
  /**
   * False where the web server read the path otherwise, as its SCRIPT_NAME and PATH_INFO tell: then
   * its access rules were about another file than this path names.
   */
  readonly isAgreed: boolean;
}

/** What two readers of a path may read differently: doubled slashes, backslashes, dot segments. */
const AMBIGUOUS_PATH = /\/\/|\\|\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * The path by which a file is found. Doubled slashes are made one before dot segments are removed, as
 * Apache (MergeSlashes) and nginx (merge_slashes) do; the URL standard does neither.
 */
export function filePath(params: Params): FilePath {
  const { rest } = requestTarget(params);
  const question = rest.indexOf("?");
  const path = question < 0 ? rest : rest.slice(0, question);
  if (!AMBIGUOUS_PATH.test(path)) return { pathname: pathOf(path).pathname, isAgreed: true };
  const { pathname } = pathOf(path.replace(/\/{2,}/g, "/"));
  const read = (params.getUtf8("SCRIPT_NAME") ?? "") + (params.getUtf8("PATH_INFO") ?? "");
  return { pathname, isAgreed: !path.includes("\\") && decoded(pathname) === read };
}

function decoded(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    // A malformed escape, or bytes that are no UTF-8.
    return undefined;
  }
}

/** Whether the client reached the web server over TLS, as the web server says. */
export function isSecure(params: Params): boolean {
  const https = params.get("HTTPS");
  if (https !== undefined && https !== "") return /^(?:on|1)$/i.test(https);
  return params.get("REQUEST_SCHEME") === "https";
}

interface Target {
  readonly authority: string | undefined;
  /** Path and query, beginning with a slash. */
  readonly rest: string;
}

function requestTarget(params: Params): Target {
  const target = params.get("REQUEST_URI") || builtTarget(params);
  if (target.startsWith("/")) return { authority: undefined, rest: target };
  // The path of `OPTIONS *` is empty [RFC 9112 §3.3].
  if (target === "*") return { authority: undefined, rest: "/" };
  const absolute = ABSOLUTE_TARGET.exec(target);
  if (absolute === null) throw new Fault("REQUEST", "REQUEST_URI is neither a path nor an http URL");
  const [, authority, rest = ""] = absolute;
  return { authority, rest: rest.startsWith("/") ? rest : `/${rest}` };
}

/** For a web server that sends no REQUEST_URI. SCRIPT_NAME and PATH_INFO are decoded [RFC 3875 §4.1.5, §4.1.13]. */
function builtTarget(params: Params): string {
  const path = (params.get("SCRIPT_NAME") ?? "") + (params.get("PATH_INFO") ?? "");
  const query = params.get("QUERY_STRING") ?? "";
  const encoded = path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g, percentEncode);
  return (encoded.startsWith("/") ? encoded : `/${encoded}`) + (query === "" ? "" : `?${query}`);
}

function pathOf(rest: string): RequestPath {
  if (PLAIN_TARGET.test(rest)) {
    const question = rest.indexOf("?");
    if (question < 0) return { pathname: rest, search: "" };
    return { pathname: rest.slice(0, question), search: rest.slice(question) };
  }
  // URL drops tabs and line ends silently: refused before it can make two different paths equal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  if (/[\0-\x1f\x7f]/.test(rest)) throw new Fault("REQUEST", "the request's URL holds a control character");
  const bytes = rest.replace(/[^\0-\x7f]/g, percentEncode);
  const { pathname, search } = new URL(`http://localhost${bytes}`);
  return { pathname, search };
}

function join({ pathname, search }: RequestPath): string {
  return pathname + search;
}

function originOf(params: Params, targetAuthority: string | undefined): string {
  const scheme = isSecure(params) ? "https://" : "http://";
  const named = originFrom(scheme, targetAuthority ?? params.get("HTTP_HOST"));
  return named ?? originFrom(scheme, serverAuthority(params)) ?? `${scheme}localhost`;
}

function serverAuthority(params: Params): string | undefined {
  const name = params.get("SERVER_NAME");
  if (name === undefined) return undefined;
  const host = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  return `${host}:${params.get("SERVER_PORT") ?? ""}`;
}

/** A process answers for few hosts; more are computed anew rather than remembered. */
const REMEMBERED_ORIGINS = 64;
const origins = new Map<string, string | undefined>();

/** Undefined if this is no well-formed authority [RFC 3986 §3.2]. */
function originFrom(scheme: string, authority: string | undefined): string | undefined {
  if (authority === undefined) return undefined;
  const key = scheme + authority;
  const known = origins.get(key);
  if (known !== undefined) return known;
  if (!AUTHORITY.test(authority) || !URL.canParse(key)) return undefined;
  const { origin } = new URL(key);
  if (origins.size < REMEMBERED_ORIGINS) origins.set(key, origin);
  return origin;
}

function percentEncode(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
