// A run as an SVG picture: a bar for each median, a whisker from the slowest round to the fastest.

import { type Report, titleOf, wayOf } from "./report.ts";
import type { Row } from "./statistics.ts";
import { whole } from "./table.ts";

const WIDTH = 960;
const LABEL_WIDTH = 240;
const VALUE_WIDTH = 200;
const ROW_HEIGHT = 42;
const BAR_HEIGHT = 22;
const PANEL_HEAD = 52;

export function renderSvg({ environment: env, options, parts }: Report): string {
  const direct = `Straight at the socket, ${options.connections} connections`;
  const panels = parts
    .flatMap((part) => [
      { title: titleOf(part), rows: part.rows.filter(({ way }) => way !== "socket") },
      { title: direct, rows: part.rows.filter(({ way }) => way === "socket") },
    ])
    .filter((panel) => panel.rows.length > 0);
  let y = 64;
  const drawn = panels.map((panel) => {
    const part = renderPanel(panel.title, panel.rows, y);
    y += PANEL_HEAD + panel.rows.length * ROW_HEIGHT + 16;
    return part;
  });
  const height = y + 44;
  const about = [
    `Median of ${options.rounds} interleaved rounds of ${options.seconds} s; the line spans slowest to fastest round. Shares are of the floor reached in the same way.`,
    `${env.cpu}, ${env.cores} cores · Node ${env.node} · Apache ${env.apache} · PHP ${env.php} · commit ${env.commit} · ${env.date.slice(0, 10)}`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Requests per second of each backend">
<style>
text { font: 14px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #25221d }
.title { font-size: 20px; font-weight: 700 } .panel { font-size: 15px; font-weight: 700 } .way, .about { font-size: 12px; fill: #6b655b }
.value { font-weight: 600 } .value .ratio { fill: #6b655b; font-weight: 400 } .bar { fill: #a9b4bd } .floor { fill: #d9d2c5 } .holdfast { fill: #0f6b5c }
.invalid { fill: none; stroke: #b3402a; stroke-dasharray: 4 3 } .whisker { stroke: #25221d; stroke-width: 1.5; fill: none } .bad { fill: #b3402a; font-weight: 600 }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="24" y="40">Requests per second, the same reply from each</text>
${drawn.join("\n")}
${about.map((line, index) => `<text class="about" x="24" y="${height - 34 + index * 18}">${escapeXml(line)}</text>`).join("\n")}
</svg>
`;
}

function renderPanel(title: string, rows: readonly Row[], top: number): string {
  const longest = Math.max(...rows.map(({ requestsPerSecond }) => requestsPerSecond.max));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest;
  const bars = rows.map((row, index) => renderRow(row, scale, top + PANEL_HEAD + index * ROW_HEIGHT));
  return `<text class="panel" x="24" y="${top + 28}">${escapeXml(title)}</text>\n${bars.join("\n")}`;
}

function renderRow(row: Row, scale: number, top: number): string {
  const { median, min, max } = row.requestsPerSecond;
  const middle = top + BAR_HEIGHT / 2;
  const x = (value: number) => (LABEL_WIDTH + value * scale).toFixed(1);
  const label = `<text x="24" y="${top + 8}">${escapeXml(row.title)}</text><text class="way" x="24" y="${top + 23}">${escapeXml(wayOf(row))}</text>`;
  const bar = `<rect class="${barClass(row)}" x="${LABEL_WIDTH}" y="${top}" width="${(median * scale).toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`;
  if (row.errors.length > 0) {
    return `${label}${bar}<text class="bad" x="${LABEL_WIDTH + 8}" y="${middle + 5}">invalid: ${escapeXml(row.errors[0] ?? "")}</text>`;
  }
  const whisker = `<path class="whisker" d="M${x(min)} ${middle}H${x(max)}M${x(min)} ${middle - 4}v8M${x(max)} ${middle - 4}v8"/>`;
  const ratio =
    row.toFloor === undefined || isFloor(row)
      ? ""
      : ` <tspan class="ratio">${row.toFloor.median.toFixed(2)} of the floor</tspan>`;
  return `${label}${bar}${whisker}<text class="value" x="${(Number(x(max)) + 10).toFixed(1)}" y="${middle + 5}">${whole(median)}${ratio}</text>`;
}

const isFloor = ({ id }: Row) => id.startsWith("floor");
const isOurs = ({ id }: Row) => id.startsWith("holdfast") || id.endsWith("-under-holdfast");

function barClass(row: Row): string {
  if (row.errors.length > 0) return "invalid";
  if (isFloor(row)) return "floor";
  return isOurs(row) ? "holdfast" : "bar";
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
