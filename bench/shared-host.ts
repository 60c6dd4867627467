// `node dist/bench/shared-host.js`: many pools of as many users under one supervisor. How long until
// all of them serve, and what an idle one takes of the machine's memory. See README.md.

import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";
import { ask } from "../src/cli/control-client.ts";
import { askPool } from "./ask-pool.ts";
import { type Environment, environment } from "./environment.ts";
import { mappedBytes } from "./proc.ts";
import { renderJson, writeResults } from "./results.ts";
import { type Spread, spread } from "./statistics.ts";
import { serving, startSupervisor } from "./supervisor.ts";
import { REPOSITORY, type Run, withRun } from "./surroundings.ts";

const MIB = 1024 * 1024;
/** Numbers that no user database has. */
const FIRST_USER = 61_000;
/** Idle for so long before memory is looked at: until the pool has given back what it can (src/pool/tidying.ts). */
const SETTLE_MS = 20_000;

/** One size of pool. */
interface Variant {
  readonly title: string;
  /** As the configuration writes it. */
  readonly threads: string;
}

const VARIANTS: readonly Variant[] = [
  { title: "no worker while idle", threads: '{ min = 0, max = 1, idle_timeout = "1s" }' },
  { title: "one worker", threads: "1" },
  { title: "two workers", threads: "2" },
];

interface Row {
  readonly title: string;
  readonly readySeconds: number;
  /** Of the pool processes, in MiB. */
  readonly proportional: Spread;
  readonly resident: Spread;
  /** What only this process has, and what would come back if it ended. */
  readonly own: Spread;
  readonly totalMib: number;
  readonly supervisorMib: number;
}

interface Report {
  readonly environment: Environment;
  readonly pools: number;
  readonly rows: readonly Row[];
}

async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: { pools: { type: "string", default: "50" }, results: { type: "boolean", default: true } },
  });
  if (process.getuid?.() !== 0) throw new Fault("USAGE", "only root can start pools of other users");
  const pools = Number(values.pools);
  const found = environment(REPOSITORY, ["node dist/bench/shared-host.js", ...argv].join(" "));
  const rows: Row[] = [];
  for (const variant of VARIANTS) rows.push(await withRun((run) => measure(run, pools, variant)));
  const report: Report = { environment: found, pools, rows };
  const rendered = renderText(report);
  process.stdout.write(rendered);
  if (values.results) writeResults(found, "shared-host", { txt: rendered, json: renderJson(report) });
}

async function measure(run: Run, pools: number, { title, threads }: Variant): Promise<Row> {
  const users = Array.from({ length: pools }, (_, index) => FIRST_USER + index);
  const config = join(run.folder, "holdfast.toml");
  writeFileSync(config, configuration(run.folder, users, threads));
  const begun = performance.now();
  const { pid, log } = startSupervisor(run, config);
  await serving(log);
  const readySeconds = (performance.now() - begun) / 1000;

  const control = join(run.folder, "control.sock");
  for (const user of users) {
    // Each serves, as its user; what a first request loads is loaded.
    const answer = await askPool(join(run.folder, `${user}.sock`));
    if (answer !== String(user)) throw new Error(`the pool of ${user} answered ${JSON.stringify(answer)}`);
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const { status } = await ask(control, { command: "status" });
  const processes = status.pools.flatMap((pool) => pool.processes.map((process) => process.pid));
  if (processes.length !== pools) throw new Error(`${processes.length} processes of ${pools} pools`);
  const mib = (...names: string[]) => processes.map((process) => mappedBytes(process, ...names) / MIB);
  const proportional = mib("Pss");
  return {
    title,
    readySeconds,
    proportional: spread(proportional),
    resident: spread(mib("Rss")),
    own: spread(mib("Private_Clean", "Private_Dirty")),
    totalMib: proportional.reduce((sum, one) => sum + one, 0),
    supervisorMib: mappedBytes(pid, "Pss") / MIB,
  };
}

function configuration(folder: string, users: readonly number[], threads: string): string {
  const pools = users.map((user) => {
    const home = join(folder, String(user));
    mkdirSync(join(home, "cache"), { recursive: true });
    writeFileSync(join(home, "app.ts"), "export default () => new Response(String(process.getuid?.()));\n");
    for (const path of [home, join(home, "cache"), join(home, "app.ts")]) chownSync(path, user, user);
    chmodSync(home, 0o750);
    return [
      `[pools.user-${user}]`,
      `listen = "./${user}.sock"`,
      `user = "${user}"`,
      `app = "./${user}/app.ts"`,
      `threads = ${threads}`,
      `[pools.user-${user}.env]`,
      `CACHE_DIRECTORY = "${join(home, "cache")}"`,
    ].join("\n");
  });
  return ['[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"', ...pools, ""].join("\n");
}

function renderText({ environment: env, pools, rows }: Report): string {
  const range = ({ median, min, max }: Spread) => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const lines = rows.map(
    ({ title, readySeconds, proportional, resident, own, totalMib, supervisorMib }) =>
      `${title.padEnd(22)}${readySeconds.toFixed(1).padStart(6)} s  ${range(proportional).padEnd(20)}` +
      `${range(own).padEnd(20)}${range(resident).padEnd(20)}${totalMib.toFixed(0).padStart(6)}${supervisorMib.toFixed(0).padStart(12)}`,
  );
  const head =
    `${"idle pools with".padEnd(22)}${"ready".padStart(8)}  ${"proportional".padEnd(20)}${"its own".padEnd(20)}` +
    `${"resident".padEnd(20)}${"total".padStart(6)}${"supervisor".padStart(12)}`;
  return `Holdfast bench of a shared host, ${env.date}, commit ${env.commit}
${env.cpu}, ${env.cores} cores, ${env.kernel}, Node ${env.node}; load before the run ${env.load.toFixed(1)}
${env.command}

${pools} pools of ${pools} users under one supervisor, each asked once, then idle for ${SETTLE_MS / 1000} s.
MiB of one pool's process: median (least–most). "proportional" shares what several processes map among them (Pss),
"its own" is what nobody else has, "resident" counts shared pages in every process. "total" adds up the proportional.

${head}
${lines.join("\n")}
`;
}

await main(process.argv.slice(2));
