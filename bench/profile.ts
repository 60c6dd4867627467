// `node dist/bench/profile.js`: where the processor's time goes while Holdfast answers the small reply, through
// Apache and straight at the socket: by thread, user and kernel; and in JavaScript, as a flame graph. See README.md.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";
import { proxyPassPath, startApache } from "./apache.ts";
import { compile, compilerMissing } from "./compile.ts";
import { type Environment, environment } from "./environment.ts";
import { type Call, type CpuProfile, fold, hottest, renderFlames } from "./flame.ts";
import { holdfast } from "./peers/holdfast.ts";
import { commandLine, processTree, type ThreadTime, threadTimes } from "./proc.ts";
import { renderJson, writeResults } from "./results.ts";
import { socketLoad } from "./socket-load.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";
import { httpLoad } from "./wrk.ts";

const WARM_UP_SECONDS = 3;
/** V8 takes a sample so often, µs: of a small reply's functions few take longer. */
const INTERVAL_MICROS = 250;
const HTTP_CLIENTS = 32;
const SOCKET_CONNECTIONS = 16;
const HOTTEST = 25;

interface Way {
  readonly id: "apache" | "socket";
  readonly title: string;
}

const WAYS: readonly Way[] = [
  { id: "apache", title: `through Apache, ${HTTP_CLIENTS} kept clients` },
  { id: "socket", title: `straight at the socket, ${SOCKET_CONNECTIONS} connections` },
];

interface Thread {
  readonly name: string;
  /** In the flame graph; undefined for threads that run no JavaScript. */
  readonly root: Call | undefined;
  /** Of one request, µs, without the profiler's share told apart. */
  readonly userMicros: number;
  readonly kernelMicros: number;
}

interface Profiled {
  readonly way: Way;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly threads: readonly Thread[];
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: { seconds: { type: "string", default: "10" }, results: { type: "boolean", default: true } },
  });
  const missing = compilerMissing();
  if (missing !== undefined) throw new Fault("USAGE", `no load for the socket: ${missing}`);
  const found = environment(REPOSITORY, ["node dist/bench/profile.js", ...argv].join(" "));
  const profiled: Profiled[] = [];
  for (const way of WAYS) profiled.push(await withRun((run) => profile(run, way, Number(values.seconds))));
  const text = renderText(found, profiled);
  process.stdout.write(text);
  if (!values.results) return;
  writeResults(found, "profile", { txt: text, json: renderJson({ environment: found, ways: profiled.map(asData) }) });
  for (const each of profiled) writeResults(found, `profile-${each.way.id}`, { svg: flamesOf(each) });
}

async function profile(run: Run, way: Way, seconds: number): Promise<Profiled> {
  const folder = join(run.folder, "profiles");
  mkdirSync(folder);
  const options = `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=${INTERVAL_MICROS}`;
  const peer = holdfast(undefined, { env: { NODE_OPTIONS: options } });
  const socket = join(run.folder, "holdfast.sock");
  const child = await peer.start(run, socket);
  let ended = false;
  try {
    const ask = await asker(run, way, { peer, socket });
    await ask(WARM_UP_SECONDS);
    const pid = processTree(child.pid).find((one) => commandLine(one).startsWith("holdfast: pool"));
    if (pid === undefined) throw new Error("the pool has no process");
    const before = threadTimes(pid);
    const began = Date.now();
    const load = await ask(seconds);
    if (load.errors.length > 0) throw new Error(`the load was not answered: ${load.errors[0]}`);
    const after = threadTimes(pid);
    ended = true;
    await child.stop();
    return {
      way,
      requests: load.requests,
      requestsPerSecond: load.requests / load.seconds,
      threads: threadsOf(before, after, load.requests, readProfiles(folder, pid, began)),
    };
  } finally {
    if (!ended) await child.stop();
  }
}

async function asker(run: Run, way: Way, mounted: Parameters<typeof startApache>[1][number]) {
  const { repository } = run;
  if (way.id === "apache") {
    const { port } = run.own(await startApache(run, [mounted]));
    const path = proxyPassPath(mounted.peer);
    return (seconds: number) => httpLoad({ port, path, clients: HTTP_CLIENTS, seconds, repository });
  }
  const program = compile(join(repository, "bench/load.c"), run.folder);
  const { socket } = mounted;
  return (seconds: number) =>
    socketLoad({ program, socket, connections: SOCKET_CONNECTIONS, seconds, kind: "kept" as const });
}

/** Of the pool's process, by the number of the thread in Node: 0 is the main thread. */
function readProfiles(folder: string, pid: number, sinceMs: number): ReadonlyMap<number, Call> {
  const calls = new Map<number, Call>();
  for (const name of readdirSync(folder)) {
    // CPU.date.time.pid.thread.sequence.cpuprofile
    const [, , , process, thread] = name.split(".");
    if (Number(process) !== pid) continue;
    const read = JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile & { readonly startTime: number };
    // [startTime] is of a monotonic clock of its own; the end is now.
    const totalMicros = read.timeDeltas.reduce((sum, delta) => sum + delta, 0);
    const skip = Math.max(0, totalMicros - (Date.now() - sinceMs) * 1000);
    calls.set(Number(thread), fold(read, skip, shortened));
  }
  return calls;
}

const BASE = pathToFileURL(`${REPOSITORY}/dist/`).href;

function shortened(url: string): string {
  const own = url.startsWith(BASE) ? url.slice(BASE.length) : url;
  return own.startsWith("file:") ? own.slice(own.indexOf("node_modules")) : own;
}

function threadsOf(
  before: ReadonlyMap<number, ThreadTime>,
  after: ReadonlyMap<number, ThreadTime>,
  requests: number,
  profiles: ReadonlyMap<number, Call>,
): Thread[] {
  const sums = new Map<string, { user: number; kernel: number; ids: number[] }>();
  for (const [id, { name, userMicros, kernelMicros, isMain }] of after) {
    const key = isMain ? "main thread" : name === "WorkerThread" ? `worker ${id}` : "V8 and libuv";
    const sum = sums.get(key) ?? { user: 0, kernel: 0, ids: [] };
    sum.user += userMicros - (before.get(id)?.userMicros ?? 0);
    sum.kernel += kernelMicros - (before.get(id)?.kernelMicros ?? 0);
    sum.ids.push(id);
    sums.set(key, sum);
  }
  // Node numbers its workers in the order in which the kernel did.
  const workers = [...sums.keys()].filter((key) => key.startsWith("worker ")).sort((a, b) => order(a) - order(b));
  const numbers = [...profiles.keys()].filter((number) => number > 0).sort((a, b) => a - b);
  return [...sums].map(([key, { user, kernel }]) => {
    const at = workers.indexOf(key);
    const number = key === "main thread" ? 0 : numbers[numbers.length - workers.length + at];
    return {
      name: at < 0 ? key : `worker ${at + 1}`,
      root: at < 0 && number !== 0 ? undefined : profiles.get(number ?? -1),
      userMicros: user / requests,
      kernelMicros: kernel / requests,
    };
  });
}

const order = (key: string) => Number(key.slice("worker ".length));

function flamesOf({ way, requests, requestsPerSecond, threads }: Profiled): string {
  const perRequest = (micros: number): string => `${(micros / requests).toFixed(2)} µs per request`;
  const title = `Holdfast, ${way.title}: ${Math.round(requestsPerSecond)} requests a second while it is profiled`;
  const drawn = threads.flatMap(({ name, root }) =>
    root === undefined ? [] : [{ title: `${name}: ${perRequest(root.total)} that were not idle`, root }],
  );
  return renderFlames(title, drawn, perRequest);
}

function renderText(env: Environment, profiled: readonly Profiled[]): string {
  const head = `Holdfast profile, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}, Apache ${env.apache} (event); load before the run ${env.load.toFixed(1)}
${env.command}

Microseconds of one request. User and kernel: what Linux counts for the thread, which V8's own sampling makes more.
`;
  return `${head}${profiled.map(renderWay).join("")}`;
}

function renderWay({ way, requests, requestsPerSecond, threads }: Profiled): string {
  const times = threads
    .filter(({ userMicros, kernelMicros }) => userMicros + kernelMicros >= 0.05)
    .map(
      ({ name, userMicros, kernelMicros }) =>
        `${name.padEnd(14)} ${userMicros.toFixed(1).padStart(6)} ${kernelMicros.toFixed(1).padStart(8)}`,
    );
  const functions = threads.flatMap(({ name, root }) => {
    if (root === undefined || root.total / requests < 0.05) return [];
    const rows = hottest(root)
      .slice(0, HOTTEST)
      .map(
        ({ micros, name: called, file }) =>
          `${(micros / requests).toFixed(2).padStart(7)} ${((100 * micros) / root.total).toFixed(1).padStart(5)} %  ${called} ${file}`,
      );
    return [`\n${name}, each function in itself\n${rows.join("\n")}\n`];
  });
  return `
== ${way.title}: ${Math.round(requestsPerSecond)} requests a second while it is profiled

thread           user   kernel
${times.join("\n")}
${functions.join("")}`;
}

function asData({ way, requests, requestsPerSecond, threads }: Profiled) {
  return {
    way: way.id,
    requests,
    requestsPerSecond,
    threads: threads.map(({ name, userMicros, kernelMicros, root }) => ({
      name,
      userMicros,
      kernelMicros,
      functions: (root === undefined ? [] : hottest(root))
        .slice(0, 100)
        .map((each) => ({ ...each, micros: each.micros / requests })),
    })),
  };
}

await main(process.argv.slice(2));
