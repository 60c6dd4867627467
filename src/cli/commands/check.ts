// `holdfast check`: every mistake in the configuration at once.

import { Command, Option } from "commander";
import { findConfig, loadConfig } from "../../config/load.ts";
import { renderJsonSchema, renderToml, writeConfig } from "../../config/render.ts";
import { accountFaults } from "../../supervisor/main.ts";
import { CONFIG_OPTION } from "../control-client.ts";
import { print, printable, printError } from "../print.ts";

interface Options {
  readonly config?: string;
  readonly print?: true | "toml" | "json";
  readonly schema?: boolean;
}

export function checkCommand(): Command {
  return new Command("check")
    .description("report every mistake in the configuration, with file, line and a hint")
    .addOption(CONFIG_OPTION())
    .addOption(
      new Option("--print [format]", "print the configuration with every default filled in").choices(["toml", "json"]),
    )
    .option("--schema", "print the JSON Schema of the configuration file")
    .action((options: Options) => {
      if (options.schema) return print(JSON.stringify(renderJsonSchema(), undefined, 2));
      const file = findConfig(options.config);
      const { config, files, warnings } = loadConfig(file);
      // A warning only: the file may be meant for another machine.
      const accounts = config.pools.flatMap(accountFaults).map(({ message, hint }) => `${message} (${hint})`);
      for (const warning of [...warnings, ...accounts]) printError(`warning: ${printable(warning)}`);
      if (options.print === "json") return print(JSON.stringify(writeConfig(config), undefined, 2));
      if (options.print !== undefined) return print(renderToml(config));
      const others = files.length > 1 ? ` and ${files.length - 1} included` : "";
      const pools = config.pools.length === 1 ? "1 pool" : `${config.pools.length} pools`;
      print(`${printable(file)}${others}: ${pools}, no mistakes`);
    });
}
