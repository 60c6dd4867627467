// Meta-variables [RFC 3875 §4.1] → what an HTTP handler asks for. It trusts what the web server
// computed (REMOTE_ADDR, HTTPS, SERVER_NAME) and nothing that a client chose: X-Forwarded-* are plain
// headers here, and `Host` counts only if it is well-formed. What contradicts itself is Fault REQUEST.

import { Fault } from "../base/fault.ts";
import type { Params } from "../fastcgi/name-values.ts";

export { isSecure, type RequestPath, requestPath, requestUrl } from "./request-url.ts";

/** [RFC 9110 §5.6.2], but no lower case: `get` would pass an Apache rule for GET and become GET in a Request. */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Z]{1,32}$/;

const HEADER_VARIABLE = /^HTTP_[A-Z0-9_]+$/;

const LENGTH_NAME = Buffer.from("CONTENT_LENGTH");

/** What no header value may hold [RFC 9110 §5.5]. */
const LINE_BREAKING = /[\r\n\0]/;

/** Throws REQUEST unless it is a token of at most 32 bytes without lower-case letters. */
export function requestMethod(params: Params): string {
  const method = params.get("REQUEST_METHOD");
  if (method !== undefined && METHOD.test(method)) return method;
  throw new Fault("REQUEST", method === undefined ? "REQUEST_METHOD is missing" : "REQUEST_METHOD is no HTTP method", {
    hint: "Have the web server send the CGI variables; methods are upper-case.",
  });
}

/** `HTTP/1.1`, `HTTP/2.0`, …; `HTTP/1.1` if the web server does not say. */
export function serverProtocol(params: Params): string {
  return params.get("SERVER_PROTOCOL") ?? "HTTP/1.1";
}

/** The peer that the web server saw (or that its mod_remoteip vouches for); "" if it does not say. */
export interface RemoteAddress {
  readonly address: string;
  readonly port: number | undefined;
}

export function remoteAddress(params: Params): RemoteAddress {
  const port = params.get("REMOTE_PORT");
  return {
    address: params.get("REMOTE_ADDR") ?? "",
    port: port !== undefined && /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? Number(port) : undefined,
  };
}

/** A longer text is not repeated in every line about its request. */
const MAX_NAMING_CHARS = 2048;

const shortened = (text: string): string =>
  text.length <= MAX_NAMING_CHARS ? text : `${text.slice(0, MAX_NAMING_CHARS)}…`;

/** What names a request in a log: method, URI, and mod_unique_id's id where there is one; as they came, up to a length. */
export function requestFields(params: Params): {
  readonly method?: string;
  readonly uri?: string;
  readonly request?: string;
} {
  const method = params.get("REQUEST_METHOD");
  const uri = params.get("REQUEST_URI");
  const request = params.get("UNIQUE_ID");
  return {
    ...(method === undefined ? {} : { method: shortened(method) }),
    ...(uri === undefined ? {} : { uri: shortened(uri) }),
    ...(request === undefined ? {} : { request: shortened(request) }),
  };
}

/**
 * CONTENT_LENGTH in bytes. Undefined when the length is not known: absent (chunked uploads), ""
 * (nginx) and "-1" (lighttpd, Caddy); the body ends with STDIN either way. Throws REQUEST for
 * anything else that is no number, and for several that differ.
 */
export function contentLength(params: Params): number | undefined {
  if (!params.mayHave(LENGTH_NAME)) return undefined;
  const values = new Set([...params.getAll("CONTENT_LENGTH"), ...params.getAll("HTTP_CONTENT_LENGTH")]);
  values.delete("");
  values.delete("-1");
  const [value, other] = values;
  if (value === undefined) return undefined;
  if (other !== undefined) throw new Fault("REQUEST", "several lengths of the request body that differ");
  if (!/^\d{1,15}$/.test(value)) throw new Fault("REQUEST", "CONTENT_LENGTH is not a number of bytes");
  return Number(value);
}

/**
 * The request's headers, names in lower case, one value per name (the web server has joined
 * duplicates). `Proxy` is dropped [CVE-2016-5385], so are names that no header can have.
 * Hop-by-hop headers stay. Throws REQUEST for CR, LF or NUL in a value.
 */
export function headerEntries(params: Params): [name: string, value: string][] {
  const headers = new Map<string, string>();
  for (const [variable, value] of params.withPrefix("HTTP_")) {
    const name = headerNameOf(variable);
    if (name !== undefined) headers.set(name, checked(variable, value));
  }
  for (const name of ["content-type", "content-length"]) {
    const value = headerValue(params, name);
    if (value !== undefined) headers.set(name, value);
  }
  return [...headers];
}

/** One header without making the others; `name` in any case. Throws REQUEST as `headerEntries` does. */
export function headerValue(params: Params, name: string): string | undefined {
  const variable = variableOf(name);
  const value = variable === undefined ? undefined : params.get(variable);
  if (variable === undefined || value === undefined) return undefined;
  // Peers send these even when the request had no such header.
  if (variable === "CONTENT_TYPE" && value === "") return undefined;
  if (variable === "CONTENT_LENGTH" && (value === "" || value === "-1")) return undefined;
  return checked(variable, value);
}

/**
 * All variables for an environment-like view, in order, later ones overriding earlier of the same
 * name: without empty names, names with control characters or `=`, and HTTP_PROXY [CVE-2016-5385].
 */
export function* metaVariables(params: Params): IterableIterator<[name: string, value: string]> {
  for (const pair of params.entries()) {
    if (/^[!-<>-~]+$/.test(pair[0]) && pair[0] !== "HTTP_PROXY") yield pair;
  }
}

/**
 * The file that the web server mapped the request to, as it is on disk: UTF-8, never percent-decoded,
 * never cut. Only the prefixes are taken off that mod_proxy puts before a path, and a doubled leading
 * slash is made one (a slash after `fcgi://NAME` in SetHandler doubles it). Undefined if there is none.
 * Throws REQUEST for control characters.
 */
export function scriptFilename(params: Params): string | undefined {
  const value = params.getUtf8("SCRIPT_FILENAME");
  if (value === undefined || value === "") return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  if (/[\0-\x1f\x7f]/.test(value)) throw new Fault("REQUEST", "SCRIPT_FILENAME holds a control character");
  return value.replace(PROXY_PREFIX, "").replace(/^\/{2,}/, "/");
}

const PROXY_PREFIX = /^proxy:(?:unix:[^|]*\|)?(?:fcgi|balancer):\/\/(?:\[[0-9A-Fa-f:.]*\]|[^/[\]:]*)(?::\d*)?(?=\/|$)/;

function headerNameOf(variable: string): string | undefined {
  if (!HEADER_VARIABLE.test(variable)) return undefined;
  const name = variable.slice(5).toLowerCase().replaceAll("_", "-");
  // nginx sends HTTP_CONTENT_* beside CONTENT_*, which alone count [RFC 3875 §4.1.18].
  return name === "proxy" || name === "content-type" || name === "content-length" ? undefined : name;
}

function variableOf(name: string): string | undefined {
  if (!/^[A-Za-z0-9-]+$/.test(name)) return undefined;
  const variable = name.toUpperCase().replaceAll("-", "_");
  if (variable === "PROXY") return undefined;
  return variable === "CONTENT_TYPE" || variable === "CONTENT_LENGTH" ? variable : `HTTP_${variable}`;
}

function checked(variable: string, value: string): string {
  if (!LINE_BREAKING.test(value)) return value;
  throw new Fault("REQUEST", `${variable} holds CR, LF or NUL`);
}
