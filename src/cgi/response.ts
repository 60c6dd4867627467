// A response → the CGI header block [RFC 3875 §6] that Apache's mod_proxy_fcgi turns into the HTTP
// head. It is the last line against response splitting: what could break a line is refused here,
// whichever way it came. It does not know where the values come from and never sees an app's body.

import { escapeHtml } from "../base/escape-html.ts";
import { FAULTS, Fault } from "../base/fault.ts";
import { isBodyless, reasonPhrase } from "./status.ts";

/** Apache reads a line into 8,192 bytes; a longer one makes the whole response a 500. */
export const MAX_LINE_BYTES = 8000;

export interface ResponseHead {
  readonly status: number;
  /** Values are one char per byte. Several `Set-Cookie` stay several lines. */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  /** Default responder. An authorizer's 200 keeps only `Variable-*` and `Set-Cookie` [FCGI §6.3]. */
  readonly role?: "responder" | "authorizer" | "filter";
  /** No body follows (the method was HEAD, or there is none): then a missing Content-Type stays missing. */
  readonly bodyless?: boolean;
  /** A file that the web server is to send as the body; never what an app has put into a header. */
  readonly sendfile?: string | undefined;
}

type Treatment = "send" | "drop" | "content-type" | "content-length" | "location" | "authorizer";

/**
 * The header block with CRLF and its empty line; one char per byte. `Status` is written unless it is
 * a responder's 200 without Location: without it Apache answers conditional requests by itself. A
 * body without Content-Type becomes text/plain. Framing and proxy headers (Connection,
 * Transfer-Encoding, Date, X-Sendfile, …) are dropped: they are the web server's.
 * Throws HANDLER for a status outside 200–599 and for what no header line can carry.
 */
export function encodeHead({ status, headers, role = "responder", bodyless = false, sendfile }: ResponseHead): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new Fault("HANDLER", `a response of status ${status}`, { hint: "Use a status from 200 to 599." });
  }
  const granted = role === "authorizer" && status === 200;
  let lines = "";
  let hasType = false;
  let hasLocation = false;
  for (const [name, value] of headers) {
    const treatment = treatmentOf(name);
    if (treatment === "drop" || (granted && treatment !== "authorizer")) continue;
    if (treatment === "content-type") {
      if (hasType) throw new Fault("HANDLER", "a response with two Content-Type headers", { hint: "Set it once." });
      hasType = true;
    } else if (treatment === "location") {
      hasLocation = true;
    } else if (treatment === "content-length") {
      if (status === 204) continue;
      if (!/^\d{1,15}$/.test(value)) throw new Fault("HANDLER", "a Content-Length that is not a number of bytes");
    }
    lines += headerLine(name, value);
  }
  if (!hasType && !bodyless && !granted && !isBodyless(status)) {
    // [RFC 3875 §6.3.1] wants a type with every body, and a browser would guess one, even HTML.
    lines += "Content-Type: text/plain; charset=utf-8\r\n";
  }
  if (sendfile !== undefined) lines += headerLine("X-Sendfile", sendfile);
  // A block of no line at all would not be recognised as one by Apache.
  const plain = status === 200 && role !== "authorizer" && !hasLocation && lines !== "";
  return plain ? `${lines}\r\n` : `Status: ${status} ${reasonPhrase(status)}\r\n${lines}\r\n`;
}

/** [RFC 9110 §5.6.2] */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What a field value may not hold [RFC 9110 §5.5], chars beyond a byte included: latin1 would fold them onto CR or LF. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

function headerLine(name: string, value: string): string {
  if (UNSENDABLE.test(value)) {
    throw new Fault("HANDLER", `the value of response header "${name}" holds a character that no header can carry`, {
      hint: "Remove CR, LF and control characters; encode text outside of latin1, for example with encodeURIComponent.",
    });
  }
  const line = `${name}: ${value}\r\n`;
  if (line.length <= MAX_LINE_BYTES) return line;
  throw new Fault("HANDLER", `response header "${name}" is ${line.length} bytes long; Apache takes ${MAX_LINE_BYTES}`, {
    hint: "Shorten it, or keep the data in a session or in the body.",
  });
}

/** Of the web server, or able to make one do things behind the app's back. */
const DROPPED: ReadonlySet<string> = new Set([
  "connection",
  "date",
  "keep-alive",
  "server",
  "status",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-reproxy-url",
]);
const DROPPED_PREFIX = /^(?:proxy-|x-sendfile|x-accel-|x-lighttpd-)/;

/** Apps use few names, and each is judged once; beyond this many they are judged every time. */
const REMEMBERED_NAMES = 256;
const treatments = new Map<string, Treatment>();

function treatmentOf(name: string): Treatment {
  const known = treatments.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) {
    throw new Fault("HANDLER", `${JSON.stringify(name.slice(0, 80))} is no name of a response header`, {
      hint: "Use letters, digits and hyphens.",
    });
  }
  const treatment = judge(name.toLowerCase());
  if (treatments.size < REMEMBERED_NAMES) treatments.set(name, treatment);
  return treatment;
}

function judge(name: string): Treatment {
  if (name === "content-type" || name === "content-length" || name === "location") return name;
  if (name === "set-cookie" || name.startsWith("variable-")) return "authorizer";
  return DROPPED.has(name) || DROPPED_PREFIX.test(name) ? "drop" : "send";
}

/** As wide as a telephone, and dark where the visitor's screen is. */
const REFUSAL_HEAD = `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
`;

export interface RefusalOptions {
  /** Shown, so that a visitor can quote it and an operator can find it in the log. */
  readonly requestId?: string;
  /** Of a 503. Default 1. */
  readonly retryAfterSeconds?: number;
  /** For whoever develops the site: message and hint are shown as well. Default false. */
  readonly showErrors?: boolean;
}

/** A CGI header block with its empty line, and a body; both ASCII. */
export interface Reply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const EXPLANATIONS: ReadonlyMap<number, string> = new Map([
  [400, "The request cannot be understood."],
  [403, "The request is refused."],
  [413, "The request is larger than this site accepts."],
  [415, "The request's body is of a kind that is not accepted here."],
  [431, "The request's headers are larger than this site accepts."],
  [500, "The page failed."],
  [502, "The page was interrupted."],
  [503, "The site is busy. Please try again in a moment."],
  [504, "The page took too long."],
  [507, "There is no room for this upload."],
]);

/**
 * The small page of a request that never reached, or never came back from, an app. It tells the
 * visitor what kind of trouble it is, and the operator which lines of the log to read.
 * The status is the fault's; its message and hint stay in the log unless errors are shown, its stack always.
 */
export function refusalReply(fault: Fault, options: RefusalOptions = {}): Reply {
  const { requestId, retryAfterSeconds = 1, showErrors = false } = options;
  const status = fault.status === 0 ? FAULTS.HANDLER.status : fault.status;
  const title = `${status} ${reasonPhrase(status)}`;
  const explanation = EXPLANATIONS.get(status) ?? "The request failed.";
  const reference = requestId === undefined ? "" : `<p><small>Request ${ascii(escapeHtml(requestId))}</small></p>\n`;
  const told = showErrors ? [fault.message, fault.hint ?? ""].filter((text) => text !== "") : [];
  const details = told.map((text) => `<p>${ascii(escapeHtml(text))}</p>\n`).join("");
  const body = `${REFUSAL_HEAD}<title>${title}</title>\n<h1>${title}</h1>\n<p>${explanation}</p>\n${details}${reference}`;
  const headers: [string, string][] = [
    ["Content-Type", "text/html; charset=utf-8"],
    ["Content-Length", String(body.length)],
    ["Cache-Control", "no-store"],
    ["X-Content-Type-Options", "nosniff"],
  ];
  if (status === 503) headers.push(["Retry-After", String(retryAfterSeconds)]);
  return { status, head: encodeHead({ status, headers }), body };
}

/** What is not ASCII as a reference, so that the body's length is that of its text. */
function ascii(html: string): string {
  return html.replace(/[^\x20-\x7e]/g, (char) => `&#${char.charCodeAt(0)};`);
}
