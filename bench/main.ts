// `npm run bench`: what a small reply costs through Apache and straight at the socket, beside the
// floor and the usual alternatives, in one run of interleaved rounds. See README.md.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAULTS, Fault } from "../src/base/fault.ts";
import { startApache } from "./apache.ts";
import { compile, compilerMissing } from "./compile.ts";
import { environment } from "./environment.ts";
import { type Measurer, measurer } from "./measure.ts";
import { type Options, readOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { floor } from "./peers/floor.ts";
import { holdfast } from "./peers/holdfast.ts";
import { nodeFastcgi } from "./peers/node-fastcgi.ts";
import { nodeHttp } from "./peers/node-http.ts";
import { phpFpm } from "./peers/php-fpm.ts";
import { renderSvg } from "./plot.ts";
import { type Report, renderText } from "./report.ts";
import type { Sample } from "./sample.ts";
import { rows, shuffled } from "./statistics.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";
import { type RunningPeer, type Target, targetsOf } from "./targets.ts";
import { which } from "./which.ts";

const PEERS: readonly Peer[] = [floor, phpFpm, nodeHttp(), nodeFastcgi, holdfast()];

async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv);
  if (which("wrk") === undefined) throw new Fault("LISTEN", "wrk is not installed", { hint: "apt-get install wrk" });
  const report = await withRun((run) => bench(run, options, argv));
  const text = renderText(report);
  process.stdout.write(`\n${text}`);
  if (options.results) write(report, text);
  if (report.rows.some(({ errors }) => errors.length > 0)) process.exitCode = 1;
}

async function bench(run: Run, options: Options, argv: readonly string[]): Promise<Report> {
  const command = ["npm run bench --", ...argv].join(" ").replace(/ --$/, "");
  const found = environment(REPOSITORY, command);
  const wanted = (id: string) =>
    options.only.length === 0 || options.only.some((only) => id === only || id.startsWith(`${only}-`));
  const missing: { title: string; reason: string }[] = [];
  const running: RunningPeer[] = [];
  for (const peer of PEERS.filter(
    ({ id }) => options.only.length === 0 || options.only.some((only) => `${only}-`.startsWith(`${id}-`)),
  )) {
    const reason = peer.missing();
    if (reason !== undefined) missing.push({ title: peer.title, reason });
    else running.push(await startPeer(run, peer));
  }
  const apache = run.own(await startApache(run, running));
  const loader = compilerMissing() === undefined ? compile(join(REPOSITORY, "bench/load.c"), run.folder) : undefined;
  if (loader === undefined) missing.push({ title: "straight at the socket", reason: compilerMissing() ?? "" });
  const targets = running
    .flatMap(targetsOf)
    .filter(({ id, way }) => wanted(id) && (way !== "socket" || loader !== undefined));
  if (targets.length === 0) throw new Fault("USAGE", `nothing to measure: --only ${options.only.join(",")}`);

  const measure = measurer({ apache, loader: loader ?? "", options, repository: REPOSITORY });
  const samples = await measureRounds(targets, measure, options);
  const measured = targets.map((target) => ({
    ...target,
    peer: undefined,
    path: undefined,
    samples: samples.get(target) ?? [],
  }));
  return { environment: found, options, rows: rows(measured), missing };
}

async function startPeer(run: Run, peer: Peer): Promise<RunningPeer> {
  const socket = join(run.folder, `${peer.id}.sock`);
  return { peer, socket, child: run.own(await peer.start(run, socket)) };
}

async function measureRounds(
  targets: readonly Target[],
  measure: Measurer,
  { rounds, seconds, warmUpSeconds, seed }: Options,
): Promise<Map<Target, Sample[]>> {
  const samples = new Map<Target, Sample[]>(targets.map((target) => [target, []]));
  for (const target of targets) {
    say(`warm-up  ${target.id}`);
    await measure(target, warmUpSeconds);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const target of shuffled(targets, seed + round)) {
      const sample = await measure(target, seconds);
      samples.get(target)?.push(sample);
      say(
        `round ${round}/${rounds}  ${target.id.padEnd(22)} ${Math.round(sample.requestsPerSecond)} req/s  ${sample.errors.join("; ")}`,
      );
    }
  }
  return samples;
}

function write(report: Report, text: string): void {
  const folder = join(REPOSITORY, "bench/results");
  mkdirSync(folder, { recursive: true });
  const name = join(folder, `${report.environment.date.slice(0, 10)}-${report.environment.commit}`);
  writeFileSync(`${name}.txt`, text);
  writeFileSync(`${name}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(`${name}.svg`, renderSvg(report));
  say(`\nwrote ${name}.{txt,json,svg}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  say(`bench: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`);
  process.exitCode = FAULTS[error.code].exit;
}
