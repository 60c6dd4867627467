// `node dist/bench/model.js`: what the parts of the programming model cost through Apache, beside a bare handler
// in the same run: pages, sessions of each store, forms, frameworks, an old CGI script. See README.md.

import { Fault } from "../src/base/fault.ts";
import { startApache } from "./apache.ts";
import { requireWrk, runCommand, say } from "./command.ts";
import { type Environment, environment } from "./environment.ts";
import { cgidAdditions } from "./model/cgid.ts";
import { startPools } from "./model/pools.ts";
import { type ModelRow, modelRows } from "./model/rows.ts";
import { startStores } from "./model/stores.ts";
import { type Options, readOptions } from "./options.ts";
import { cpuMicros, processTree } from "./proc.ts";
import { renderJson, writeResults } from "./results.ts";
import { measureRounds } from "./rounds.ts";
import { type Spread, spread } from "./statistics.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";
import { aligned, whole } from "./table.ts";
import { httpLoad, rawRequest } from "./wrk.ts";

interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuMicros: number;
  readonly errors: readonly string[];
}

interface Result {
  readonly id: string;
  readonly title: string;
  readonly samples: readonly Sample[];
  readonly requestsPerSecond: Spread;
  /** Of the bare handler in the same round. */
  readonly toBare: Spread;
  readonly errors: readonly string[];
}

interface Report {
  readonly environment: Environment;
  readonly options: Options;
  readonly results: readonly Result[];
  readonly missing: readonly string[];
}

async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv);
  requireWrk();
  const found = environment(REPOSITORY, ["node dist/bench/model.js", ...argv].join(" "));
  const report = await withRun((run) => bench(run, options, found));
  const text = renderText(report);
  process.stdout.write(`\n${text}`);
  if (options.results) {
    const files = { txt: text, json: renderJson(report) };
    say(`\nwrote ${writeResults(found, "model", files)}.{txt,json}`);
  }
  if (report.results.some(({ errors }) => errors.length > 0)) process.exitCode = 1;
}

async function bench(run: Run, options: Options, found: Environment): Promise<Report> {
  const { stores, missing } = await startStores(run);
  const pools = await startPools(run, stores);
  const cgid = cgidAdditions(run);
  const apache = run.own(await startApache(run, pools.mounts, cgid));
  const rows = modelRows(stores).filter(({ id }) => options.only.length === 0 || options.only.includes(id));
  const requests = new Map(
    await Promise.all(rows.map(async (row) => [row, await requestOf(row, apache.port)] as const)),
  );
  const measure = async (row: ModelRow, seconds: number): Promise<Sample> => {
    const pids = processTree(pools.pid);
    const before = cpuMicros(pids);
    const {
      requests: count,
      seconds: took,
      p50Us,
      p99Us,
      errors,
    } = await httpLoad({
      port: apache.port,
      path: row.path,
      clients: clientsOf(options),
      seconds,
      repository: REPOSITORY,
      request: requests.get(row) ?? {},
      ...(row.expected === undefined ? {} : { expected: row.expected }),
    });
    // Scripts that have ended took their account with them.
    const micros = row.byApache ? Number.NaN : (cpuMicros(pids) - before) / count;
    return { requestsPerSecond: count / took, p50Us, p99Us, cpuMicros: micros, errors };
  };
  const samples = await measureRounds(rows, measure, options);
  const bare = samples.get(rows.find(({ id }) => id === "bare") as ModelRow) ?? [];
  const results = rows.map((row) => resultOf(row, samples.get(row) ?? [], bare));
  return { environment: found, options, results, missing };
}

const clientsOf = ({ clients }: Options): number => clients[0] ?? Number.NaN;

/** With cookies of its own sessions, where it needs some. */
async function requestOf(row: ModelRow, port: number): Promise<ModelRow["request"] & object> {
  const request = row.request ?? {};
  if (row.sessions === undefined) return request;
  const cookies: string[] = [];
  for (let n = 0; n < row.sessions; n++) {
    const { head } = await rawRequest(port, row.path, request);
    const cookie = /^set-cookie: ([^;\r]+)/im.exec(head)?.[1];
    if (cookie === undefined) throw new Fault("LISTEN", `${row.id}: no cookie was set: ${head.split("\r\n")[0]}`);
    cookies.push(cookie);
  }
  return { ...request, cookies };
}

function resultOf({ id, title }: ModelRow, samples: readonly Sample[], bare: readonly Sample[]): Result {
  const toBare = samples.map((sample, n) => sample.requestsPerSecond / (bare[n]?.requestsPerSecond ?? Number.NaN));
  return {
    id,
    title,
    samples,
    requestsPerSecond: spread(samples.map(({ requestsPerSecond }) => requestsPerSecond)),
    toBare: spread(toBare),
    errors: [...new Set(samples.flatMap(({ errors }) => errors))],
  };
}

function renderText({ environment: env, options, results, missing }: Report): string {
  const median = (result: Result, pick: (sample: Sample) => number): number => spread(result.samples.map(pick)).median;
  const lines = [
    ["", "req/s", "min–max", "÷ bare", "min–max", "p50 ms", "p99 ms", "CPU µs"],
    ...results.map((result) => [
      result.title,
      result.errors.length === 0 ? whole(result.requestsPerSecond.median) : "INVALID",
      `${whole(result.requestsPerSecond.min)}–${whole(result.requestsPerSecond.max)}`,
      result.toBare.median.toFixed(3),
      `${result.toBare.min.toFixed(3)}–${result.toBare.max.toFixed(3)}`,
      (median(result, ({ p50Us }) => p50Us) / 1000).toFixed(2),
      (median(result, ({ p99Us }) => p99Us) / 1000).toFixed(2),
      spelled(median(result, ({ cpuMicros }) => cpuMicros)),
    ]),
  ];
  return `${[
    `Holdfast, what the programming model costs, ${env.date}, commit ${env.commit}`,
    `${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event); load before the run ${env.load.toFixed(1)}`,
    `${env.command}   (seed ${options.seed})`,
    "",
    `Medians of ${options.rounds} interleaved rounds of ${options.seconds} s, ${clientsOf(options)} kept clients through Apache, 2 workers.`,
    "CPU is user and system time of Holdfast's processes for each request; what scripts under mod_cgid take is not known.",
    "",
    ...aligned(lines, 1),
    ...results
      .filter(({ errors }) => errors.length > 0)
      .map(({ title, errors }) => `INVALID: ${title}: ${errors.join("; ")}`),
    ...missing.map((reason) => `missing: ${reason}`),
  ].join("\n")}\n`;
}

const spelled = (micros: number): string => (Number.isNaN(micros) ? "–" : whole(micros));

await runCommand(main);
