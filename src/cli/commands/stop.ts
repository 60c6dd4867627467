// `holdfast stop`: returns when everything has ended.

import { Command } from "commander";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { print } from "../print.ts";

/** The longest stop_timeout that a configuration may ask for, when we do not know it, ms. */
const LONGEST_STOP_MS = 24 * 3_600_000;
/** For the supervisor to end what passed its deadline, and to answer, ms. */
const MARGIN_MS = 10_000;

export function stopCommand(): Command {
  return new Command("stop")
    .description("stop the supervisor and its pools, when their open requests are answered")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .action(async (options: ControlOptions) => {
      const { path, stopTimeoutMs } = findSupervisor(options);
      await ask(path, { command: "stop" }, (stopTimeoutMs ?? LONGEST_STOP_MS) + MARGIN_MS);
      print("stopped");
    });
}
