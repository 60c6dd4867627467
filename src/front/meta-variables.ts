// An HTTP request → the CGI meta-variables [RFC 3875 §4.1] that Apache's ProxyPass would send for it,
// so that a handler cannot tell which of the two fronts it is behind. Pure.

import { Fault } from "../base/fault.ts";
import type { NameValue } from "../fastcgi/name-values.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface FrontRequest {
  readonly method: string;
  /** The request-target as the client wrote it, one char per byte. */
  readonly target: string;
  /** "1.1" */
  readonly httpVersion: string;
  /** Names and values by turns, one char per byte. */
  readonly rawHeaders: readonly string[];
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly documentRoot: string;
}

/** Throws Fault REQUEST (400, 404) for what Apache would refuse before it asks anyone. */
export function metaVariables(request: FrontRequest): NameValue[] {
  const headers = foldHeaders(request.rawHeaders);
  const { path, query } = splitTarget(request.target);
  const host = headers.get("HTTP_HOST");
  const variables: (readonly [string, string])[] = [
    ["GATEWAY_INTERFACE", "CGI/1.1"],
    ["SERVER_SOFTWARE", "Holdfast"],
    ["SERVER_PROTOCOL", `HTTP/${request.httpVersion}`],
    ["SERVER_NAME", host?.replace(/:\d*$/, "") || request.local.address],
    ["SERVER_ADDR", plainAddress(request.local.address)],
    ["SERVER_PORT", String(request.local.port)],
    ["REMOTE_ADDR", plainAddress(request.remote.address)],
    ["REMOTE_PORT", String(request.remote.port)],
    ["REQUEST_SCHEME", "http"],
    ["REQUEST_METHOD", request.method],
    ["REQUEST_URI", request.target],
    ["QUERY_STRING", query],
    ["SCRIPT_NAME", path],
  ];
  const bytes = [...headers, ...variables].map(([name, value]) => [name, latin1(value)] satisfies NameValue);
  return [...bytes, ["DOCUMENT_ROOT", request.documentRoot]];
}

/** Strings travel as UTF-8; what came off the wire has one char per byte. */
function latin1(value: string): string | Uint8Array {
  return /^[\0-\x7f]*$/.test(value) ? value : Buffer.from(value, "latin1");
}

/** IPv4 clients of a socket that takes both families. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "");
}

/**
 * Headers as variables. Names with other bytes than letters, digits and `-` are dropped, as Apache
 * does, so that `X_User` cannot pass for `X-User`; `Proxy` is dropped [CVE-2016-5385].
 */
function foldHeaders(raw: readonly string[]): Map<string, string> {
  const folded = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = [raw[at], raw[at + 1]];
    if (!/^[A-Za-z0-9-]+$/.test(name) || name.toLowerCase() === "proxy") continue;
    const variable = name.toUpperCase().replaceAll("-", "_");
    const key = variable === "CONTENT_TYPE" || variable === "CONTENT_LENGTH" ? variable : `HTTP_${variable}`;
    const before = folded.get(key);
    if (before !== undefined && key === "HTTP_HOST") throw new Fault("REQUEST", "a request with two Host headers");
    folded.set(key, before === undefined ? value : `${before}${key === "HTTP_COOKIE" ? "; " : ", "}${value}`);
  }
  return folded;
}

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const origin = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
  const question = origin.indexOf("?");
  const path = question < 0 ? origin : origin.slice(0, question);
  const query = question < 0 ? "" : origin.slice(question + 1);
  if (target === "*") return { path: "*", query: "" };
  if (path !== "" && !path.startsWith("/")) throw new Fault("REQUEST", "a request-target that is not a path");
  return { path: normalPath(path), query };
}

/** Decoded, without empty and dot segments, as Apache hands it over. */
function normalPath(encoded: string): string {
  if (/%(?:2f|00)/i.test(encoded)) throw new Fault("REQUEST", "a path with an encoded slash or NUL", { status: 404 });
  if (/%(?![0-9a-f]{2})/i.test(encoded)) throw new Fault("REQUEST", "a path with a broken escape");
  const decoded = encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const segments: string[] = [];
  const parts = decoded.split("/");
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") segments.push(part);
    else if (segments.pop() === undefined) throw new Fault("REQUEST", "a path that leads above the root");
  }
  const isFolder = segments.length > 0 && ["", ".", ".."].includes(parts.at(-1) ?? "");
  return `/${segments.join("/")}${isFolder ? "/" : ""}`;
}
