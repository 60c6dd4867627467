// `holdfast systemd`: prints units for the pools of FILE, or writes them into a folder.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { Fault, messageOf } from "../../base/fault.ts";
import { findConfig, loadConfig } from "../../config/load.ts";
import { renderUnits, UNIT_LAYOUTS, type UnitFile, type UnitLayout } from "../../deploy/systemd.ts";
import { sendsAsItself } from "../../supervisor/main.ts";
import { choosePools } from "../choose-pools.ts";
import { CONFIG_OPTION } from "../control-client.ts";
import { print } from "../print.ts";

/** The oldest systemd that the units are tested with (Debian 12). */
const OLDEST_SYSTEMD = 252;
const VERSION_TIMEOUT_MS = 5000;

interface Options {
  readonly config?: string;
  readonly layout: UnitLayout;
  readonly pool?: string;
  readonly write?: string;
  readonly systemd?: number;
}

export function systemdCommand(): Command {
  return new Command("systemd")
    .description("print systemd units for the pools of the configuration")
    .addOption(CONFIG_OPTION())
    .addOption(
      new Option(
        "--layout <layout>",
        "one service for all pools, which root starts, or a service without root for each pool",
      )
        .choices(UNIT_LAYOUTS)
        .default("supervisor"),
    )
    .option("--pool <name>", "only this pool")
    .option("--write <folder>", "write the units as files into this folder")
    .option("--systemd <version>", "systemd that will read them (default: this machine's)", majorVersion)
    .action((options: Options) => {
      const file = resolve(findConfig(options.config));
      const { config } = loadConfig(file);
      const units = renderUnits(
        { ...config, pools: choosePools(config.pools, options.pool) },
        {
          layout: options.layout,
          configFile: file,
          program: [process.execPath, fileURLToPath(new URL("../../../../bin/holdfast.js", import.meta.url))],
          systemdVersion: options.systemd ?? installedSystemd() ?? OLDEST_SYSTEMD,
          notifiesAsItself: sendsAsItself(),
        },
      );
      if (options.write === undefined) {
        print(
          units
            .map(({ name, text }) => `# /etc/systemd/system/${name}\n${text}`)
            .join("\n")
            .trimEnd(),
        );
        return;
      }
      for (const path of write(units, options.write)) print(path);
    });
}

/** Returns the paths of the files. Throws Fault USAGE for a folder that cannot be written into. */
function write(units: readonly UnitFile[], folder: string): readonly string[] {
  try {
    mkdirSync(folder, { recursive: true });
    return units.map(({ name, text }) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    });
  } catch (cause) {
    throw new Fault("USAGE", `${folder} cannot be written: ${messageOf(cause)}`, {
      hint: "name a folder that you may write into",
      cause,
    });
  }
}

/** undefined where there is no systemd. */
function installedSystemd(): number | undefined {
  try {
    const text = execFileSync("systemctl", ["--version"], {
      encoding: "utf8",
      timeout: VERSION_TIMEOUT_MS,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const version = /^systemd (\d+)/.exec(text)?.[1];
    return version === undefined ? undefined : Number(version);
  } catch {
    return undefined; // The units are written for another machine then.
  }
}

function majorVersion(written: string): number {
  if (/^\d{1,4}$/.test(written) && Number(written) > 0) return Number(written);
  throw new InvalidArgumentError("Expected systemd's version, such as 252.");
}
