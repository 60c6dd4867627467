// The page that an author sees when the app fails: message, the author's line, stack, causes, the request
// and the environment. It stands alone: no font, no file, and no script but that of its button. Everything on
// it is escaped, because errors and requests both carry what strangers wrote.

import { readFileSync, statSync } from "node:fs";
import { editorLink, type Place } from "../src/base/editor-link.ts";
import { escapeHtml } from "../src/base/escape-html.ts";
import { Fault } from "../src/base/fault.ts";
import { VERSION } from "../src/base/version.ts";
import { headerEntries, headerValue } from "../src/cgi/variables.ts";
import type { Params } from "../src/fastcgi/name-values.ts";
import { authorPlace } from "../src/loader/author-place.ts";
import { codeFrame, type FrameLine, frameLines } from "../src/loader/code-frame.ts";
import { COPY_SCRIPT, errorPagePolicy, STYLE } from "./error-page-parts.ts";
import { redacted, withoutSecrets } from "./redaction.ts";
import { causeChain, hintOf, stackOf, summaryOf, traceOf } from "./trace.ts";

export interface ErrorPage {
  /** Content type. */
  readonly type: string;
  readonly body: string;
  /** Content-Security-Policy. */
  readonly policy: string;
}

export interface ErrorPageOptions {
  /** Template of links to the author's editor, with {file}, {line} and {column}. */
  readonly editor?: string | undefined;
  /** The page may reload itself. */
  readonly live?: boolean;
}

/** HTML for a client that accepts it, else plain text. */
export function errorPage(error: unknown, params: Params, options: ErrorPageOptions = {}): ErrorPage {
  const accept = quietly(() => headerValue(params, "accept"));
  const policy = errorPagePolicy(options.live ?? false);
  if (accept === undefined || !/text\/html/i.test(accept)) {
    return { type: "text/plain; charset=utf-8", body: `${traceWithHint(error)}\n`, policy };
  }
  return { type: "text/html; charset=utf-8", body: render(error, params, options), policy };
}

/** A longer source is not read for a page. */
const SOURCE_BYTES = 2 * 1024 * 1024;
/** Of a variable or a header. */
const VALUE_CHARS = 2000;

function render(error: unknown, params: Params, options: ErrorPageOptions): string {
  const title = summaryOf(error);
  const hint = hintOf(error) === undefined ? "" : `<p class=hint>${escapeHtml(hintOf(error) ?? "")}</p>`;
  const sections = causeChain(error).map((each, depth) => section(each, depth, options));
  return `<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width,initial-scale=1">
<title>${escapeHtml(firstLine(title))}</title>
<style>${STYLE}</style>
<header><p>${error instanceof Fault && error.code === "BOOT" ? "The module did not load" : "The handler failed"}</p><h1>${escapeHtml(title)}</h1>${hint}<button id=copy type=button hidden>Copy as text</button><textarea id=text readonly hidden aria-label="The error as text">
${escapeHtml(asText(error, params))}</textarea></header>
<main>
${sections.join("\n")}
<section><h2>Request</h2>${table(requestRows(params))}</section>
<details><summary>Environment</summary>${table(environmentRows())}</details>
</main>
<footer>You see this page because the pool shows errors. Visitors of a pool that does not get a plain one.</footer>
<script>${COPY_SCRIPT}</script>
`;
}

function section(error: unknown, depth: number, options: ErrorPageOptions): string {
  const stack = stackOf(error) ?? "";
  const place = authorPlace(stack);
  const heading = depth === 0 ? "" : `<h2>Caused by ${escapeHtml(summaryOf(error))}</h2>`;
  const source = place === undefined ? "" : sourceBlock(place, options);
  const trace = stack === "" ? "" : `<pre class=stack>${stack.split("\n").map(stackRow).join("\n")}</pre>`;
  return `<section>${heading}${source}${trace}</section>`;
}

/** What is Node's, a package's or ours stands back. */
function stackRow(row: string): string {
  const isFrame = /^\s+at /.test(row);
  return isFrame && authorPlace(row) === undefined ? `<span class=others>${escapeHtml(row)}</span>` : escapeHtml(row);
}

function sourceBlock(place: Place, { editor }: ErrorPageOptions): string {
  const lines = sourceLines(place);
  if (lines.length === 0) return "";
  const rows = lines.map(
    ({ number, text, marked }) =>
      `<li value=${number}${marked ? " class=marked" : ""}><code>${escapeHtml(text)}</code>`,
  );
  const name = escapeHtml(nameOf(place));
  const linked = editor === undefined ? name : `<a href="${escapeHtml(editorLink(editor, place))}">${name}</a>`;
  return `<p class=place>${linked}</p><ol class=source>${rows.join("\n")}</ol>`;
}

function sourceLines(place: Place): FrameLine[] {
  const source = sourceOf(place);
  return source === undefined ? [] : frameLines(source, place.line);
}

function sourceOf({ file }: Place): string | undefined {
  return quietly(() => (statSync(file).size > SOURCE_BYTES ? undefined : readFileSync(file, "utf8")));
}

function nameOf({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

function traceWithHint(error: unknown): string {
  const hint = hintOf(error);
  return hint === undefined ? traceOf(error) : `${traceOf(error)}\n\n${hint}`;
}

/** For a bug report, or for whoever is asked for help: what failed and where, and nothing of the environment. */
function asText(error: unknown, params: Params): string {
  const place = authorPlace(stackOf(error) ?? "");
  const source = place === undefined ? undefined : sourceOf(place);
  const frame = place === undefined || source === undefined ? "" : codeFrame(source, place.line, place.column);
  const request = `${params.get("REQUEST_METHOD") ?? ""} ${withoutSecrets(params.get("REQUEST_URI") ?? "")}`;
  return [
    traceWithHint(error),
    ...(place === undefined || frame === "" ? [] : ["", nameOf(place), frame]),
    "",
    `${request}\nHoldfast ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  ].join("\n");
}

type Rows = readonly (readonly [name: string, value: string])[];

function requestRows(params: Params): Rows {
  return [
    ["Method", params.get("REQUEST_METHOD") ?? ""],
    ["URL", withoutSecrets(params.get("REQUEST_URI") ?? "")],
    ["Client", params.get("REMOTE_ADDR") ?? ""],
    ...(quietly(() => headerEntries(params)) ?? []).map(([name, value]) => [name, redacted(name, value)] as const),
  ];
}

function environmentRows(): Rows {
  const variables = Object.entries(process.env)
    .map(([name, value = ""]) => [name, redacted(name, value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return [["Holdfast", VERSION], ["Node.js", process.versions.node], ["Folder", process.cwd()], ...variables];
}

function table(rows: Rows): string {
  const shown = rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}<td>${escapeHtml(shortened(value))}`);
  return `<table>${shown.join("\n")}</table>`;
}

function shortened(value: string): string {
  return value.length > VALUE_CHARS ? `${value.slice(0, VALUE_CHARS)}…` : value;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** What helps the page and may fail is left out when it does: the error that the page is about comes first. */
function quietly<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
