// `npm run bench`: what replies cost through Apache and straight at the socket, beside the floor and the usual
// alternatives, in interleaved rounds. See README.md.

import { requireWrk, runCommand, say } from "./command.ts";
import { environment } from "./environment.ts";
import { measurer } from "./measure.ts";
import { type Options, readOptions } from "./options.ts";
import { renderSvg } from "./plot.ts";
import { type Part, type Report, renderText } from "./report.ts";
import { renderJson, writeResults } from "./results.ts";
import { measureRounds } from "./rounds.ts";
import { type Missing, type Stage, setStage } from "./stage.ts";
import { rows } from "./statistics.ts";
import { REPOSITORY, withRun } from "./surroundings.ts";
import { targetsOf } from "./targets.ts";
import type { Workload } from "./workload.ts";

/** What wrk asks, it can ask by new connections too. */
const BY_WRK: readonly Workload[] = ["trivial", "json", "wait", "page"];

async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv);
  requireWrk();
  const command = ["npm run bench --", ...argv].join(" ").replace(/ --$/, "");
  const found = environment(REPOSITORY, command);
  const parts: Part[] = [];
  const missing = new Map<string, Missing>();
  for (const workload of options.workloads) {
    for (const workers of options.workers) {
      const wanted = (id: string) => wants(options, id);
      await withRun(async (run) => {
        const stage = await setStage(run, { workload, workers, wanted });
        for (const one of stage.missing) missing.set(one.title, one);
        parts.push(...(await measureStage(stage, { workload, workers, options })));
      });
    }
  }
  const report: Report = { environment: found, options, parts, missing: [...missing.values()] };
  const text = renderText(report);
  process.stdout.write(`\n${text}`);
  if (options.results) {
    const files = { txt: text, json: renderJson(report), svg: renderSvg(report) };
    say(`\nwrote ${writeResults(found, "", files)}.{txt,json,svg}`);
  }
  if (parts.some((part) => part.rows.some(({ errors }) => errors.length > 0))) process.exitCode = 1;
}

interface Setting {
  readonly workload: Workload;
  readonly workers: number;
  readonly options: Options;
}

/** A part for every number of clients, and for kept and new connections. */
async function measureStage(stage: Stage, { workload, workers, options }: Setting): Promise<Part[]> {
  const parts: Part[] = [];
  const kinds = BY_WRK.includes(workload) ? options.kinds : (["kept"] as const);
  for (const clients of options.clients) {
    for (const connections of kinds) {
      say(`\n${workload}, ${workers} workers, ${clients} clients, ${connections} connections`);
      // What does not depend on the clients is measured once.
      const isFirst = parts.length === 0;
      const targets = stage.running
        .flatMap((running) => targetsOf(running, workload))
        .filter(
          ({ id, way }) => isTarget(options, id) && (way !== "socket" || (isFirst && stage.loader !== undefined)),
        );
      const measure = measurer({
        workload,
        clients,
        connections,
        direct: options.connections,
        loader: stage.loader ?? "",
        repository: REPOSITORY,
      });
      const samples = await measureRounds(targets, measure, options);
      const measured = targets.map((target) => {
        const { id, title, way, detail } = target;
        return { id, title, way, detail, samples: samples.get(target) ?? [] };
      });
      parts.push({ workload, workers, clients, connections, leftOut: stage.leftOut, rows: rows(measured) });
    }
  }
  return parts;
}

/** A peer is asked for by its id, or by that of one of its targets. */
const wants = ({ only }: Options, id: string) =>
  only.length === 0 || only.some((one) => `${one}-`.startsWith(`${id}-`) || id.startsWith(`${one}-`));

const isTarget = ({ only }: Options, id: string) =>
  only.length === 0 || only.some((one) => id === one || id.startsWith(`${one}-`));

await runCommand(main);
