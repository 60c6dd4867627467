// A run as data, and the same as text.

import type { Environment } from "./environment.ts";
import type { Options } from "./options.ts";
import { against, type Row, type Spread } from "./statistics.ts";
import { aligned, whole } from "./table.ts";

export interface Report {
  readonly environment: Environment;
  readonly options: Options;
  readonly rows: readonly Row[];
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

export function renderText({ environment: env, options, rows, missing }: Report): string {
  const through = rows.filter(({ way }) => way !== "socket");
  const direct = rows.filter(({ way }) => way === "socket");
  const parts = [
    `Holdfast bench, ${env.date}, commit ${env.commit}`,
    `${env.cpu}, ${env.cores} cores, ${(env.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ${env.kernel}`,
    `Node ${env.node}, Apache ${env.apache} (event), PHP ${env.php}; load before the run ${env.load.toFixed(1)}`,
    `${env.command}   (seed ${options.seed})`,
    "",
    `Medians of ${options.rounds} interleaved rounds of ${options.seconds} s. Ratios are taken round by round.`,
    "CPU is user and system time of the peer's processes per request; MiB is their proportional resident memory.",
  ];
  if (through.length > 0) parts.push("", `Through Apache, ${options.clients} kept clients`, table(through));
  const comparison = against("holdfast", rows);
  if (comparison.length > 0) {
    const width = Math.max(...comparison.map(({ title }) => title.length));
    parts.push("", "Holdfast by ProxyPass, times each of the others by ProxyPass (min–max)");
    for (const { title, times } of comparison) parts.push(`${title.padEnd(width)}  ${spelled(times)}`);
  }
  if (direct.length > 0) parts.push("", `Straight at the socket, ${options.connections} connections`, table(direct));
  for (const { title, reason } of missing) parts.push("", `missing: ${title}: ${reason}`);
  return `${parts.join("\n")}\n`;
}

function table(rows: readonly Row[]): string {
  const lines = [HEADS, ...rows.map(cells)];
  const invalid = rows.filter(({ errors }) => errors.length > 0);
  return [
    ...aligned(lines, 2),
    ...invalid.map(({ title, way, errors }) => `INVALID: ${title}, ${way}: ${errors.join("; ")}`),
  ].join("\n");
}

function cells(row: Row): string[] {
  const counts = row.errors.length === 0;
  const share = (value: Spread | undefined) => (counts && value !== undefined ? value.median.toFixed(2) : "–");
  return [
    row.title,
    row.way === "socket" ? row.detail : `${row.way}, ${row.detail}`,
    counts ? whole(row.requestsPerSecond.median) : "INVALID",
    `${whole(row.requestsPerSecond.min)}–${whole(row.requestsPerSecond.max)}`,
    share(row.toFloor),
    counts && row.toFloor !== undefined ? range(row.toFloor) : "–",
    share(row.toPhpFpm),
    (row.p50Us.median / 1000).toFixed(2),
    (row.p99Us.median / 1000).toFixed(2),
    row.cpuMicrosPerRequest.median.toFixed(1),
    row.apacheMicrosPerRequest?.median.toFixed(1) ?? "–",
    (row.residentBytes.median / MIB).toFixed(0),
  ];
}

const range = ({ min, max }: Spread) => `${min.toFixed(2)}–${max.toFixed(2)}`;
const spelled = (spread: Spread) => `${spread.median.toFixed(2)}  (${range(spread)})`;
