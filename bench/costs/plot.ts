// Cost curves as an SVG picture: for each, memory against what there is of it, from nothing.

import type { Curve } from "./curves.ts";

const PANEL_WIDTH = 460;
const PANEL_HEIGHT = 240;
const LEFT = 64;
const RIGHT = 20;
const TOP = 44;
const BOTTOM = 36;
const COLUMNS = 2;

export function renderCurves(curves: readonly Curve[]): string {
  const lines = Math.ceil(curves.length / COLUMNS);
  const width = COLUMNS * PANEL_WIDTH;
  const panels = curves.map((curve, index) => {
    const x = (index % COLUMNS) * PANEL_WIDTH;
    const y = Math.floor(index / COLUMNS) * PANEL_HEIGHT;
    return `<g transform="translate(${x} ${y})">${panel(curve)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${lines * PANEL_HEIGHT}" width="${width}" height="${lines * PANEL_HEIGHT}" role="img" aria-label="Memory of a pool">
<style>
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #25221d } .panel { font-size: 15px; font-weight: 700 }
.axis { stroke: #6b655b; fill: none } .line { stroke: #0f6b5c; stroke-width: 2; fill: none } circle { fill: #0f6b5c }
</style>
<rect width="100%" height="100%" fill="#fff"/>
${panels.join("\n")}
</svg>
`;
}

function panel({ title, points }: Curve): string {
  const right = PANEL_WIDTH - RIGHT;
  const bottom = PANEL_HEIGHT - BOTTOM;
  const widest = Math.max(1, ...points.map(({ x }) => x));
  const most = Math.max(1, ...points.map(({ mib }) => mib));
  const across = (x: number) => LEFT + (x / widest) * (right - LEFT);
  const up = (mib: number) => bottom - (mib / most) * (bottom - TOP);
  const at = points.map(({ x, mib }) => `${across(x).toFixed(1)},${up(mib).toFixed(1)}`);
  return [
    `<text class="panel" x="${LEFT}" y="26">MiB against ${title}</text>`,
    `<path class="axis" d="M${LEFT} ${TOP}V${bottom}H${right}"/>`,
    `<text x="${LEFT - 8}" y="${TOP + 4}" text-anchor="end">${most.toFixed(0)}</text>`,
    `<text x="${LEFT - 8}" y="${bottom + 4}" text-anchor="end">0</text>`,
    `<text x="${right}" y="${bottom + 20}" text-anchor="end">${widest.toLocaleString("en")}</text>`,
    `<polyline class="line" points="${at.join(" ")}"/>`,
    ...at.map((place) => `<circle r="3.5" cx="${place.split(",")[0]}" cy="${place.split(",")[1]}"/>`),
  ].join("");
}
