// The panel that says who answered: the figures that tell a kept worker from a process per request.

import type { CgiCost } from "./_cgi-cost.ts";
import { type Html, html } from "./_html.ts";

export interface Answered {
  readonly worker: number;
  readonly generation: number;
  readonly requests: number;
  readonly engine: string;
  readonly connection: { readonly openedAt: number; readonly openingMs: number };
  readonly cgi: CgiCost | undefined;
  /** Milliseconds since the worker began this page. */
  readonly elapsedMs: () => number;
}

export function renderAnswered(answered: Answered): Html {
  const { worker, generation, requests, engine, connection, cgi } = answered;
  const openMs = performance.now() - connection.openedAt;
  const tookMs = answered.elapsedMs();
  return html`<aside aria-labelledby="who">
<h2 id="who">Who answered</h2>
<dl>
<div><dt>Worker</dt><dd id="worker">${worker}</dd></div>
<div><dt>Generation</dt><dd id="generation">${generation}</dd></div>
<div><dt>Requests it served</dt><dd id="requests">${requests.toLocaleString("en")}</dd></div>
<div><dt>Database</dt><dd id="engine">${engine}</dd></div>
<div><dt>Connection open for</dt><dd><data id="connection" value="${Math.round(openMs)}">${duration(openMs)}</data></dd></div>
<div><dt>Opened once, in</dt><dd>${duration(connection.openingMs)}</dd></div>
</dl>
${renderCost(tookMs, cgi)}
</aside>`;
}

function renderCost(tookMs: number, cgi: CgiCost | undefined): Html {
  const cgiMs = cgi !== undefined && "ms" in cgi ? cgi.ms : undefined;
  return html`<section class="cost" id="cost">
<h3>This page took</h3>
${figure(tookMs, "here, in a kept worker")}
${cgiMs === undefined ? undefined : bar("kept", tookMs / cgiMs)}
${cgiMs === undefined ? undefined : [figure(cgiMs, "as a CGI process"), bar("cgi", 1)]}
${explain(tookMs, cgi)}
</section>`;
}

function explain(tookMs: number, cgi: CgiCost | undefined): Html {
  if (cgi === undefined) {
    return html`<p>And as CGI? Starting Node, compiling the source and opening the database for one page has a price.</p>
<p><a class="button" href="?measure#cost">Measure it here</a></p>`;
  }
  if ("failed" in cgi) return html`<p>The same page as CGI could not be measured: ${cgi.failed}</p>`;
  const times = Math.round(cgi.ms / tookMs);
  return html`<p>As CGI it takes <strong>${times.toLocaleString("en")} times</strong> as long: Node starts, compiles the source
and opens the database for every page. Measured by this worker on this machine, the middle of ${cgi.runs} runs.</p>`;
}

function figure(ms: number, label: string): Html {
  return html`<p class="figure"><b>${duration(ms)}</b> <span>${label}</span></p>`;
}

/** The thinnest bar is still seen. */
function bar(name: string, share: number): Html {
  const width = Math.max(0.6, Math.min(100, 100 * share)).toFixed(2);
  return html`<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="${name}" width="${width}" height="6"/></svg>`;
}

/** Two figures, in the unit that a reader would choose. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(2))} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
