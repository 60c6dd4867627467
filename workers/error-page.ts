// The page that an author sees when the app fails: message, the author's line, stack, causes and the
// request. It stands alone: no script, no font, no file. Everything on it is escaped, because errors
// and requests both carry what strangers wrote.

import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Fault } from "../src/base/fault.ts";
import { headerEntries, headerValue } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { type FrameLine, frameLines } from "../src/loader/code-frame.ts";
import { causeChain, stackOf, summaryOf, traceOf } from "./trace.ts";

export interface ErrorPage {
  /** Content type. */
  readonly type: string;
  readonly body: string;
}

/** HTML for a client that accepts it, else plain text. */
export function errorPage(error: unknown, params: Params): ErrorPage {
  const accept = quietly(() => headerValue(params, "accept"));
  if (accept === undefined || !/text\/html/i.test(accept)) {
    return { type: "text/plain; charset=utf-8", body: `${traceOf(error)}\n` };
  }
  return { type: "text/html; charset=utf-8", body: render(error, params) };
}

/** The place in the author's code that a stack names first. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Undefined if the stack names no file outside of Node, packages and Holdfast itself. */
export function authorPlace(stack: string): Place | undefined {
  for (const row of stack.split("\n")) {
    const match = /(?:at |\()(?:async )?((?:file:\/\/)?\/[^()]*?)(?:\?[^():]*)?:(\d+):(\d+)\)?\s*$/.exec(row);
    if (match === null) continue;
    const [, where = "", line, column] = match;
    const file = where.startsWith("file:") ? quietly(() => fileURLToPath(where)) : where;
    if (file === undefined || file.includes("/node_modules/") || file.startsWith(OURS)) continue;
    return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

/** The folder of our own compiled code. */
const OURS = fileURLToPath(new URL("../", import.meta.url));
/** A longer source is not read for a page. */
const SOURCE_BYTES = 2 * 1024 * 1024;

function render(error: unknown, params: Params): string {
  const title = summaryOf(error);
  const hint = error instanceof Fault && error.hint !== undefined ? `<p class=hint>${escapeHtml(error.hint)}</p>` : "";
  const sections = causeChain(error).map((each, depth) => section(each, depth));
  return `<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width">
<title>${escapeHtml(firstLine(title))}</title>
<style>${STYLE}</style>
<header><p>${error instanceof Fault && error.code === "BOOT" ? "The module did not load" : "The handler failed"}</p><h1>${escapeHtml(title)}</h1>${hint}</header>
<main>
${sections.join("\n")}
<section><h2>Request</h2>${requestTable(params)}</section>
</main>
<footer>You see this page because the pool shows errors. Visitors of a pool that does not get a plain one.</footer>
`;
}

function section(error: unknown, depth: number): string {
  const stack = stackOf(error) ?? "";
  const place = authorPlace(stack);
  const heading = depth === 0 ? "" : `<h2>Caused by ${escapeHtml(summaryOf(error))}</h2>`;
  const source = place === undefined ? "" : sourceBlock(place);
  const trace = stack === "" ? "" : `<pre class=stack>${escapeHtml(stack)}</pre>`;
  return `<section>${heading}${source}${trace}</section>`;
}

function sourceBlock(place: Place): string {
  const lines = sourceLines(place);
  if (lines.length === 0) return "";
  const rows = lines.map(
    ({ number, text, marked }) =>
      `<li value=${number}${marked ? " class=marked" : ""}><code>${escapeHtml(text)}</code>`,
  );
  return `<p class=place>${escapeHtml(place.file)}:${place.line}:${place.column}</p><ol class=source>${rows.join("\n")}</ol>`;
}

function sourceLines({ file, line }: Place): FrameLine[] {
  return quietly(() => (statSync(file).size > SOURCE_BYTES ? [] : frameLines(readFileSync(file, "utf8"), line))) ?? [];
}

function requestTable(params: Params): string {
  const rows: [string, string][] = [
    ["Method", params.get("REQUEST_METHOD") ?? ""],
    ["URL", params.get("REQUEST_URI") ?? ""],
    ...(quietly(() => headerEntries(params)) ?? []).map(
      ([name, value]) => [name, SECRET.test(name) ? "…" : value] as [string, string],
    ),
  ];
  return `<table>${rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}<td>${escapeHtml(value)}`).join("\n")}</table>`;
}

/** Pages end up in screenshots and bug reports. */
const SECRET = /^(?:authorization|proxy-authorization|cookie)$/;

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** What helps the page and may fail is left out when it does: the error that the page is about comes first. */
function quietly<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5c6577;--paper:#f6f7f9;--card:#fff;--line:#dde1e8;--red:#b3261e;--mark:#fdecea}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--paper:#12151b;--card:#1a1f28;--line:#2c3440;--red:#ff8a80;--mark:#3a2023}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
header,main,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem;border-top:4px solid var(--red)}
header p{margin:0;color:var(--soft)}
h1{margin:.25rem 0 1rem;font-size:1.5rem;line-height:1.3;color:var(--red);overflow-wrap:anywhere;white-space:pre-wrap}
h2{font-size:1rem;margin:1.5rem 0 .5rem;overflow-wrap:anywhere}
.hint{color:var(--ink);margin-bottom:1rem}
.place{margin:0 0 .5rem;font:13px/1.5 ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
pre,ol{font:13px/1.6 ui-monospace,monospace;background:var(--card);border:1px solid var(--line);border-radius:6px;overflow-x:auto}
ol{margin:0 0 1rem;padding:.5rem 0 .5rem 4rem}
li::marker{color:var(--soft)}
li{white-space:pre;padding-right:1rem}
.marked{background:var(--mark)}
.marked::marker{color:var(--red);font-weight:bold}
pre{margin:0 0 1rem;padding:.75rem 1rem}
table{width:100%;border-collapse:collapse;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
th{width:12rem;font-weight:500;color:var(--soft)}
footer{margin-top:2rem;padding-bottom:2rem;font-size:13px;color:var(--soft)}
@media (max-width:40rem){th{width:7rem}}
`;
