// `holdfast check`: every mistake in the configuration at once, or with --types in the code of its pools.

import { Command, Option } from "commander";
import { FAULTS, Fault } from "../../base/fault.ts";
import { findConfig, loadConfig } from "../../config/load.ts";
import { renderJsonSchema, renderToml, writeConfig } from "../../config/render.ts";
import { accountFaults } from "../../supervisor/main.ts";
import { CONFIG_OPTION } from "../control-client.ts";
import { print, printable, printError } from "../print.ts";
import { findTarget } from "../target.ts";
import { unguardedFiles } from "../unguarded-files.ts";

interface Options {
  readonly config?: string;
  readonly print?: true | "toml" | "json";
  readonly schema?: boolean;
  readonly types?: boolean;
}

export function checkCommand(): Command {
  return new Command("check")
    .description("report every mistake in the configuration, or in the types of handlers and pages")
    .argument("[path]", "with --types: a folder or an app module, instead of those of the configuration")
    .addOption(CONFIG_OPTION())
    .addOption(
      new Option("--print [format]", "print the configuration with every default filled in").choices(["toml", "json"]),
    )
    .option("--schema", "print the JSON Schema of the configuration file")
    .option("--types", "check handlers and pages with the project's TypeScript")
    .action(async (path: string | undefined, options: Options) => {
      if (options.types) return checkAllTypes(path, options);
      if (path !== undefined) {
        throw new Fault("USAGE", `${path} cannot be checked without --types`, {
          hint: "a configuration is named with -c FILE",
        });
      }
      if (options.schema) return print(JSON.stringify(renderJsonSchema(), undefined, 2));
      const file = findConfig(options.config);
      const { config, files, warnings } = loadConfig(file);
      // A warning only: the file may be meant for another machine.
      const accounts = config.pools.flatMap(accountFaults).map(({ message, hint }) => `${message} (${hint})`);
      // As `holdfast apache` mounts them; a pool that sends its files itself has another layout.
      const unguarded = unguardedFiles(config.pools.filter(({ serveStatic }) => !serveStatic));
      for (const warning of [...warnings, ...accounts, ...unguarded]) printError(`warning: ${printable(warning)}`);
      if (options.print === "json") return print(JSON.stringify(writeConfig(config), undefined, 2));
      if (options.print !== undefined) return print(renderToml(config));
      const others = files.length > 1 ? ` and ${files.length - 1} included` : "";
      const pools = config.pools.length === 1 ? "1 pool" : `${config.pools.length} pools`;
      print(`${printable(file)}${others}: ${pools}, no mistakes`);
    });
}

async function checkAllTypes(path: string | undefined, { config }: Options): Promise<void> {
  // Loaded with it: the other commands need no compiler.
  const { checkTypes } = await import("../types/check-types.ts");
  const { projectOf } = await import("../types/project.ts");
  const controller = new AbortController();
  const end = (): void => controller.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    let errors = 0;
    for (const target of targetsOf(path, config)) {
      const report = await checkTypes(projectOf(target), controller.signal);
      for (const line of report.lines) print(printable(line));
      const what = `${counted(report.pages, "page")} and ${counted(report.modules, "module")}`;
      const result = report.errors === 0 ? "no errors" : counted(report.errors, "error");
      printError(`${printable(target.path)}: ${what}, ${result}`);
      errors += report.errors;
    }
    if (errors > 0) process.exitCode = FAULTS.CONFIG.exit;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

/** Each root and each app once, however many pools run it. */
function targetsOf(path: string | undefined, config: string | undefined): { kind: "root" | "app"; path: string }[] {
  if (path !== undefined) return [findTarget(path)];
  const { pools } = loadConfig(findConfig(config)).config;
  const paths = new Set(pools.map(({ root, app }) => root ?? app ?? ""));
  return [...paths].map(findTarget);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
