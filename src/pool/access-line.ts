// One request, when it is over → its line in the access log. A value that a client chose is escaped as
// Apache escapes it, so that no request writes a line of its own.

import { formatTime } from "../base/strftime.ts";
import {
  ACCESS_TIME,
  type AccessCodeName,
  type AccessPart,
  JSON_LINES,
  parseAccessFormat,
} from "../config/access-format.ts";
import type { Params } from "../fastcgi/name-values.ts";
import { escapeItem, harmlessJson } from "../telemetry/escape.ts";
import type { Usage } from "./process-usage.ts";

export interface AccessEntry {
  readonly params: Params;
  readonly status: number;
  /** The CGI header block of the reply, or more; undefined if there was none. */
  readonly head: Buffer | undefined;
  readonly bodyBytes: number;
  readonly durationMs: number;
  readonly waitedMs: number;
  /** The reply was cut, or nobody was left to take it. */
  readonly cut: boolean;
  /** Wall clock. */
  readonly endedAt: Date;
}

export interface AccessPlace {
  readonly pool: string;
  readonly usage: () => Usage;
}

type Render = (entry: AccessEntry) => string;

/** `format` has been checked. The line ends with its newline. */
export function accessLine(format: string, place: AccessPlace): Render {
  if (format === JSON_LINES) return (entry) => jsonLine(entry, place);
  const parts = parseAccessFormat(format);
  if ("message" in parts) throw new TypeError(`an access format that was not checked: ${parts.message}`);
  const renders = parts.map((part) => renderOf(part, place));
  return (entry) => {
    let line = "";
    for (const render of renders) line += render(entry);
    return `${line}\n`;
  };
}

function renderOf(part: AccessPart, place: AccessPlace): Render {
  if (part.kind === "text") return () => part.text;
  return RENDERS[part.code](part.argument, place);
}

const MISSING = "-";

const variable =
  (name: string, missing = MISSING): Render =>
  ({ params }) => {
    const value = params.get(name);
    return value === undefined || value === "" ? missing : escapeItem(value);
  };

const constant = (text: string | number) => (): Render => () => String(text);

const RENDERS: Readonly<Record<AccessCodeName, (argument: string | undefined, place: AccessPlace) => Render>> = {
  R: () => variable("REMOTE_ADDR"),
  u: () => variable("REMOTE_USER"),
  t: (format) => {
    const time = timeWriter(format);
    return ({ endedAt, durationMs }) => time(endedAt.getTime() - durationMs);
  },
  T: (format) => {
    const time = timeWriter(format);
    return ({ endedAt }) => time(endedAt.getTime());
  },
  m: () => variable("REQUEST_METHOD"),
  r:
    () =>
    ({ params }) =>
      escapeItem(pathOf(params)) || MISSING,
  Q:
    () =>
    ({ params }) =>
      (params.get("QUERY_STRING") ?? "") === "" ? "" : "?",
  q: () => variable("QUERY_STRING", ""),
  s: () => (entry) => String(entry.status),
  b: () => (entry) => String(entry.bodyBytes),
  d: (unit) => durationWriter(unit, (entry) => entry.durationMs),
  W: (unit) => durationWriter(unit, (entry) => entry.waitedMs),
  l: () => variable("CONTENT_LENGTH", "0"),
  f: () => variable("SCRIPT_FILENAME"),
  I: () => variable("UNIQUE_ID"),
  X: () => (entry) => (entry.cut ? "X" : "-"),
  e: (name = "") => variable(name),
  o:
    (name = "") =>
    ({ head }) => {
      const value = headerOf(head, name);
      return value === undefined || value === "" ? MISSING : escapeItem(value);
    },
  n: (_, { pool }) => constant(pool)(),
  p: constant(process.pid),
  P: constant(process.ppid),
  M: (unit = "bytes", { usage }) => {
    const bytes = unit.startsWith("mega") ? 1024 ** 2 : unit.startsWith("kilo") ? 1024 : 1;
    return () => String(Math.floor(usage().residentBytes / bytes));
  },
  C:
    (part = "total", { usage }) =>
    () => {
      const { userPercent, systemPercent } = usage();
      const percent = { user: userPercent, system: systemPercent }[part] ?? userPercent + systemPercent;
      return percent.toFixed(2);
    },
};

function durationWriter(unit: string | undefined, of: (entry: AccessEntry) => number): Render {
  if (unit?.startsWith("micro")) return (entry) => String(Math.round(of(entry) * 1000));
  const divisor = unit?.startsWith("mil") ? 1 : 1000;
  return (entry) => (of(entry) / divisor).toFixed(3);
}

/** Lines of the same second show the same time, so it is made once. */
function timeWriter(format: string = ACCESS_TIME): (ms: number) => string {
  let second = Number.NaN;
  let text = "";
  return (ms) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      second = now;
      text = formatTime(format, new Date(ms));
    }
    return text;
  };
}

/** One char per byte; "" if the web server does not say. */
export function pathOf(params: Params): string {
  const uri = params.get("REQUEST_URI");
  if (uri === undefined) return `${params.get("SCRIPT_NAME") ?? ""}${params.get("PATH_INFO") ?? ""}`;
  const query = uri.indexOf("?");
  return query === -1 ? uri : uri.slice(0, query);
}

/** The first header of this name in a CGI header block; one char per byte. */
function headerOf(head: Buffer | undefined, name: string): string | undefined {
  if (head === undefined) return undefined;
  const end = head.indexOf("\r\n\r\n");
  const lines = head.toString("latin1", 0, end === -1 ? undefined : end).split("\r\n");
  const prefix = `${name.toLowerCase()}:`;
  return lines
    .find((line) => line.toLowerCase().startsWith(prefix))
    ?.slice(prefix.length)
    .trim();
}

/** `Status: 404 …` is the first line of a block that has one; else it is 200 [RFC 3875 §6.3.3]. */
export function statusOf(block: Buffer, start: number): number {
  if (block.toString("latin1", start, start + STATUS.length) !== STATUS) return 200;
  return Number(block.toString("latin1", start + STATUS.length, start + STATUS.length + 3));
}
const STATUS = "Status: ";

function jsonLine(entry: AccessEntry, { pool }: AccessPlace): string {
  const { params, status, bodyBytes, durationMs, waitedMs, endedAt, cut } = entry;
  const text = (name: string): string | undefined => params.getUtf8(name) || undefined;
  const line = JSON.stringify({
    time: new Date(endedAt.getTime() - durationMs).toISOString(),
    pool,
    request: text("UNIQUE_ID"),
    remote: text("REMOTE_ADDR"),
    user: text("REMOTE_USER"),
    method: text("REQUEST_METHOD"),
    path: Buffer.from(pathOf(params), "latin1").toString("utf8"),
    query: text("QUERY_STRING"),
    protocol: text("SERVER_PROTOCOL"),
    host: text("HTTP_HOST"),
    status,
    bytes: bodyBytes,
    ms: round(durationMs),
    waitedMs: round(waitedMs),
    ...(cut ? { cut } : {}),
    referer: text("HTTP_REFERER"),
    agent: text("HTTP_USER_AGENT"),
  });
  return `${harmlessJson(line)}\n`;
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
