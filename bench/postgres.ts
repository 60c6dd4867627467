// Where PostgreSQL's programs are, and the command lines of a server that nobody else uses. It refuses to run as root,
// so root says as whom.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Cluster {
  /** The folder of its programs. */
  readonly programs: string;
  /** Its data; of the account, and for nobody else. */
  readonly data: string;
  /** Its one superuser, without a password. */
  readonly user: string;
  /** Undefined: as this process. */
  readonly account: Account | undefined;
}

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** The folder of the newest one's programs: Debian keeps them off the PATH. */
export function findPostgres(): string | undefined {
  const versions = "/usr/lib/postgresql";
  const named = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...named.map((version) => join(versions, version, "bin")), ...(process.env.PATH ?? "").split(":")];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

export function initialise(cluster: Cluster): CommandLine {
  return commandLine(cluster, "initdb", [
    ...["-U", cluster.user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
  ]);
}

/** `where`: the options that say where it listens. */
export function serve(cluster: Cluster, where: readonly string[]): CommandLine {
  return commandLine(cluster, "postgres", [...where, "-F"]);
}

// setpriv becomes the program, so the child's pid is the program's.
function commandLine({ programs, data, account }: Cluster, program: string, more: readonly string[]): CommandLine {
  const command = join(programs, program);
  const args = ["-D", data, ...more];
  if (account === undefined) return { command, args };
  const become = [`--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups", command];
  return { command: "setpriv", args: [...become, ...args] };
}
