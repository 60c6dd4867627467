// `holdfast ping POOL`: does the pool's main thread answer, and how fast.

import { Command } from "commander";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { print, printable } from "../print.ts";

export function pingCommand(): Command {
  return new Command("ping")
    .description("ask a pool for a sign of life")
    .argument("<pool>", "its name in the configuration")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .action(async (pool: string, options: ControlOptions) => {
      const { path } = findSupervisor(options);
      const { ms } = await ask(path, { command: "ping", pool });
      print(`pong ${printable(pool)} ${ms.toFixed(1)} ms`);
    });
}
