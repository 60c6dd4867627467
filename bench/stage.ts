// Everything that runs while one setting is measured: the peers that are here, the Apache that they stand behind, one
// more for each peer that cannot share it, and the database.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { Fault } from "../src/base/fault.ts";
import { type Apache, startApache } from "./apache.ts";
import { compile, compilerMissing } from "./compile.ts";
import { startPostgres } from "./model/stores.ts";
import { type Additions, type ApachePeer, isApachePeer, type Peer, type Setting } from "./peer.ts";
import { peersOf } from "./peers/index.ts";
import { commandLine, processTree } from "./proc.ts";
import type { Run } from "./surroundings.ts";
import type { RunningPeer } from "./targets.ts";
import { THING, type Workload } from "./workload.ts";

/** cannot_connect_now [PostgreSQL, appendix A]. */
const STARTING_UP = "57P03";
const DATABASE_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

export interface Missing {
  readonly title: string;
  readonly reason: string;
}

export interface Stage {
  readonly running: readonly RunningPeer[];
  readonly missing: readonly Missing[];
  readonly leftOut: readonly string[];
  /** The compiled load.c; undefined where there is no compiler. */
  readonly loader: string | undefined;
}

export interface Wish {
  readonly workload: Workload;
  readonly workers: number;
  /** Whether a peer of this id is asked for. */
  wanted(id: string): boolean;
}

export async function setStage(run: Run, { workload, workers, wanted }: Wish): Promise<Stage> {
  const database = workload === "json" ? await startDatabase(run) : undefined;
  const setting: Setting = { workload, workers, database };
  const { peers, leftOut } = peersOf(setting);
  const missing: Missing[] = [];
  const here = peers.filter((peer) => {
    const reason = wanted(peer.id) ? peer.missing() : undefined;
    if (reason !== undefined) missing.push({ title: peer.title, reason });
    return wanted(peer.id) && reason === undefined;
  });
  if (here.length === 0) throw new Fault("USAGE", `nothing to measure: no peer of --only does ${workload}`);
  const mounts: { peer: Peer; socket: string; pid: number }[] = [];
  for (const peer of here) {
    if (isApachePeer(peer)) continue;
    const socket = join(run.folder, `${peer.id}.sock`);
    mounts.push({ peer, socket, pid: run.own(await peer.start(run, socket)).pid });
  }
  const guests = here.filter(isApachePeer);
  const together = guests.filter(({ apart }) => apart !== true);
  const apache = run.own(await startApache(run, mounts, sum(together.map((peer) => peer.additions(run)))));
  const running: RunningPeer[] = mounts.map(({ peer, socket, pid }) => {
    return { peer, socket, apache, pids: () => processTree(pid) };
  });
  for (const peer of guests) {
    const own = together.includes(peer) ? apache : run.own(await startApart(run, peer));
    running.push({ peer, socket: "", apache: own, pids: () => processesOf(peer, own) });
  }
  const reason = compilerMissing();
  if (reason !== undefined) missing.push({ title: "straight at the socket", reason });
  const loader = reason === undefined ? compile(join(run.repository, "bench/load.c"), run.folder) : undefined;
  return { running, missing, leftOut, loader };
}

async function startDatabase(run: Run): Promise<string> {
  const database = await startPostgres(run);
  if (database === undefined) {
    throw new Fault("LISTEN", "no PostgreSQL for the workload json", { hint: "apt-get install postgresql" });
  }
  const client = await connected(database);
  await client.query("CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL, price int NOT NULL)");
  await client.query("INSERT INTO things VALUES ($1, $2, $3)", [THING.id, THING.name, THING.price]);
  await client.end();
  return database;
}

/** It accepts connections before it takes queries. */
async function connected(connectionString: string): Promise<pg.Client> {
  const deadline = performance.now() + DATABASE_TIMEOUT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end();
      if ((error as { code?: string }).code !== STARTING_UP || performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

function startApart(run: Run, peer: ApachePeer): Promise<Apache> {
  const folder = join(run.folder, `${peer.id}-apache`);
  mkdirSync(join(folder, "www"), { recursive: true });
  return startApache({ ...run, folder }, [], peer.additions({ ...run, folder }));
}

function processesOf({ processes }: ApachePeer, { pid }: Apache): readonly number[] {
  if (processes === undefined) return [];
  return processTree(pid).filter((one) => commandLine(one).includes(processes));
}

function sum(additions: readonly Additions[]): Additions {
  return {
    modules: additions.flatMap(({ modules }) => modules),
    text: [...new Set(additions.flatMap(({ text }) => text))].join("\n"),
  };
}
