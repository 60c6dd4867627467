// A run as data, and the same as text.

import type { Environment } from "./environment.ts";
import type { Options } from "./options.ts";
import type { Row, Spread } from "./statistics.ts";

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
    `Node ${env.node}, Apache ${env.apache} (event), PHP ${env.php}`,
    `${env.command}   (seed ${options.seed})`,
    "",
    `Medians of ${options.rounds} interleaved rounds of ${options.seconds} s. Ratios are taken round by round.`,
    "CPU is user and system time of the peer's processes per request; MiB is their proportional resident memory.",
  ];
  if (through.length > 0) parts.push("", `Through Apache, ${options.clients} kept clients`, table(through));
  if (direct.length > 0) parts.push("", `Straight at the socket, ${options.connections} connections`, table(direct));
  for (const { title, reason } of missing) parts.push("", `missing: ${title}: ${reason}`);
  return `${parts.join("\n")}\n`;
}

function table(rows: readonly Row[]): string {
  const lines = [HEADS, ...rows.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const aligned = lines.map((line) =>
    line
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  const invalid = rows.filter(({ errors }) => errors.length > 0);
  return [
    ...aligned,
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
    counts && row.toFloor !== undefined ? `${row.toFloor.min.toFixed(2)}–${row.toFloor.max.toFixed(2)}` : "–",
    share(row.toPhpFpm),
    (row.p50Us.median / 1000).toFixed(2),
    (row.p99Us.median / 1000).toFixed(2),
    row.cpuMicrosPerRequest.median.toFixed(1),
    row.apacheMicrosPerRequest?.median.toFixed(1) ?? "–",
    (row.residentBytes.median / MIB).toFixed(0),
  ];
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
