// A page of results: one file that needs nothing else, light and dark.

import { escapeHtml } from "../../src/base/escape-html.ts";
import { renderCurves } from "../costs/plot.ts";
import { renderSvg } from "../plot.ts";
import { renderText } from "../report.ts";
import type { Spread } from "../statistics.ts";
import { type Results, type Verdict, verdicts } from "./verdicts.ts";

const STYLE = `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#25221d, #e8e4dc); background: light-dark(#fff, #1b1a17) }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid light-dark(#ddd6c8, #3a3731) }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.reached { color: light-dark(#0f6b5c, #5fc7b3) } .missed { color: light-dark(#b3402a, #f08a73) } .unknown { opacity: .7 }
pre { overflow-x: auto; font-size: .8rem; background: light-dark(#f6f3ec, #24221e); padding: 1rem }
svg { max-width: 100%; height: auto; border-radius: .4rem }`;

export function renderPage(results: Results): string {
  const { bench, costs } = results;
  const env = bench?.environment ?? costs?.environment;
  const about =
    env === undefined
      ? ""
      : `${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache}, PHP ${env.php}; ` +
        `load before the run ${env.load.toFixed(1)}; commit ${env.commit}, ${env.date}`;
  const sections = [
    `<h2>Targets</h2>\n<table><thead><tr><th>What</th><th>Target</th><th>Median (least–most)</th><th></th></tr></thead>
<tbody>\n${verdicts(results).map(line).join("\n")}\n</tbody></table>`,
    ...(bench === undefined
      ? []
      : [`<h2>Peers</h2>\n${renderSvg(bench)}\n<pre>${escapeHtml(renderText(bench))}</pre>`]),
    ...(costs === undefined ? [] : [`<h2>Costs</h2>\n${renderCurves(costs.curves)}`]),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast bench</title>
<style>
${STYLE}
</style>
</head>
<body>
<h1>Holdfast bench</h1>
<p>${escapeHtml(about)}</p>
${sections.join("\n")}
</body>
</html>
`;
}

function line({ what, wanted, got, reached }: Verdict): string {
  const [kind, word] =
    reached === undefined ? ["unknown", "not measured"] : reached ? ["reached", "reached"] : ["missed", "not reached"];
  const value = got === undefined ? "–" : spelled(got);
  return `<tr><td>${escapeHtml(what)}</td><td class="number">${escapeHtml(wanted)}</td><td class="number">${value}</td><td class="${kind}">${word}</td></tr>`;
}

function spelled({ median, min, max }: Spread): string {
  const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}
