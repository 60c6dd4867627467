// `holdfast ping [POOL]`: does the pool's main thread answer, and how fast. Without a name it is a health
// check: every pool has to answer.

import { Command } from "commander";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { print, printable } from "../print.ts";

export function pingCommand(): Command {
  return new Command("ping")
    .description("ask a pool, or every one, for a sign of life")
    .argument("[pool]", "its name in the configuration (default: all of them)")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .action(async (pool: string | undefined, options: ControlOptions) => {
      const { path } = findSupervisor(options);
      const names = pool === undefined ? await poolsOf(path) : [pool];
      // One after the other: the control socket has room for few clients, and others want in.
      for (const name of names) {
        const { pool, ms } = await ask(path, { command: "ping", pool: name });
        print(`pong ${printable(pool)} ${ms.toFixed(1)} ms`);
      }
    });
}

async function poolsOf(path: string): Promise<readonly string[]> {
  const { status } = await ask(path, { command: "status" });
  return status.pools.map(({ name }) => name);
}
