// The command line and the environment with which a pool process begins.

import type { Environment } from "./environment.ts";
import { asIdentity, type Identity } from "./identity.ts";

/**
 * The whole heap of a thread is not collected before it has this size, buffers included: bodies that stream would have V8
 * do that many times a second (docs/decisions/0041-first-bound-of-the-heap.md). An option of V8, not of Node.
 */
const INITIAL_OLD_SPACE_MIB = 32;

interface PoolProgram {
  readonly entry: string;
  readonly identity: Identity | undefined;
  readonly environment: Environment;
}

/** `entry` is the path of the program to run. */
export function poolCommand({ entry, identity, environment }: PoolProgram): {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
} {
  const argv: readonly [string, ...string[]] = [
    process.execPath,
    // Until it has a listener of its own, Node would open its inspector to whoever may send it SIGUSR1.
    "--disable-sigusr1",
    `--initial-old-space-size=${INITIAL_OLD_SPACE_MIB}`,
    entry,
  ];
  if (identity === undefined) return { command: argv[0], args: argv.slice(1), env: { ...environment } };
  // setpriv still runs as root: the dynamic loader must not obey the app's variables until it is done.
  const entries = Object.entries(environment);
  const late = entries.filter(([name]) => name.startsWith("LD_")).map(([name, value]) => `${name}=${value}`);
  const [command, ...args] = asIdentity(identity, late.length === 0 ? argv : ["/usr/bin/env", ...late, ...argv]);
  return { command, args, env: Object.fromEntries(entries.filter(([name]) => !name.startsWith("LD_"))) };
}
