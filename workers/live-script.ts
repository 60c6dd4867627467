// Puts the script by which a page reloads itself into the pages of a worker. Whatever answers an exchange
// does so by one of two calls; those are wrapped, so that no kind of handler needs to know of it.

import { headerValue } from "../src/cgi/variables.ts";
import type { LiveBoot } from "../src/messages/lane.ts";
import type { ReplyStream, WorkerExchange } from "./exchange.ts";

/** Makes the exchange's reply carry the script, if it turns out to be a page that a person looks at. */
export function addLiveScript(exchange: WorkerExchange, { path, version }: LiveBoot): void {
  if (!isLookedAt(exchange)) return;
  const script = `<script src="${path}.js?page=${version}" async></script>\n`;
  const reply = exchange.reply.bind(exchange);
  const stream = exchange.stream.bind(exchange);
  /** A long reply is sent as a stream, by `reply` itself. */
  let done = false;
  exchange.reply = (status, head, body, fault) => {
    const page = done || body === undefined || body.length === 0 ? undefined : pageHead(status, head, script.length);
    done = true;
    if (page === undefined || body === undefined) reply(status, head, body, fault);
    else reply(status, page, typeof body === "string" ? intoText(body, script) : intoBytes(body, script), fault);
  };
  exchange.stream = (status, head) => {
    const page = done ? undefined : pageHead(status, head, script.length);
    done = true;
    return page === undefined ? stream(status, head) : withEnd(stream(status, page), script);
  };
}

/** The browser asks for a page, to show it in a tab of its own: not a script, a frame or a tool. */
function isLookedAt({ role, params }: WorkerExchange): boolean {
  if (role !== "responder" || params.get("REQUEST_METHOD") !== "GET") return false;
  // What is broken about a request, others tell.
  const header = (name: string): string | undefined => {
    try {
      return headerValue(params, name);
    } catch {
      return undefined;
    }
  };
  if (!/\btext\/html\b/i.test(header("accept") ?? "")) return false;
  // Browsers send it to sites that they trust, this machine among them [Fetch Metadata §2.1].
  if ((header("sec-fetch-dest") ?? "document") !== "document") return false;
  return FRAGMENT_HEADERS.every((name) => header(name) === undefined);
}

/** Libraries say by these that they want a part of a page. */
const FRAGMENT_HEADERS = ["hx-request", "turbo-frame", "x-requested-with", "x-pjax"];

/** What a browser keeps it would show again, with a script that knows only the old version. */
const DROPPED = /^(?:cache-control|etag|last-modified|expires):/i;

/** The head of a page that is so many bytes longer; undefined where the reply is none, or must not be changed. */
function pageHead(status: number, head: string, bytes: number): string | undefined {
  if (status < 200 || status === 204 || status === 206 || status === 304) return undefined;
  const lines = head.split("\r\n");
  const value = (name: string): string | undefined => {
    const line = lines.find((each) => each.toLowerCase().startsWith(`${name}:`));
    return line?.slice(name.length + 1).trim();
  };
  const type = value("content-type") ?? "";
  if (!/^text\/html\s*(?:;|$)/i.test(type) || /charset\s*=\s*"?utf-?(?:16|32)/i.test(type)) return undefined;
  if ((value("content-encoding") ?? "identity").toLowerCase() !== "identity") return undefined;
  if (/^attachment/i.test(value("content-disposition") ?? "")) return undefined;
  const policies = lines.filter((line) => /^content-security-policy:/i.test(line));
  if (!policies.every((line) => allowsOwnScript(line.slice(line.indexOf(":") + 1)))) return undefined;
  const longer = lines
    .filter((line) => !DROPPED.test(line))
    .map((line) =>
      /^content-length:/i.test(line) ? `Content-Length: ${Number(line.slice(line.indexOf(":") + 1)) + bytes}` : line,
    );
  // Before the empty line and what comes after it, which is nothing.
  longer.splice(-2, 0, "Cache-Control: no-store");
  return longer.join("\r\n");
}

/** [CSP3 §6.8.2] A script of the site itself, and its requests; a comma separates policies. */
function allowsOwnScript(value: string): boolean {
  return value.split(",").every((policy) => {
    const directives = new Map<string, string[]>();
    for (const directive of policy.split(";")) {
      const [name = "", ...sources] = directive.trim().toLowerCase().split(/\s+/);
      if (!directives.has(name)) directives.set(name, sources);
    }
    const sandbox = directives.get("sandbox");
    if (sandbox !== undefined && !["allow-scripts", "allow-same-origin"].every((word) => sandbox.includes(word))) {
      return false;
    }
    const allows = (...names: string[]): boolean => {
      const sources = names.map((name) => directives.get(name)).find((each) => each !== undefined);
      if (sources === undefined) return true;
      return (sources.includes("'self'") || sources.includes("*")) && !sources.includes("'strict-dynamic'");
    };
    return allows("script-src-elem", "script-src", "default-src") && allows("connect-src", "default-src");
  });
}

const BODY_END = /<\/body\s*>(?![\s\S]*<\/body\s*>)/i;

function intoText(text: string, script: string): string {
  const at = text.search(BODY_END);
  return at === -1 ? text + script : text.slice(0, at) + script + text.slice(at);
}

/** In any encoding that ASCII is a part of. */
function intoBytes(bytes: Uint8Array, script: string): Uint8Array {
  return Buffer.from(
    intoText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"), script),
    "latin1",
  );
}

function withEnd(stream: ReplyStream, script: string): ReplyStream {
  return {
    write: (bytes) => stream.write(bytes),
    end() {
      // Rejected where nobody wants it any more.
      stream.write(Buffer.from(script))?.catch(() => {});
      stream.end();
    },
    fail: (fault) => stream.fail(fault),
  };
}
