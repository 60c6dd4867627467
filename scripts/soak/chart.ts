// A soak as an SVG picture: panels of lines over the minutes, one below the other.

import { escapeHtml } from "../../src/base/escape-html.ts";
import type { Point } from "./drift.ts";
import type { Report } from "./report.ts";
import { poolPoints, type Sample } from "./series.ts";

const MIB = 1024 * 1024;
const WIDTH = 960;
const LEFT = 64;
const RIGHT = 176;
const PANEL_HEAD = 40;
const PANEL_HEIGHT = 130;
const PANEL_GAP = 34;
const COLOURS = ["#0f6b5c", "#b3402a", "#3f5f8f", "#8a6d1d", "#6b655b"];

interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export function renderSvg(report: Report): string {
  const { environment: env, samples, minutes } = report;
  let y = 64;
  const parts = panelsOf(samples).map((panel) => {
    const part = renderPanel(panel, y, minutes);
    y += PANEL_HEAD + PANEL_HEIGHT + PANEL_GAP;
    return part;
  });
  const height = y + 34;
  const about = [
    `${report.requestsPerSecond} requests/s through Apache; "steady" is one process throughout, "renewed" was reloaded ${report.reloads} times; workers were recycled all the time.`,
    `${env.cpu}, ${env.cores} cores · Node ${env.node} · Apache ${env.apache} · commit ${env.commit} · ${env.date.slice(0, 10)}`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="A soak of ${minutes} minutes">
<style>
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #25221d }
.title { font-size: 20px; font-weight: 700 } .panel { font-size: 15px; font-weight: 700 } .about, .tick { fill: #6b655b }
.grid { stroke: #d9d2c5; stroke-width: 1 } .line { fill: none; stroke-width: 1.5; stroke-linejoin: round }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="24" y="40">A soak of ${minutes} minutes with recycling</text>
${parts.join("\n")}
${about.map((line, index) => `<text class="about" x="24" y="${height - 30 + index * 18}">${escapeHtml(line)}</text>`).join("\n")}
</svg>
`;
}

function panelsOf(samples: readonly Sample[]): readonly Panel[] {
  const of = (value: (sample: Sample) => number) =>
    samples.map((sample) => ({ at: sample.minute, value: value(sample) }));
  const both = (value: Parameters<typeof poolPoints>[2]): Line[] => [
    { name: "steady", points: poolPoints(samples, "steady", value) },
    { name: "renewed", points: poolPoints(samples, "renewed", value) },
  ];
  const supervisor = (value: (sample: Sample["supervisor"]) => number): Line => ({
    name: "supervisor",
    points: of((sample) => value(sample.supervisor)),
  });
  return [
    {
      title: "Resident memory, MiB",
      lines: [
        ...both(({ residentBytes }) => residentBytes / MIB),
        supervisor(({ residentBytes }) => residentBytes / MIB),
      ],
    },
    {
      title: "Heap and buffers of a worker, MiB",
      lines: both(({ workersBytes, workers }) => workersBytes / workers / MIB),
    },
    {
      title: "Descriptors besides connections",
      lines: [
        ...both(({ descriptors, connections }) => descriptors - connections),
        supervisor(({ descriptors }) => descriptors),
      ],
    },
    { title: "Threads", lines: [...both(({ threads }) => threads), supervisor(({ threads }) => threads)] },
    {
      title: "Latency of hello, page and echo, ms",
      lines: [
        { name: "p99", points: of(({ interval }) => interval.p99Ms) },
        { name: "p99 of Apache's own file", points: of(({ interval }) => interval.stillP99Ms) },
        { name: "p50", points: of(({ interval }) => interval.p50Ms) },
      ],
    },
    { title: "Load of the machine", lines: [{ name: "last minute", points: of(({ load }) => load) }] },
  ];
}

function renderPanel({ title, lines }: Panel, top: number, minutes: number): string {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value)).filter(Number.isFinite);
  const most = roundUp(Math.max(1, ...values));
  const bottom = top + PANEL_HEAD + PANEL_HEIGHT;
  const x = (minute: number) => LEFT + (minute / minutes) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => bottom - (value / most) * PANEL_HEIGHT;
  const grid = [0, most / 2, most].map(
    (value) =>
      `<path class="grid" d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value}</text>`,
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const minute = minutes * share;
    return `<text class="tick" x="${x(minute).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${Number(minute.toFixed(1))} min</text>`;
  });
  const drawn = lines.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = points
      .filter(({ value }) => Number.isFinite(value))
      .map(({ at, value }, place) => `${place === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
      .join("");
    const label = `<text x="${WIDTH - RIGHT + 12}" y="${top + PANEL_HEAD + 14 + index * 18}" style="fill:${colour}">${escapeHtml(name)}</text>`;
    return `<path class="line" stroke="${colour}" d="${path}"/>${label}`;
  });
  return [`<text class="panel" x="24" y="${top + 24}">${escapeHtml(title)}</text>`, ...grid, ...ticks, ...drawn].join(
    "\n",
  );
}

/** The next number that reads well: 1, 2, 4, 5, 6 or 8 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
