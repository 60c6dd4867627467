// A soak as text: what it was, what was promised, and what became of it.

import type { Environment } from "../../bench/environment.ts";
import { spread } from "../../bench/statistics.ts";
import { secondHalf } from "./drift.ts";
import { POOLS, type PoolName } from "./host.ts";
import type { Failure } from "./load.ts";
import type { LogTally } from "./log-tally.ts";
import { type Sample, seriesOf } from "./series.ts";
import { DRIFT_LIMIT, type Judged, judgeCount, judgeDrift, judgeLatency, judgeSome } from "./verdict.ts";
import type { Totals } from "./watch.ts";

export interface Report {
  readonly environment: Environment;
  readonly minutes: number;
  readonly clients: number;
  readonly requestsPerSecond: number;
  readonly recycleRequests: number;
  readonly recycleAgeMs: number;
  readonly reloads: number;
  readonly rotations: number;
  readonly requests: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly failures: number;
  readonly reasons: readonly Failure[];
  readonly totals: Readonly<Record<PoolName, Totals>>;
  readonly log: LogTally["lines"];
  readonly unexpectedLines: number;
  /** The first of them, whole. */
  readonly unexpectedExamples: readonly string[];
  readonly apacheLog: readonly string[];
  /** Process ids that were still there after the end. */
  readonly left: readonly number[];
  readonly samples: readonly Sample[];
}

const LINES_SHOWN = 15;
const REASONS_SHOWN = 10;

export function verdictOf(report: Report): readonly Judged[] {
  const { samples, totals } = report;
  const sum = (of: (totals: Totals) => number) => POOLS.reduce((total, pool) => total + of(totals[pool]), 0);
  const series = (of: (sample: Sample) => number) =>
    samples.map((sample) => ({ at: sample.minute, value: of(sample) }));
  return [
    judgeCount("wrong or missing replies", report.failures),
    judgeSome("workers recycled in the steady pool", totals.steady.workersRecycled),
    judgeSome("reloads of the renewed pool", report.reloads),
    judgeCount(
      "workers lost, failed boots",
      sum(({ workersLost, bootFailures }) => workersLost + bootFailures),
    ),
    judgeCount(
      "pool processes replaced unasked",
      sum(({ restarts }) => restarts),
    ),
    judgeCount(
      "requests refused, cut or timed out by the pools",
      sum(({ refused, cut, timedOut }) => refused + cut + timedOut),
    ),
    judgeCount("unexpected warnings and errors in the log", report.unexpectedLines),
    judgeCount("complaints in Apache's log", report.apacheLog.length),
    judgeCount("processes left after the end", report.left.length),
    judgeLatency(
      "99th percentile, first → last quarter",
      series(({ interval }) => interval.p99Ms),
      series(({ interval }) => interval.stillP99Ms),
    ),
    ...seriesOf(samples).map(judgeDrift),
  ];
}

export function renderText(report: Report): string {
  const { environment: env, samples, totals } = report;
  const verdict = verdictOf(report);
  const all = seriesOf(samples);
  const lines = verdict.map(({ title, kept, figures }) => {
    const series = all.find((one) => one.title === title);
    const unit = series === undefined || series.unit === "" ? "" : ` ${series.unit}`;
    const late = spread(secondHalf(series?.points ?? []).map(({ value }) => value));
    const level =
      series === undefined
        ? ""
        : `   median ${short(late.median)}${unit} (${short(late.min)}–${short(late.max)}) in the second half`;
    return `${kept ? "kept  " : "BROKEN"}  ${title.padEnd(50)} ${figures}${level}`;
  });
  const broken = verdict.filter(({ kept }) => !kept).length;
  const interval = (of: (sample: Sample) => number) => spread(samples.map(of));
  const p50 = interval((sample) => sample.interval.p50Ms);
  const p99 = interval((sample) => sample.interval.p99Ms);
  const load = interval((sample) => sample.load);
  const worked = POOLS.map((pool) => {
    const { accepted, aborted, workersRecycled, processes } = totals[pool];
    return `${pool}: ${whole(accepted)} requests, ${whole(aborted)} left by their clients, ${workersRecycled} workers recycled, ${processes} ${processes === 1 ? "process" : "processes"}`;
  });
  return `Holdfast soak of ${report.minutes} minutes, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event)
${env.command}

Two pools of two threads behind one Apache, ${report.clients} kept clients, ${report.requestsPerSecond} requests a second in all; a worker is
replaced after ${whole(report.recycleRequests)} requests or ${report.recycleAgeMs / 1000} s (less up to 10 %). "steady" is one process for the whole time; "renewed" was
reloaded ${report.reloads} times, and the logs were rotated ${report.rotations} times. A drift is the rise of the straight line through the second half
of a series as a share of its median (limit ${DRIFT_LIMIT * 100} %); of "renewed" a point is the median of one process's life.
Load of the machine in the meantime: ${load.median.toFixed(1)} (${load.min.toFixed(1)}–${load.max.toFixed(1)}).

${broken === 0 ? "Every promise was kept." : `${broken} of ${verdict.length} promises were broken.`}

${lines.join("\n")}

${whole(report.requests)} requests: ${Object.entries(report.kinds)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${whole(count)}`)
    .join(", ")}
${worked.join("\n")}
Latency of hello, page and echo by interval: p50 ${p50.median.toFixed(2)} (${p50.min.toFixed(2)}–${p50.max.toFixed(2)}) ms, p99 ${p99.median.toFixed(1)} (${p99.min.toFixed(1)}–${p99.max.toFixed(1)}) ms

The log, by line:
${report.log
  .slice(0, LINES_SHOWN)
  .map(({ message, count }) => `${whole(count).padStart(8)}  ${message}`)
  .join("\n")}
${[
  ...report.reasons.slice(0, REASONS_SHOWN).map(({ at, kind, reason }) => `failed: ${at} ${kind}: ${reason}`),
  ...report.unexpectedExamples.map((line) => `log: ${line}`),
  ...report.apacheLog.slice(0, REASONS_SHOWN).map((line) => `Apache: ${line}`),
]
  .map((line) => `${line}\n`)
  .join("")}`;
}

const short = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
const whole = (value: number) => Math.round(value).toLocaleString("en");
