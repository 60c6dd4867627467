// Metrics as text: OpenMetrics, and the format of Prometheus before it. Knows how such a text is written,
// and nothing of what is measured: a metric is declared once (metrics.ts), with the way in which it is read.
// Source: OpenMetrics 1.0, https://github.com/prometheus/OpenMetrics; and
// https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4

export const OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

/** A histogram at its bounds: `cumulative[i]` values were at most `bounds[i]`. */
export interface HistogramPoint {
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export type Sample = { readonly labels?: Labels; readonly value: number };

interface Declared {
  /** Without the suffixes of the samples (`_total`, `_bucket`, …), with its unit. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** The name ends in it. */
  readonly unit?: "seconds" | "bytes" | "ratio";
  /** Names of the labels that its samples have besides those of whoever is measured. */
  readonly labels?: readonly string[];
}

/** `S` is what is measured. */
export type Metric<S> = Declared &
  (
    | {
        readonly type: "counter" | "gauge";
        /** undefined: not known of this one. */
        readonly read: (from: S) => number | readonly Sample[] | undefined;
      }
    | { readonly type: "histogram"; readonly read: (from: S) => HistogramPoint }
    | { readonly type: "info"; readonly read: (from: S) => Labels }
  );

/** Who is measured, with the labels by which their samples are told apart. */
export type Measurement<S> = readonly { readonly labels: Labels; readonly from: S }[];

/** The older format, which has no units and no infos, and names a counter as its samples. */
export function renderPrometheus<S>(metrics: readonly Metric<S>[], measured: Measurement<S>): string {
  return metrics
    .map((metric) => {
      const [name = metric.name] = metric.type === "histogram" ? [] : sampleNames(metric);
      const samples = measured.flatMap(({ labels, from }) => samplesOf(metric, labels, from));
      const type = metric.type === "info" ? "gauge" : metric.type;
      return [`# HELP ${name} ${escapeHelp(metric.help)}`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n");
    })
    .join("");
}

export function renderOpenMetrics<S>(metrics: readonly Metric<S>[], measured: Measurement<S>): string {
  const lines: string[] = [];
  for (const metric of metrics) {
    lines.push(`# TYPE ${metric.name} ${metric.type}`);
    if (metric.unit !== undefined) lines.push(`# UNIT ${metric.name} ${metric.unit}`);
    lines.push(`# HELP ${metric.name} ${escapeHelp(metric.help)}`);
    for (const { labels, from } of measured) lines.push(...samplesOf(metric, labels, from));
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

/** The names that a metric's samples have. */
export function sampleNames({ name, type }: Pick<Metric<never>, "name" | "type">): readonly string[] {
  switch (type) {
    case "counter":
      return [`${name}_total`];
    case "gauge":
      return [name];
    case "info":
      return [`${name}_info`];
    case "histogram":
      return [`${name}_bucket`, `${name}_count`, `${name}_sum`];
  }
}

function samplesOf<S>(metric: Metric<S>, labels: Labels, from: S): readonly string[] {
  const { name } = metric;
  switch (metric.type) {
    case "info":
      return [line(`${name}_info`, { ...labels, ...metric.read(from) }, 1)];
    case "histogram": {
      const { bounds, cumulative, count, sum } = metric.read(from);
      return [
        ...bounds.map((bound, at) => line(`${name}_bucket`, { ...labels, le: canonical(bound) }, cumulative[at] ?? 0)),
        line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
        line(`${name}_count`, labels, count),
        line(`${name}_sum`, labels, sum),
      ];
    }
    default: {
      const read = metric.read(from);
      if (read === undefined) return [];
      const sample = metric.type === "counter" ? `${name}_total` : name;
      const values: readonly Sample[] = typeof read === "number" ? [{ value: read }] : read;
      return values.map(({ labels: own, value }) => line(sample, { ...labels, ...own }, value));
    }
  }
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${number(value)}`;
}

/** As OpenMetrics wants a bound written, so that it is the same series everywhere: 1.0, 0.25. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : number(bound);
}

function number(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

const escapeHelp = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
const escapeLabel = escapeHelp;
