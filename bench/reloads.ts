// `node dist/bench/reloads.js`: reloads, and killed pool processes, under load through Apache on
// connections that it keeps. What is counted is what clients lose, and how much longer they wait. See
// README.md.

import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ask } from "../src/cli/control-client.ts";
import { proxyPassPath, startApache } from "./apache.ts";
import { type Environment, environment } from "./environment.ts";
import { HttpClients, type HttpReport } from "./http-clients.ts";
import { BODY } from "./peer.ts";
import { controlSocket, holdfast } from "./peers/holdfast.ts";
import { renderJson, writeResults } from "./results.ts";
import { type Spread, spread } from "./statistics.ts";
import { REPOSITORY, withRun } from "./surroundings.ts";

const SATURATING_SECONDS = 5;
const RELOAD_TIMEOUT_MS = 120_000;
/** For a killed process to be replaced; the promise is 1 s, ms. */
const RESPAWN_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
/** Of the reloads' p99 to that without. */
const P99_MAX_RATIO = 3;
const RESPAWN_MAX_MS = 1000;

interface Options {
  readonly reloads: number;
  readonly everyMs: number;
  readonly kills: number;
  readonly clients: number;
  readonly quietSeconds: number;
}

interface Kills {
  readonly count: number;
  /** Requests that failed, by kill: what was open, and what was asked while the kernel took the process apart. */
  readonly failures: Spread;
  /** Of these, asked for when the process was gone already. */
  readonly late: number;
  readonly respawnMs: Spread;
  /** Connects to the socket meanwhile, and how many of them were refused. */
  readonly connects: number;
  readonly refused: number;
}

interface Report {
  readonly environment: Environment;
  readonly options: Options;
  readonly saturatingPerSecond: number;
  readonly quiet: HttpReport;
  readonly reloading: HttpReport;
  readonly reloadMs: Spread;
  readonly kills: Kills;
  readonly broken: readonly string[];
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      reloads: { type: "string", default: "200" },
      every: { type: "string", default: "2000" },
      kills: { type: "string", default: "100" },
      clients: { type: "string", default: "32" },
      quiet: { type: "string", default: "30" },
      results: { type: "boolean", default: true },
    },
  });
  const options: Options = {
    reloads: Number(values.reloads),
    everyMs: Number(values.every),
    kills: Number(values.kills),
    clients: Number(values.clients),
    quietSeconds: Number(values.quiet),
  };
  const found = environment(REPOSITORY, ["node dist/bench/reloads.js", ...argv].join(" "));
  const report = await bench(options, found);
  const text = renderText(report);
  process.stdout.write(text);
  if (values.results) {
    writeResults(found, "reloads", { txt: text, json: renderJson(report) });
  }
  if (report.broken.length > 0) process.exitCode = 1;
}

function bench(options: Options, found: Environment): Promise<Report> {
  return withRun(async (run) => {
    const peer = holdfast();
    const socket = join(run.folder, `${peer.id}.sock`);
    run.own(await peer.start(run, socket));
    const apache = run.own(await startApache(run, [{ peer, socket }]));
    const control = controlSocket(run.folder, peer.id);
    const load = (requestsPerSecond?: number): HttpClients =>
      new HttpClients({
        port: apache.port,
        path: proxyPassPath(peer),
        clients: options.clients,
        body: BODY,
        ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
      });

    const saturating = await during(load(), SATURATING_SECONDS);
    const saturatingPerSecond = saturating.answered / saturating.seconds;
    const half = saturatingPerSecond / 2;
    const quiet = await during(load(half), options.quietSeconds);
    const { report: reloading, reloadMs } = await reloads(load(half), control, options);
    const kills = await killing(load(half), { control, socket }, options);
    const broken = [
      ...[saturating, quiet, reloading].flatMap(({ failures }) => failures.slice(0, 5)),
      ...(reloading.p99Ms > P99_MAX_RATIO * quiet.p99Ms ? [`p99 is more than ${P99_MAX_RATIO} times as long`] : []),
      ...(kills.late > 0 ? ["a kill cost a request that was asked for after it"] : []),
      ...(kills.refused > 0 ? ["a connect was refused"] : []),
      ...(kills.respawnMs.max > RESPAWN_MAX_MS ? ["a process was not replaced within a second"] : []),
    ];
    return { environment: found, options, saturatingPerSecond, quiet, reloading, reloadMs, kills, broken };
  });
}

async function during(clients: HttpClients, seconds: number): Promise<HttpReport> {
  await delay(seconds * 1000);
  return clients.stop();
}

async function reloads(
  clients: HttpClients,
  control: string,
  { reloads: count, everyMs }: Options,
): Promise<{ report: HttpReport; reloadMs: Spread }> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const next = performance.now() + everyMs;
    times.push((await ask(control, { command: "reload" }, RELOAD_TIMEOUT_MS)).report.ms);
    await delay(Math.max(0, next - performance.now()));
  }
  return { report: await clients.stop(), reloadMs: spread(times) };
}

async function killing(
  clients: HttpClients,
  { control, socket }: { readonly control: string; readonly socket: string },
  { kills: count, clients: open }: Options,
): Promise<Kills> {
  const probe = new ConnectProbe(socket);
  const respawns: number[] = [];
  const failures: number[] = [];
  let late = 0;
  for (let n = 0; n < count; n++) {
    const answered = clients.answered;
    while (clients.answered < answered + 10 * open) await delay(POLL_MS);
    const [pid] = await readyPids(control);
    if (pid === undefined) throw new Error("no pool process is ready");
    const failed = clients.failures.length;
    const killedAt = performance.now();
    process.kill(pid, "SIGKILL");
    await until(async () => !existsSync(`/proc/${pid}`), RESPAWN_TIMEOUT_MS);
    const goneAt = performance.now();
    await until(async () => {
      const pids = await readyPids(control);
      return pids.length > 0 && !pids.includes(pid);
    }, RESPAWN_TIMEOUT_MS);
    respawns.push(performance.now() - killedAt);
    const served = clients.answered;
    while (clients.answered < served + open) await delay(POLL_MS);
    failures.push(clients.failures.length - failed);
    late += clients.failedSince(goneAt);
  }
  await clients.stop();
  const { connects, refused } = await probe.stop();
  return { count, failures: spread(failures), late, respawnMs: spread(respawns), connects, refused };
}

/** Processes of the pool that answer for themselves. */
async function readyPids(control: string): Promise<readonly number[]> {
  const { status } = await ask(control, { command: "status" });
  return status.pools.flatMap(({ processes }) =>
    processes.filter((process) => !("state" in process)).map(({ pid }) => pid),
  );
}

async function until(look: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${look}`);
    await delay(POLL_MS);
  }
}

/** Connects to a socket again and again, and counts how often nobody was there. */
class ConnectProbe {
  connects = 0;
  refused = 0;
  readonly #socket: string;
  readonly #done: Promise<void>;
  #stopping = false;

  constructor(socket: string) {
    this.#socket = socket;
    this.#done = this.#run();
  }

  async stop(): Promise<{ readonly connects: number; readonly refused: number }> {
    this.#stopping = true;
    await this.#done;
    return this;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.connects++;
      if (!(await this.#connects())) this.refused++;
      await delay(1);
    }
  }

  #connects(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#socket);
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
}

function renderText({
  environment: env,
  options,
  saturatingPerSecond,
  quiet,
  reloading,
  reloadMs,
  kills,
  broken,
}: Report): string {
  const latencies = ({ p50Ms, p99Ms, maxMs }: HttpReport): string =>
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${maxMs.toFixed(0)} ms`;
  const range = ({ median, min, max }: Spread, digits = 0): string =>
    `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
  return `Holdfast reloads under load, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event); load before the run ${env.load.toFixed(1)}
${env.command}

${options.clients} clients through Apache on kept connections; saturating rate ${saturatingPerSecond.toFixed(0)}/s, load at half of it.

without reloads      ${quiet.answered} answered, ${quiet.failures.length} failed; ${latencies(quiet)}
${options.reloads} reloads, one every ${options.everyMs} ms
                     ${reloading.answered} answered, ${reloading.failures.length} failed; ${latencies(reloading)}
                     p99 ${(reloading.p99Ms / quiet.p99Ms).toFixed(2)} times as long; a reload takes ${range(reloadMs)} ms
${kills.count} pool processes killed
                     ${range(kills.failures)} requests failed by each, of ${options.clients} clients; ${kills.late} asked for when it was gone
                     replaced within ${range(kills.respawnMs)} ms; ${kills.connects} connects meanwhile, ${kills.refused} refused

${broken.length === 0 ? "every promise kept" : `BROKEN: ${broken.join("; ")}`}
`;
}

await main(process.argv.slice(2));
