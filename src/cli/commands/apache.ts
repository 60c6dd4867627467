// `holdfast apache`: prints what belongs into Apache's configuration for the pools of FILE.

import { resolve } from "node:path";
import { Command, Option } from "commander";
import { findConfig, loadConfig } from "../../config/load.ts";
import { type ApacheLayout, LAYOUTS, renderApache } from "../../deploy/apache.ts";
import { choosePools } from "../choose-pools.ts";
import { CONFIG_OPTION } from "../control-client.ts";
import { printable, printError } from "../print.ts";
import { unguardedFiles } from "../unguarded-files.ts";

interface Options {
  readonly config?: string;
  readonly layout?: ApacheLayout;
  readonly pool?: string;
  readonly documentRoot?: string;
}

export function apacheCommand(): Command {
  return new Command("apache")
    .description("print Apache configuration for the pools of the configuration")
    .addOption(CONFIG_OPTION())
    .addOption(
      new Option("--layout <layout>", "how pools are mounted (default: files for a root, prefix for an app)").choices(
        LAYOUTS,
      ),
    )
    .option("--pool <name>", "only this pool")
    .option("--document-root <folder>", "folder of static files for front-controller (default: the pool's root)")
    .action((options: Options) => {
      const { config } = loadConfig(findConfig(options.config));
      const { layout, documentRoot } = options;
      const pools = choosePools(config.pools, options.pool);
      const chosen = {
        ...(layout === undefined ? {} : { layout }),
        ...(documentRoot === undefined ? {} : { documentRoot: resolve(documentRoot) }),
      };
      process.stdout.write(renderApache(pools, chosen));
      for (const warning of unguardedFiles(pools, chosen)) printError(`warning: ${printable(warning)}`);
    });
}
