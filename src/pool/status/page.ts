// The status page: one answer that holds everything, so that it works when nothing else does. Its policy
// lets nothing run but its own script, by hash; what it shows comes as JSON and is put in as text.

import { createHash } from "node:crypto";
import { escapeHtml } from "../../base/escape-html.ts";
import type { PoolStatus } from "../../messages/lifecycle.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(PAGE_SCRIPT)}`,
  `style-src ${hashOf(PAGE_STYLE)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Beside the numbers that the script asks for every second: what stays the same. */
export function renderPage({ pool, pid, processes, version, node }: PoolStatus): string {
  const which = processes === 1 ? `process ${pid}` : `process ${pid}, one of ${processes}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(pool)} · Holdfast</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(pool)}</h1>
<p id="state" role="status">…</p>
<p class="facts"><span>${escapeHtml(which)}</span><span id="uptime"></span><span id="generation"></span><span>Holdfast ${escapeHtml(version)}</span><span>Node ${escapeHtml(node)}</span></p>
</header>
<main>
<p id="notice" hidden></p>
<noscript><p>This page draws with JavaScript. The same numbers as text: <a href="?text&amp;full">text</a>, <a href="?json&amp;full">JSON</a>.</p></noscript>
<section id="tiles" aria-label="Now"></section>
<section id="charts" aria-label="The last five minutes"></section>
<section><h2>Workers</h2><div class="scroll"><table id="workers"></table></div></section>
<section><h2>Requests in work</h2><div class="scroll"><table id="requests"></table></div></section>
<section><h2>Since the start</h2><dl id="totals"></dl></section>
</main>
<footer>${processes === 1 ? "" : "One process answers each time: <code>holdfast status</code> shows all. "}<a href="?text&amp;full">text</a> <a href="?json&amp;full">JSON</a> <a href="?openmetrics">OpenMetrics</a></footer>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
