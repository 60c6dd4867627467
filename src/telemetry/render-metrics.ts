// docs/reference/metrics.md, from the table of metrics. Pure.

import { markdownTable } from "../base/markdown-table.ts";
import { DURATION_BOUNDS } from "./measured.ts";
import { METRICS } from "./metrics.ts";
import { sampleNames } from "./openmetrics.ts";

export function renderMetricsReference(): string {
  return `${[
    "<!-- Generated from src/telemetry/metrics.ts by scripts/docs.ts: change that and run `npm run docs`. -->",
    "# Metrics",
    "",
    "`status.metrics_path` of a pool answers with these as OpenMetrics 1.0, and `holdfast status --metrics` prints them, in",
    "the text format of Prometheus, of all processes of all pools. Every sample has the labels `pool` and `pid`, the process that it was measured in;",
    "counters begin at 0 with each process. [How to collect them](../guides/monitoring.md), what to draw and when to be",
    "called is in `conf/grafana/holdfast.json` and `conf/prometheus/holdfast.rules.yml`.",
    "",
    ...markdownTable(["metric", "type", "labels", "meaning"], METRICS.map(rowOf)),
    "",
    "The buckets of the histograms end at",
    `${DURATION_BOUNDS.join(", ")} seconds and +Inf.`,
  ].join("\n")}\n`;
}

function rowOf(metric: (typeof METRICS)[number]): readonly string[] {
  const names = metric.type === "histogram" ? [metric.name] : sampleNames(metric);
  const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(", ");
  return [code(names), metric.type, code(metric.labels ?? []), metric.help];
}
