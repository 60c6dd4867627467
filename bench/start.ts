// `node dist/bench/start.js`: how long from `holdfast start` to the first reply of a trivial app, and what each
// worker takes of the machine's memory; also beside other checkouts. See README.md.

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";
import { askPool } from "./ask-pool.ts";
import { type Environment, environment } from "./environment.ts";
import { cpuMicros, mappedBytes, processTree } from "./proc.ts";
import { renderJson, writeResults } from "./results.ts";
import { type Spread, spread } from "./statistics.ts";
import { startSupervisor } from "./supervisor.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";

const MIB = 1024 * 1024;
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 2;
/** Workers of the larger of two pools; their difference is what a worker costs. */
const WORKERS = 9;
/** Of each worker, so that all have answered some. */
const REQUESTS = 8;
/** Until the workers have given back what their start left behind (workers/tidying.ts). */
const SETTLE_MS = 10_000;

/** Of one checkout in one round. */
interface Sample {
  readonly replyMs: number;
  /** Of the supervisor and its pool process, until the first reply. */
  readonly cpuMs: number;
  readonly workerMib: number;
}

interface Row {
  readonly commit: string;
  readonly samples: readonly Sample[];
}

interface Report {
  readonly environment: Environment;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      rounds: { type: "string", default: "9" },
      against: { type: "string", multiple: true, default: [] },
      results: { type: "boolean", default: true },
    },
  });
  const checkouts = [REPOSITORY, ...values.against.map((folder) => resolve(folder))];
  for (const checkout of checkouts) {
    if (!existsSync(join(checkout, "dist/src/cli/main.js"))) {
      throw new Fault("USAGE", `${checkout} is not built`, { hint: "Run `npm ci && npm run build` there." });
    }
  }
  const rounds = Number(values.rounds);
  const found = environment(REPOSITORY, ["node dist/bench/start.js", ...argv].join(" "));
  const samples = checkouts.map((): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, checkout] of checkouts.entries()) samples[index]?.push(await measure(checkout));
  }
  const rows = checkouts.map((checkout, index) => ({
    commit: index === 0 ? found.commit : commitOf(checkout),
    samples: samples[index] ?? [],
  }));
  const report: Report = { environment: found, rounds, rows };
  const rendered = renderText(report);
  process.stdout.write(rendered);
  if (values.results) writeResults(found, "start", { txt: rendered, json: renderJson(report) });
}

async function measure(checkout: string): Promise<Sample> {
  const one = await withRun((run) => started(run, checkout, 1));
  const many = await withRun((run) => started(run, checkout, WORKERS));
  return {
    replyMs: one.replyMs,
    cpuMs: one.cpuMs,
    workerMib: (many.poolBytes - one.poolBytes) / (WORKERS - 1) / MIB,
  };
}

async function started(
  run: Run,
  checkout: string,
  workers: number,
): Promise<{ replyMs: number; cpuMs: number; poolBytes: number }> {
  writeFileSync(join(run.folder, "app.ts"), 'export default () => new Response("Hello, World!");\n');
  const config = join(run.folder, "holdfast.toml");
  const pool = `[pools.www]\nlisten = "./www.sock"\napp = "./app.ts"\nthreads = ${workers}\nallow_root = true\n`;
  const cache = `[pools.www.env]\nCACHE_DIRECTORY = "${run.folder}"\n`;
  writeFileSync(config, `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\n${pool}${cache}`);
  const socket = join(run.folder, "www.sock");
  const begun = performance.now();
  const { pid } = startSupervisor(run, config, checkout);
  await firstReply(socket, begun + START_TIMEOUT_MS);
  const replyMs = performance.now() - begun;
  const cpuMs = cpuMicros(processTree(pid)) / 1000;
  for (let asked = 0; asked < REQUESTS; asked++) {
    await Promise.all(Array.from({ length: workers }, () => askPool(socket)));
  }
  await new Promise((after) => setTimeout(after, SETTLE_MS));
  const poolBytes = processTree(pid).reduce((sum, each) => (each === pid ? sum : sum + mappedBytes(each, "Pss")), 0);
  return { replyMs, cpuMs, poolBytes };
}

async function firstReply(socket: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      await askPool(socket);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((again) => setTimeout(again, POLL_MS));
    }
  }
}

function commitOf(checkout: string): string {
  return execFileSync("git", ["-C", checkout, "rev-parse", "--short=10", "HEAD"], { encoding: "utf8" }).trim();
}

function renderText({ environment: env, rounds, rows }: Report): string {
  const range = ({ median, min, max }: Spread, digits = 0) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
  const lines = rows.map(({ commit, samples }) => {
    const of = (pick: (sample: Sample) => number) => spread(samples.map(pick));
    return (
      `${commit.padEnd(14)}${range(of(({ replyMs }) => replyMs)).padEnd(22)}` +
      `${range(of(({ cpuMs }) => cpuMs)).padEnd(22)}${range(
        of(({ workerMib }) => workerMib),
        1,
      )}`
    );
  });
  return `Holdfast bench of a start, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}; load before the run ${env.load.toFixed(1)}
${env.command}

${rounds} rounds, median (least–most). From \`holdfast start\` to the first reply of a trivial app in one worker, and the CPU
of supervisor and pool until then. MiB of a worker: proportional memory (Pss) of a pool of ${WORKERS} less that of one, divided.

${"commit".padEnd(14)}${"first reply, ms".padEnd(22)}${"CPU, ms".padEnd(22)}MiB of a worker
${lines.join("\n")}
`;
}

await main(process.argv.slice(2));
