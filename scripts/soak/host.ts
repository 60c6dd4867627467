// What a soak runs against: `holdfast start` with two pools of the same app, and an Apache before them.
// `steady` is one process for the whole time; `renewed` is reloaded now and then.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Apache, startApache } from "../../bench/apache.ts";
import { type Child, startChild } from "../../bench/child.ts";
import { DEFAULTS, type Peer } from "../../bench/peer.ts";
import type { Run } from "../../bench/surroundings.ts";
import { ask } from "../../src/cli/control-client.ts";
import type { ReloadReport } from "../../src/messages/control.ts";
import { STILL } from "./load.ts";
import type { LogTally } from "./log-tally.ts";

export const POOLS = ["steady", "renewed"] as const;
export type PoolName = (typeof POOLS)[number];

const READY_TIMEOUT_MS = 20_000;
const RELOAD_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Whoever writes to a log that was renamed has opened the new one by then. */
const REOPEN_MS = 3000;
/** Answered by Apache itself. */
export const STILL_PATH = "/still.txt";
/** As `holdfast apache` writes them. */
const WORKER = "enablereuse=on flushpackets=auto retry=0";

export interface HostOptions {
  readonly recycleRequests: number;
  readonly recycleAgeMs: number;
}

export class Host {
  readonly #folder: string;
  readonly #child: Child;
  readonly apache: Apache;

  private constructor(folder: string, child: Child, apache: Apache) {
    this.#folder = folder;
    this.#child = child;
    this.apache = apache;
  }

  static async start(run: Run, options: HostOptions): Promise<Host> {
    const { folder, repository } = run;
    const config = join(folder, "holdfast.toml");
    writeFileSync(config, configuration(run, options));
    mkdirSync(join(folder, "www"));
    writeFileSync(join(folder, "www", STILL_PATH), STILL);
    const child = run.own(
      await startChild(
        {
          command: process.execPath,
          args: [join(repository, "bin/holdfast.js"), "start", "-c", config],
          logFile: join(folder, "holdfast.out"),
        },
        join(folder, `${POOLS[0]}.sock`),
      ),
    );
    const mounts = POOLS.map((id) => ({ peer: peer(id), socket: join(folder, `${id}.sock`) }));
    const host = new Host(folder, child, run.own(await startApache(run, mounts)));
    await host.#ready();
    return host;
  }

  get control(): string {
    return join(this.#folder, "control.sock");
  }

  /** Throws when the new generation does not serve. */
  async reload(pool: PoolName): Promise<ReloadReport> {
    return (await ask(this.control, { command: "reload", pool }, RELOAD_TIMEOUT_MS)).report;
  }

  /** Renames the logs, has them opened anew, and adds what the old one says to `tally`. */
  async rotateLogs(tally: LogTally): Promise<void> {
    const { log, accessLog } = this.#logs;
    for (const path of [log, accessLog]) renameSync(path, `${path}.old`);
    process.kill(this.#child.pid, "SIGUSR1");
    await delay(REOPEN_MS);
    tally.add(readFileSync(`${log}.old`, "utf8"));
    for (const path of [log, accessLog]) rmSync(`${path}.old`);
  }

  /** Ends the pools; then the rest of the log, and what was said beside it, go to `tally`. */
  async stop(tally: LogTally): Promise<void> {
    await this.#child.stop();
    tally.add(readFileSync(this.#logs.log, "utf8"));
    tally.add(readFileSync(join(this.#folder, "holdfast.out"), "utf8"));
  }

  /** Lines in which Apache reports more than that it began or ended. */
  get complaints(): readonly string[] {
    const lines = readFileSync(join(this.#folder, "apache.log"), "utf8").split("\n");
    return lines.filter((line) => line !== "" && !line.includes(":notice]"));
  }

  get #logs(): { readonly log: string; readonly accessLog: string } {
    return { log: join(this.#folder, "holdfast.log"), accessLog: join(this.#folder, "access.log") };
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const { pools } = (await ask(this.control, { command: "status" })).status;
      if (pools.every(({ state }) => state === "ready")) return;
      if (performance.now() > deadline) throw new Error(`not all pools are ready after ${READY_TIMEOUT_MS} ms`);
      await delay(POLL_MS);
    }
  }
}

const peer = (id: PoolName): Peer => ({
  ...DEFAULTS,
  id,
  title: id,
  worker: WORKER,
  missing: () => undefined,
  start: () => Promise.reject(new Error("both pools have one supervisor")),
});

function configuration({ folder, repository }: Run, { recycleRequests, recycleAgeMs }: HostOptions): string {
  const pools = POOLS.map(
    (name) => `[pools.${name}]
listen = "${join(folder, `${name}.sock`)}"
listen_mode = "0666"
app = "${join(repository, "scripts/soak/app.ts")}"
threads = 2
allow_root = true
access_log = "${join(folder, "access.log")}"
[pools.${name}.recycle]
max_requests = ${recycleRequests}
max_age = "${recycleAgeMs}ms"
`,
  );
  return `[supervisor]
control = "${join(folder, "control.sock")}"
log = "${join(folder, "holdfast.log")}"
log_format = "json"
${pools.join("")}`;
}
