// `node dist/bench/costs.js`: memory and CPU of a pool against its workers, connections, waiting requests, sessions and
// pages. See README.md.

import { parseArgs } from "node:util";
import { runCommand, say } from "./command.ts";
import { type Curve, RECIPES } from "./costs/curves.ts";
import { renderCurves } from "./costs/plot.ts";
import type { Point } from "./costs/subject.ts";
import { type Environment, environment } from "./environment.ts";
import { renderJson, writeResults } from "./results.ts";
import { REPOSITORY, withRun } from "./surroundings.ts";
import { aligned, whole } from "./table.ts";

export interface CostReport {
  readonly environment: Environment;
  readonly curves: readonly Curve[];
}

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    allowNegative: true,
    options: {
      only: { type: "string", default: "" },
      most: { type: "string", default: "50000" },
      results: { type: "boolean", default: true },
    },
  });
  const only = values.only.split(",").filter((id) => id !== "");
  const found = environment(REPOSITORY, ["node dist/bench/costs.js", ...argv].join(" "));
  const curves: Curve[] = [];
  for (const { id, title, at, measure } of RECIPES.filter((recipe) => only.length === 0 || only.includes(recipe.id))) {
    say(`against ${title}`);
    const places = at.filter((x) => x <= Number(values.most));
    curves.push({ id, title, points: await withRun((run) => measure(run, places)) });
  }
  const report: CostReport = { environment: found, curves };
  const text = renderText(report);
  process.stdout.write(text);
  if (!values.results) return;
  const files = { txt: text, json: renderJson(report), svg: renderCurves(curves) };
  say(`wrote ${writeResults(found, "costs", files)}.{txt,json,svg}`);
}

function renderText({ environment: env, curves }: CostReport): string {
  return `Holdfast, what a pool costs, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event); load before the run ${env.load.toFixed(1)}
${env.command}

MiB is proportional memory (Pss) of supervisor and pool when nothing has happened for 2 s; idle is CPU of each second then;
work is all the CPU that it took to get there from the line above; p99 is that of 100 requests a second through Apache.

${curves.map(renderCurve).join("\n")}`;
}

function renderCurve({ title, points }: Curve): string {
  const line = ({ x, mib, idleCpuMs, workCpuMs, firstReplyMs, p99Ms }: Point) => [
    whole(x),
    mib.toFixed(1),
    idleCpuMs.toFixed(1),
    workCpuMs.toFixed(0),
    firstReplyMs?.toFixed(0) ?? "–",
    p99Ms?.toFixed(2) ?? "–",
  ];
  const head = [title, "MiB", "idle ms", "work ms", "first reply ms", "p99 ms"];
  return `${aligned([head, ...points.map(line)], 0).join("\n")}\n`;
}

await runCommand(main);
