// The process of a pool as the system sees it: its program, its descriptors, its folder; and what it is told
// first, which says which descriptor is what.

import { type ChildProcess, spawn } from "node:child_process";
import type { PoolConfig } from "../config/schema.ts";
import type { PoolUser, ToPool } from "../messages/lifecycle.ts";
import type { Environment } from "./environment.ts";
import type { Identity } from "./identity.ts";
import { poolCommand } from "./pool-command.ts";
import type { PoolLog } from "./pool-log.ts";

/** The descriptor under which the child finds the listening socket: after stdio and the IPC channel. */
const LISTEN_FD = 4;
/** …and behind it, if there is one, the pipe of the access log. */
const ACCESS_FD = 5;

export interface PoolProcess {
  readonly pool: PoolConfig;
  readonly generation: number;
  /** Our descriptor of the bound socket. */
  readonly listenFd: number;
  readonly log: PoolLog;
  readonly environment: Environment;
  readonly identity: Identity | undefined;
  /** The program to run, a path. */
  readonly entry: string;
  /** Others serve until it does. */
  readonly replaces: boolean;
}

/** Throws where there are no descriptors or no memory; a program that is not there is told by its "error". */
export function spawnPool({ pool, listenFd, log, entry, identity, environment }: PoolProcess): ChildProcess {
  const { command, args, env } = poolCommand({ entry, identity, environment });
  const child = spawn(command, args, {
    stdio: ["ignore", log.stdio, log.stdio, "ipc", listenFd, ...log.accessStdio],
    env,
    ...(pool.chdir === undefined ? {} : { cwd: pool.chdir }),
  });
  log.attach(child, ACCESS_FD);
  return child;
}

/** What it waits for before it does anything. */
export function configuration(of: PoolProcess): ToPool {
  const { pool, generation, log, replaces } = of;
  const settings = log.settings(ACCESS_FD);
  return { kind: "configure", pool, generation, fd: LISTEN_FD, log: settings, replaces, ...poolUser(of) };
}

function poolUser({ identity, pool }: PoolProcess): { user?: PoolUser } {
  if (identity === undefined) return {};
  const { uid, gid, groups } = identity;
  return { user: { uid, gid, ...(groups === undefined ? {} : { groups }), rootGroup: pool.allowRoot } };
}
