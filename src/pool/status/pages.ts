// What the pool answers on its own paths: ping, ready, status and metrics.

import type { PoolConfig } from "../../config/schema.ts";
import { METRICS } from "../../telemetry/metrics.ts";
import { OPENMETRICS_TYPE, PROMETHEUS_TYPE, renderOpenMetrics, renderPrometheus } from "../../telemetry/openmetrics.ts";
import { type OwnPages, type OwnReply, type OwnRequest, ownReply } from "../own-paths.ts";
import { accessJudge } from "./access.ts";
import { PAGE_POLICY, renderPage } from "./page.ts";
import { phpFpmObject, renderText, renderXml } from "./php-fpm.ts";
import type { Statistics } from "./statistics.ts";

const TEXT = "text/plain; charset=utf-8";

export interface StatusPagesOptions {
  readonly paths: PoolConfig["status"];
  readonly statistics: Statistics;
  /** Somebody was not shown the status or the metrics. */
  readonly denied: (request: OwnRequest, reason: string) => void;
}

export function statusPages({ paths, statistics, denied }: StatusPagesOptions): OwnPages {
  const judge = accessJudge(paths.allow);
  const guarded =
    (page: (request: OwnRequest) => OwnReply) =>
    (request: OwnRequest): OwnReply => {
      const reason = judge(request.params);
      if (reason === undefined) return page(request);
      denied(request, reason);
      return ownReply({ status: "404 Not Found", type: TEXT, body: "Not Found\n" });
    };
  const pages: [path: string | undefined, page: (request: OwnRequest) => OwnReply][] = [
    [paths.pingPath, () => ownReply({ type: TEXT, body: "pong\n" })],
    [paths.readyPath, () => ready(statistics.readiness)],
    [paths.path, guarded((request) => status(request, statistics))],
    [paths.metricsPath, guarded((request) => metrics(request, statistics))],
  ];
  return Object.fromEntries(pages.filter(([path]) => path !== undefined));
}

function ready(reason: string | undefined): OwnReply {
  return reason === undefined
    ? ownReply({ type: TEXT, body: "ready\n" })
    : ownReply({
        status: "503 Service Unavailable",
        type: TEXT,
        body: `${reason}\n`,
        headers: [["Retry-After", "1"]],
      });
}

type Form = "html" | "json" | "xml" | "openmetrics" | "text";
const FORMS: readonly Form[] = ["html", "json", "xml", "openmetrics", "text"];

/** What the query names, else what the client prefers; text, as php-fpm, for one that takes anything. */
function formOf({ query, accept }: OwnRequest): Form {
  const named = FORMS.find((form) => query.has(form));
  if (named !== undefined) return named;
  if (accept.includes("text/html")) return "html";
  if (accept.includes("application/openmetrics-text")) return "openmetrics";
  return accept.includes("application/json") ? "json" : "text";
}

function status(request: OwnRequest, statistics: Statistics): OwnReply {
  const full = request.query.has("full");
  switch (formOf(request)) {
    case "html":
      return ownReply({
        type: "text/html; charset=utf-8",
        body: renderPage(statistics.status()),
        headers: [
          ["Content-Security-Policy", PAGE_POLICY],
          ["Referrer-Policy", "no-referrer"],
        ],
      });
    case "json":
      return json(request, statistics, full);
    case "xml":
      return ownReply({ type: "text/xml; charset=utf-8", body: renderXml(statistics.status({ full })) });
    case "openmetrics":
      return metrics(request, statistics);
    case "text":
      return ownReply({ type: TEXT, body: renderText(statistics.status({ full })) });
  }
}

/** php-fpm's keys, and all that we know under `holdfast`; `?since=MS` adds the history after that uptime. */
function json({ query }: OwnRequest, statistics: Statistics, full: boolean): OwnReply {
  const report = statistics.status({ full });
  const since = query.get("since");
  return ownReply({
    type: "application/json",
    body: `${JSON.stringify({
      ...phpFpmObject(report),
      holdfast: report,
      ...(since === null ? {} : { history: statistics.history(Number(since)) }),
    })}\n`,
  });
}

/** OpenMetrics, unless a scraper knows nothing but what was before it. */
function metrics({ accept }: OwnRequest, statistics: Statistics): OwnReply {
  const from = statistics.status();
  const measured = [{ labels: { pool: from.pool, pid: String(from.pid) }, from }];
  const isOld = accept.includes("version=0.0.4") && !accept.includes("openmetrics");
  return isOld
    ? ownReply({ type: PROMETHEUS_TYPE, body: renderPrometheus(METRICS, measured) })
    : ownReply({ type: OPENMETRICS_TYPE, body: renderOpenMetrics(METRICS, measured) });
}
