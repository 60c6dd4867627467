// `npm run bench`: what a small reply costs through Apache and straight at the socket, beside the
// floor and the usual alternatives, in one run of interleaved rounds. See README.md.

import { join } from "node:path";
import { Fault } from "../src/base/fault.ts";
import { startApache } from "./apache.ts";
import { requireWrk, runCommand, say } from "./command.ts";
import { compile, compilerMissing } from "./compile.ts";
import { environment } from "./environment.ts";
import { measurer } from "./measure.ts";
import { type Options, readOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { floor } from "./peers/floor.ts";
import { holdfast } from "./peers/holdfast.ts";
import { nodeFastcgi } from "./peers/node-fastcgi.ts";
import { nodeHttp } from "./peers/node-http.ts";
import { phpFpm } from "./peers/php-fpm.ts";
import { renderSvg } from "./plot.ts";
import { type Report, renderText } from "./report.ts";
import { renderJson, writeResults } from "./results.ts";
import { measureRounds } from "./rounds.ts";
import { rows } from "./statistics.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";
import { type RunningPeer, targetsOf } from "./targets.ts";

const PEERS: readonly Peer[] = [floor, phpFpm, nodeHttp(), nodeFastcgi, holdfast()];

async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv);
  requireWrk();
  const report = await withRun((run) => bench(run, options, argv));
  const text = renderText(report);
  process.stdout.write(`\n${text}`);
  if (options.results) {
    const files = { txt: text, json: renderJson(report), svg: renderSvg(report) };
    say(`\nwrote ${writeResults(report.environment, "", files)}.{txt,json,svg}`);
  }
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

await runCommand(main);
