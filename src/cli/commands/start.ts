// `holdfast start`: this process becomes the supervisor, in the foreground.

import { Command } from "commander";
import { findConfig, loadConfig } from "../../config/load.ts";
import { handleSignals, startSupervisor } from "../../supervisor/main.ts";
import { createLog, resolveLogFormat } from "../../telemetry/log.ts";
import { CONFIG_OPTION } from "../control-client.ts";

export function startCommand(): Command {
  return new Command("start")
    .description("start the pools of the configuration, in the foreground")
    .addOption(CONFIG_OPTION())
    .action(async (options: { config?: string }) => {
      const { config, warnings, files } = loadConfig(findConfig(options.config));
      process.title = "holdfast: supervisor";
      const { logFormat, logLevel } = config.supervisor;
      const log = createLog(resolveLogFormat(logFormat, process.stderr.isTTY === true), logLevel);
      for (const warning of warnings) log.warn(warning);
      const starting = startSupervisor(config, { log });
      // Before the first process is there, because a signal without a handler would leave it behind.
      const release = handleSignals(starting, log);
      try {
        const supervisor = await starting;
        supervisor.ready.then(
          () => log.info("serving", { config: files[0] }),
          () => {}, // `done` rejects with the same.
        );
        await supervisor.done;
      } finally {
        release();
      }
    });
}
