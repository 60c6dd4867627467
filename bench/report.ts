// A run as data, and the same as text.

import type { Environment } from "./environment.ts";
import type { Options } from "./options.ts";
import { against, type Row, type Spread } from "./statistics.ts";
import { aligned, whole } from "./table.ts";
import { WORK, type Workload } from "./workload.ts";

/** One workload at one number of workers and clients. */
export interface Part {
  readonly workload: Workload;
  readonly workers: number;
  readonly clients: number;
  readonly connections: "kept" | "new";
  /** Titles of the peers that this workload is not asked of. */
  readonly leftOut: readonly string[];
  readonly rows: readonly Row[];
}

export interface Report {
  readonly environment: Environment;
  readonly options: Options;
  readonly parts: readonly Part[];
  readonly missing: readonly { readonly title: string; readonly reason: string }[];
}

const MIB = 1024 * 1024;
const HEADS = [
  "",
  "way",
  "req/s",
  "min–max",
  "÷ floor",
  "min–max",
  "÷ php-fpm",
  "p50 ms",
  "p99 ms",
  "CPU µs",
  "Apache µs",
  "MiB",
];

export function renderText({ environment: env, options, parts, missing }: Report): string {
  return `${[
    `Holdfast bench, ${env.date}, commit ${env.commit}`,
    `${env.cpu}, ${env.cores} cores, ${(env.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ${env.kernel}`,
    `Node ${env.node}, Apache ${env.apache} (event), PHP ${env.php}; load before the run ${env.load.toFixed(1)}`,
    `${env.command}   (seed ${options.seed})`,
    "",
    `Medians of ${options.rounds} interleaved rounds of ${options.seconds} s. Ratios are taken round by round.`,
    "CPU is user and system time of the peer's processes per request; MiB is their proportional resident memory.",
    ...parts.flatMap((part) => renderPart(part, options)),
    ...missing.flatMap(({ title, reason }) => ["", `missing: ${title}: ${reason}`]),
  ].join("\n")}\n`;
}

/** What a part is, for a heading. */
export function titleOf({ workload, workers, clients, connections }: Part): string {
  const who = connections === "kept" ? `${clients} kept clients` : `${clients} clients, a connection for each request`;
  return `${WORK[workload].title}: through Apache, ${who}, ${workers} worker${workers === 1 ? "" : "s"}`;
}

function renderPart(part: Part, options: Options): string[] {
  const through = part.rows.filter(({ way }) => way !== "socket");
  const direct = part.rows.filter(({ way }) => way === "socket");
  const lines: string[] = [];
  if (through.length > 0) lines.push("", titleOf(part), table(through));
  if (part.workload === "mixed") lines.push("p50 and p99 are those of the light requests, from when they were due.");
  const comparison = part.workload === "mixed" ? [] : against("holdfast", part.rows);
  if (comparison.length > 0) {
    const width = Math.max(...comparison.map(({ title }) => title.length));
    lines.push("", "Holdfast by ProxyPass, times each of the others by ProxyPass or its own module (min–max)");
    for (const { title, times } of comparison) lines.push(`${title.padEnd(width)}  ${spelled(times)}`);
  }
  if (direct.length > 0) lines.push("", `Straight at the socket, ${options.connections} connections`, table(direct));
  if (part.leftOut.length > 0) lines.push("", `left out: ${part.leftOut.join("; ")}`);
  return lines;
}

function table(rows: readonly Row[]): string {
  const lines = [HEADS, ...rows.map(cells)];
  const invalid = rows.filter(({ errors }) => errors.length > 0);
  const failing = rows.filter(({ failed }) => failed > 0);
  return [
    ...aligned(lines, 2),
    ...failing.map(
      ({ title, way, failed, requests }) =>
        `${title}, ${way}: ${whole(failed)} of ${whole(requests + failed)} requests failed, and are not counted`,
    ),
    ...invalid.map(({ title, way, errors }) => `INVALID: ${title}, ${way}: ${errors.join("; ")}`),
  ].join("\n");
}

function cells(row: Row): string[] {
  const counts = row.errors.length === 0;
  const share = (value: Spread | undefined) => (counts && value !== undefined ? value.median.toFixed(2) : "–");
  return [
    row.title,
    wayOf(row),
    counts ? whole(row.requestsPerSecond.median) : "INVALID",
    `${whole(row.requestsPerSecond.min)}–${whole(row.requestsPerSecond.max)}`,
    share(row.toFloor),
    counts && row.toFloor !== undefined ? range(row.toFloor) : "–",
    share(row.toPhpFpm),
    (row.p50Us.median / 1000).toFixed(2),
    (row.p99Us.median / 1000).toFixed(2),
    known(row.cpuMicrosPerRequest.median, 1),
    known(row.apacheMicrosPerRequest?.median ?? Number.NaN, 1),
    known(row.residentBytes.median / MIB, 0),
  ];
}

/** How a row's peer is reached, in words. */
export function wayOf({ way, detail }: Row): string {
  return way === "socket" || way === "module" ? detail : `${way}, ${detail}`;
}

const known = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
const range = ({ min, max }: Spread) => `${min.toFixed(2)}–${max.toFixed(2)}`;
const spelled = (spread: Spread) => `${spread.median.toFixed(2)}  (${range(spread)})`;
