// The stores of sessions, each a real server where it needs one.

import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child.ts";
import type { Run } from "../surroundings.ts";
import { which } from "../which.ts";

export interface Store {
  readonly id: "memory" | "file" | "sqlite" | "redis" | "postgres";
  /** Lines of [pools.NAME.session]. */
  readonly settings: string;
}

export interface Stores {
  readonly stores: readonly Store[];
  readonly missing: readonly string[];
}

const POSTGRES_PORT = 5432;

export async function startStores(run: Run): Promise<Stores> {
  const stores: Store[] = [
    { id: "memory", settings: "" },
    { id: "file", settings: `path = "${join(run.folder, "sessions")}"` },
    { id: "sqlite", settings: `path = "${join(run.folder, "sessions.sqlite")}"` },
  ];
  const missing: string[] = [];
  const redis = await startRedis(run);
  if (redis === undefined) missing.push("sessions in Redis: no redis-server or valkey-server");
  else stores.push({ id: "redis", settings: `url = "${redis}"` });
  const postgres = await startPostgres(run);
  if (postgres === undefined) missing.push("sessions in PostgreSQL: no postgres, or nobody to run it as");
  else stores.push({ id: "postgres", settings: `url = "${postgres}"` });
  return { stores, missing };
}

async function startRedis(run: Run): Promise<string | undefined> {
  const program = which("valkey-server", "redis-server");
  if (program === undefined) return undefined;
  const socket = join(run.folder, "redis.sock");
  run.own(
    await startChild(
      {
        command: program,
        args: ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", run.folder],
        logFile: join(run.folder, "redis.out"),
      },
      socket,
    ),
  );
  return `unix://${socket}`;
}

/** It refuses to run as root. */
async function startPostgres(run: Run): Promise<string | undefined> {
  const programs = postgresPrograms();
  if (programs === undefined) return undefined;
  const data = join(run.folder, "postgres");
  mkdirSync(data, { mode: 0o700 });
  const prefix =
    run.user === undefined ? [] : ["setpriv", "--reuid", run.user.name, "--regid", run.user.group, "--clear-groups"];
  if (run.user !== undefined) chownSync(data, id("-u", run.user.name), id("-g", run.user.name));
  const command = (...args: string[]): readonly [string, readonly string[]] => {
    const [first = "", ...rest] = [...prefix, ...args];
    return [first, rest];
  };
  const [initialise, how] = command(
    join(programs, "initdb"),
    "-D",
    data,
    "-U",
    "bench",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "--no-sync",
  );
  execFileSync(initialise, how, { cwd: "/", stdio: ["ignore", "ignore", "inherit"] });
  const [server, args] = command(
    join(programs, "postgres"),
    "-D",
    data,
    "-k",
    data,
    "-h",
    "",
    "-p",
    String(POSTGRES_PORT),
    "-F",
  );
  run.own(
    await startChild(
      { command: server, args, logFile: join(run.folder, "postgres.out"), stopSignal: "SIGINT" },
      join(data, `.s.PGSQL.${POSTGRES_PORT}`),
    ),
  );
  return `postgres://bench@localhost/postgres?host=${encodeURIComponent(data)}`;
}

function id(what: string, name: string): number {
  return Number(execFileSync("id", [what, name], { encoding: "utf8" }));
}

/** Debian keeps them off the PATH. */
function postgresPrograms(): string | undefined {
  const base = "/usr/lib/postgresql";
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(base, version, "bin")).find((folder) => existsSync(join(folder, "initdb")));
}
