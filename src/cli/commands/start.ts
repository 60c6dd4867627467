// `holdfast start`: this process becomes the supervisor, in the foreground.

import { resolve } from "node:path";
import { Command } from "commander";
import { findConfig, type Loaded, loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import {
  closeInherited,
  handleSignals,
  LogOutputs,
  openNotifier,
  Predecessor,
  startSupervisor,
  takeInheritedSockets,
} from "../../supervisor/main.ts";
import { choosePools } from "../choose-pools.ts";
import { CONFIG_OPTION, CONTROL_OPTION, type ControlOptions } from "../control-client.ts";

interface Options extends ControlOptions {
  readonly pool?: string;
}

export function startCommand(): Command {
  return new Command("start")
    .description("start the pools of the configuration, in the foreground")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .option("--pool <name>", "only this pool, for a service of its own")
    .action(async (options: Options) => {
      const file = findConfig(options.config);
      const reread = (): Loaded => {
        const loaded = loadConfig(file);
        return { ...loaded, config: narrow(loaded.config, options) };
      };
      const { config, warnings, files } = reread();
      process.title = "holdfast: supervisor";
      const logs = new LogOutputs(config.supervisor);
      const { log } = logs;
      for (const warning of warnings) log.warn(warning);
      const inherited = takeInheritedSockets(process.env, log);
      const notifier = openNotifier(process.env, log);
      const predecessor = Predecessor.find(process.env);
      const closed = closeInherited();
      if (closed.length > 0) log.debug("closed descriptors that pools would have inherited", { descriptors: closed });
      const starting = startSupervisor(config, {
        logs,
        inherited,
        notifier,
        reread,
        predecessor,
        replaceable: true,
      });
      // Before the first process is there, because a signal without a handler would leave it behind.
      const release = handleSignals(starting, log);
      let succeeded = false;
      try {
        const supervisor = await starting;
        supervisor.ready.then(
          () => log.info("serving", { config: files[0] }),
          () => {}, // `done` rejects with the same.
        );
        await supervisor.done;
        succeeded = supervisor.succeeded;
      } finally {
        release();
        predecessor?.letGo();
        await notifier.close();
      }
      // A process that ends by itself closes what it has bound, and Node then removes the paths.
      if (succeeded) process.exit(0);
    });
}

function narrow({ supervisor, pools }: Config, { pool, control }: Options): Config {
  return {
    supervisor: control === undefined ? supervisor : { ...supervisor, control: resolve(control) },
    pools: choosePools(pools, pool),
  };
}
