// `node dist/bench/bodies.js`: large bodies through Apache in both directions, byte for byte, with
// what they cost in memory and time, beside node:http. See README.md.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Apache, type Mounted, startApache } from "./apache.ts";
import type { Child } from "./child.ts";
import { type Environment, environment } from "./environment.ts";
import { baselineOf, watchMemory } from "./memory-watch.ts";
import { digestOf, PIECE_BYTES } from "./pattern.ts";
import { holdfast } from "./peers/holdfast.ts";
import { nodeHttp } from "./peers/node-http.ts";
import { renderJson, writeResults } from "./results.ts";
import { type Spread, spread } from "./statistics.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";
import { type Direction, transfer } from "./transfer.ts";

const MIB = 1024 * 1024;
/** So that the code is loaded before memory is looked at, and little else has happened. */
const WARM_UP_MIB = 1;
const DIRECTIONS: readonly Direction[] = ["up", "down"];

interface Row {
  readonly title: string;
  readonly direction: Direction;
  readonly mibPerSecond: Spread;
  /** The largest growth of any one process of the peer over its size before the first transfer, in MiB. */
  readonly growthMib: Spread;
  readonly fromMib: number;
  readonly errors: readonly string[];
}

interface Report {
  readonly environment: Environment;
  readonly mib: number;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      mib: { type: "string", default: "1024" },
      rounds: { type: "string", default: "3" },
      results: { type: "boolean", default: true },
    },
  });
  const mib = Number(values.mib);
  const rounds = Number(values.rounds);
  const command = ["node dist/bench/bodies.js", ...argv].join(" ");
  const found = environment(REPOSITORY, command);
  const rows = await withRun((run) => bench(run, mib, rounds));
  const report: Report = { environment: found, mib, rounds, rows };
  const text = renderText(report);
  process.stdout.write(text);
  if (values.results) {
    writeResults(found, "bodies", { txt: text, json: renderJson(report) });
  }
  if (rows.some(({ errors }) => errors.length > 0)) process.exitCode = 1;
}

async function bench(run: Run, mib: number, rounds: number): Promise<Row[]> {
  const peers: Started[] = [];
  for (const peer of [holdfast("bench/apps/bodies.ts"), nodeHttp("node-http-bodies.js")]) {
    const socket = join(run.folder, `${peer.id}.sock`);
    peers.push({ peer, socket, child: run.own(await peer.start(run, socket)) });
  }
  const apache = run.own(await startApache(run, peers));
  const pieces = (mib * MIB) / PIECE_BYTES;
  const digest = digestOf(pieces);
  const warmUpPieces = (WARM_UP_MIB * MIB) / PIECE_BYTES;
  const warmUpDigest = digestOf(warmUpPieces);

  const rows: Row[] = [];
  for (const peer of peers) {
    for (const direction of DIRECTIONS) await transfer(direction, urlOf(apache, peer), warmUpPieces, warmUpDigest);
  }
  const baselines = new Map(peers.map((peer) => [peer, baselineOf(peer.child.pid)]));
  const measured = peers.flatMap((peer) =>
    DIRECTIONS.map((direction) => ({ peer, direction, samples: [] as Sample[] })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { peer, direction, samples } of measured) {
      const end = watchMemory(baselines.get(peer) ?? new Map());
      const { seconds, error } = await transfer(direction, urlOf(apache, peer), pieces, digest);
      const growth = end();
      samples.push({
        mibPerSecond: mib / seconds,
        growthMib: growth.bytes / MIB,
        fromMib: growth.fromBytes / MIB,
        error,
      });
    }
  }
  for (const { peer, direction, samples } of measured) {
    rows.push({
      title: peer.peer.title,
      direction,
      mibPerSecond: spread(samples.map((sample) => sample.mibPerSecond)),
      growthMib: spread(samples.map((sample) => sample.growthMib)),
      fromMib: samples[0]?.fromMib ?? 0,
      errors: samples.flatMap(({ error }) => error ?? []),
    });
  }
  return rows;
}

interface Started extends Mounted {
  readonly child: Child;
}

interface Sample {
  readonly mibPerSecond: number;
  readonly growthMib: number;
  readonly fromMib: number;
  readonly error: string | undefined;
}

const urlOf = (apache: Apache, { peer }: Started) => `http://127.0.0.1:${apache.port}/${peer.id}/bodies`;

function renderText({ environment: env, mib, rounds, rows }: Report): string {
  const lines = rows.map(
    ({ title, direction, mibPerSecond, growthMib, fromMib, errors }) =>
      `${title.padEnd(26)}${direction.padEnd(6)}${mibPerSecond.median.toFixed(0).padStart(6)} ` +
      `(${mibPerSecond.min.toFixed(0)}–${mibPerSecond.max.toFixed(0)}) MiB/s   ` +
      `grew ${growthMib.median.toFixed(1)} (at most ${growthMib.max.toFixed(1)}) MiB from ${fromMib.toFixed(0)}   ` +
      (errors.length === 0 ? "exact" : `WRONG: ${errors.join("; ")}`),
  );
  return `Holdfast bench of bodies, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event); load before the run ${env.load.toFixed(1)}
${env.command}

${mib} MiB through Apache, ${rounds} rounds, sha256 at both ends; memory of the process that grew most.

${lines.join("\n")}
`;
}

await main(process.argv.slice(2));
