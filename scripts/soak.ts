// `node dist/scripts/soak.js [--minutes 60]`: hours in short. A steady mixed load through Apache while
// workers are recycled, a pool is reloaded and logs are rotated, and looks at what the processes take.
// Prints a verdict, writes bench/results; status 1 when a promise was broken. See bench/README.md.

import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { environment } from "../bench/environment.ts";
import { writeResults } from "../bench/results.ts";
import { REPOSITORY, type Run, withRun } from "../bench/surroundings.ts";
import { Fault } from "../src/base/fault.ts";
import { isRunning } from "../test/support/processes.ts";
import { ERROR_MESSAGE } from "./soak/bodies.ts";
import { renderSvg } from "./soak/chart.ts";
import { Host, STILL_PATH } from "./soak/host.ts";
import { SoakLoad } from "./soak/load.ts";
import { LogTally } from "./soak/log-tally.ts";
import { type Report, renderText, verdictOf } from "./soak/report.ts";
import type { Sample } from "./soak/series.ts";
import { Watch } from "./soak/watch.ts";

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
/** What happens in an hour; in a shorter run everything comes as much sooner. */
const SAMPLES = 240;
const RELOADS = 12;
const ROTATIONS = 12;
const RECYCLE_AGE_MS = 2 * MINUTE_MS;
const RECYCLE_REQUESTS = 20_000;
const CLIENTS = 16;
/** One of so many clients asks the pool that is reloaded. */
const RENEWED_SHARE = 4;
/** Before the first look: what is loaded with the first requests is loaded. */
const WARM_UP_MS = 5000;

interface Options {
  readonly minutes: number;
  readonly requestsPerSecond: number;
  readonly results: boolean;
}

function readOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      minutes: { type: "string", default: String(HOUR_MINUTES) },
      rate: { type: "string", default: "400" },
      results: { type: "boolean", default: true },
    },
  });
  const minutes = Number(values.minutes);
  const requestsPerSecond = Number(values.rate);
  if (!(minutes > 0 && requestsPerSecond > 0)) {
    throw new Fault("USAGE", "--minutes and --rate take numbers above 0");
  }
  return { minutes, requestsPerSecond, results: values.results };
}

async function main(argv: string[]): Promise<void> {
  const options = readOptions(argv);
  const found = environment(REPOSITORY, ["node dist/scripts/soak.js", ...argv].join(" "));
  const soaked = await withRun((run) => soak(run, options));
  const report: Report = { environment: found, ...soaked };
  const text = renderText(report);
  process.stdout.write(text);
  if (options.results) {
    writeResults(found, "soak", { txt: text, json: renderJson(report), svg: renderSvg(report) });
  }
  if (verdictOf(report).some(({ kept }) => !kept)) process.exitCode = 1;
}

async function soak(run: Run, { minutes, requestsPerSecond }: Options): Promise<Omit<Report, "environment">> {
  const share = Math.min(1, minutes / HOUR_MINUTES);
  const recycle = {
    recycleRequests: Math.round(RECYCLE_REQUESTS * share),
    recycleAgeMs: Math.round(RECYCLE_AGE_MS * share),
  };
  const host = await Host.start(run, recycle);
  const watch = new Watch(host.control);
  const tally = new LogTally((line) => line.includes(ERROR_MESSAGE));
  const load = new SoakLoad({
    port: host.apache.port,
    still: STILL_PATH,
    base: (client) => (client % RENEWED_SHARE === RENEWED_SHARE - 1 ? "/renewed/" : "/steady/"),
    clients: CLIENTS,
    requestsPerSecond,
  });
  await delay(WARM_UP_MS);
  load.look();

  const begun = performance.now();
  const wholeMs = minutes * MINUTE_MS;
  const sampleMs = (HOUR_MINUTES * MINUTE_MS * share) / SAMPLES;
  const samples: Sample[] = [];
  const everyReload = Math.round(SAMPLES / RELOADS);
  const everyRotation = Math.round(SAMPLES / ROTATIONS);
  let reloads = 0;
  let rotations = 0;
  for (let number = 1; performance.now() - begun < wholeMs; number++) {
    await delay(Math.max(0, begun + number * sampleMs - performance.now()));
    const { supervisor, pools } = await watch.look();
    const sample: Sample = {
      minute: (performance.now() - begun) / MINUTE_MS,
      load: loadavg()[0] ?? Number.NaN,
      interval: load.look(),
      supervisor,
      steady: pools.get("steady"),
      renewed: pools.get("renewed"),
    };
    samples.push(sample);
    showProgress(sample, load, minutes);
    // Between looks, so that a look sees no process that starts.
    if (number % everyReload === everyReload / 2) {
      await host.reload("renewed");
      reloads++;
    }
    if (number % everyRotation === 0) {
      await host.rotateLogs(tally);
      rotations++;
    }
  }
  await load.stop();
  await watch.look();
  await host.stop(tally);
  process.stderr.write("\n");
  return {
    minutes,
    clients: CLIENTS,
    requestsPerSecond,
    ...recycle,
    reloads,
    rotations,
    requests: load.requests,
    kinds: load.kinds,
    failures: load.failures,
    reasons: load.reasons,
    totals: { steady: watch.totals("steady"), renewed: watch.totals("renewed") },
    log: tally.lines,
    unexpectedLines: tally.unexpected,
    unexpectedExamples: tally.examples,
    apacheLog: host.complaints,
    left: [...watch.pids].filter(isRunning),
    samples,
  };
}

function showProgress({ minute, interval, steady, supervisor }: Sample, load: SoakLoad, minutes: number): void {
  const mib = (bytes = Number.NaN) => Math.round(bytes / 1024 / 1024);
  const line =
    `${minute.toFixed(1)} of ${minutes} min   ${load.requests} requests, ${load.failures} failed   ` +
    `p50 ${interval.p50Ms.toFixed(1)} p99 ${interval.p99Ms.toFixed(1)} ms   steady ${mib(steady?.residentBytes)} MiB, ` +
    `${steady?.descriptors} descriptors   supervisor ${mib(supervisor.residentBytes)} MiB`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

/** A line for each sample: readable, and a diff of two runs too. */
function renderJson({ samples, ...rest }: Report): string {
  const head = JSON.stringify({ ...rest, verdict: verdictOf({ ...rest, samples }) }, undefined, 1);
  const lines = samples.map((sample) => `  ${JSON.stringify(sample)}`).join(",\n");
  return `${head.slice(0, -2)},\n "samples": [\n${lines}\n ]\n}\n`;
}

await main(process.argv.slice(2));
