// The stores of sessions, each a real server where it needs one.

import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child.ts";
import { type Account, findPostgres, initialise, serve } from "../postgres.ts";
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
/** One for each child of php-fpm, and more. */
const CONNECTIONS = 300;

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

export async function startPostgres(run: Run): Promise<string | undefined> {
  const programs = findPostgres();
  if (programs === undefined) return undefined;
  const data = join(run.folder, "postgres");
  mkdirSync(data, { mode: 0o700 });
  const account = run.user === undefined ? undefined : accountOf(run.user.name);
  if (account !== undefined) chownSync(data, account.uid, account.gid);
  const cluster = { programs, data, user: "bench", account };
  const { command, args } = initialise(cluster);
  execFileSync(command, args, { cwd: "/", stdio: ["ignore", "ignore", "inherit"] });
  const server = serve(cluster, ["-k", data, "-h", "", "-p", String(POSTGRES_PORT), "-N", String(CONNECTIONS)]);
  run.own(
    await startChild(
      { ...server, logFile: join(run.folder, "postgres.out"), stopSignal: "SIGINT" },
      join(data, `.s.PGSQL.${POSTGRES_PORT}`),
    ),
  );
  return `postgres://bench@localhost/postgres?host=${encodeURIComponent(data)}`;
}

function accountOf(name: string): Account {
  const id = (what: string): number => Number(execFileSync("id", [what, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
