// `holdfast reload [POOL]`: returns when the new generation serves, or says why the old one still does.

import { Command } from "commander";
import { Fault } from "../../base/fault.ts";
import type { ReloadReport, StatusReport } from "../../messages/control.ts";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { formatDuration, print, printable, printError } from "../print.ts";

/** Nothing bounds a reload but the deadlines of the pools that boot; one may wait for another that runs, ms. */
const LONGEST_RELOAD_MS = 24 * 3_600_000;
/** Between two looks at what the pools do meanwhile, ms. */
const LOOK_MS = 500;

interface Options extends ControlOptions {
  readonly changed?: boolean;
}

export function reloadCommand(): Command {
  return new Command("reload")
    .description("read the configuration again and replace pools by new generations, without losing a request")
    .argument("[pool]", "only this pool (default: all)")
    .option("--changed", "only pools whose configuration has changed, or that were added or removed")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .action(async (pool: string | undefined, options: Options) => {
      if (pool !== undefined && options.changed) {
        throw new Fault("USAGE", "a pool and --changed exclude each other", { hint: "name a pool, or none" });
      }
      const { path } = findSupervisor(options);
      const scope = { ...(pool === undefined ? {} : { pool }), ...(options.changed ? { changed: true } : {}) };
      const reloaded = ask(path, { command: "reload", ...scope }, LONGEST_RELOAD_MS);
      if (process.stderr.isTTY === true) watch(path, reloaded);
      const { report } = await reloaded;
      print(...lines(report));
      for (const warning of report.warnings) printError(`warning: ${printable(warning)}`);
    });
}

function lines({ pools, unchanged, ms }: ReloadReport): readonly string[] {
  const changed = pools.map(({ name, from, to }) => {
    const pool = printable(name);
    if (from === undefined) return `${pool}: added`;
    return to === undefined ? `${pool}: removed` : `${pool}: generation ${from} → ${to}`;
  });
  const rest = unchanged === 0 ? [] : [`${unchanged} unchanged`];
  const all = [...changed, ...rest];
  return all.map((line, index) => (index === all.length - 1 ? `${line} (${formatDuration(ms)})` : line));
}

/** Prints what the pools do until `reloaded` settles, a line for every change. */
function watch(path: string, reloaded: Promise<unknown>): void {
  let over = false;
  let shown = "";
  const look = async (): Promise<void> => {
    if (over) return;
    const { status } = await ask(path, { command: "status" });
    const line = progress(status);
    if (!over && line !== shown) printError(line);
    shown = line;
    timer = setTimeout(next, LOOK_MS);
  };
  // Progress is a courtesy: what is wrong is told by the reload itself.
  const next = (): void => void look().catch(() => {});
  let timer = setTimeout(next, LOOK_MS);
  const end = (): void => {
    over = true;
    clearTimeout(timer);
  };
  reloaded.then(end, end);
}

/** "www: 1 ready, 1 starting" for every pool in which something is under way. */
function progress({ pools }: StatusReport): string {
  return pools
    .map(({ name, processes }) => {
      const states = processes.map((process) => ("state" in process ? process.state : "ready"));
      const counts = ["ready", "starting", "draining"].flatMap((state) => {
        const count = states.filter((each) => each === state).length;
        return count === 0 ? [] : [`${count} ${state}`];
      });
      return `${printable(name)}: ${counts.join(", ")}`;
    })
    .join("; ");
}
