// `holdfast status`: what the supervisor and its pools are doing.

import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { PoolReport, StatusReport } from "../../messages/control.ts";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { formatBytes, formatDuration, print, printable, table } from "../print.ts";

const WATCH_INTERVAL_MS = 1000;
/** Cursor to the top left, and everything below it cleared. */
const CLEAR = "\u001b[H\u001b[J";

interface Options extends ControlOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export function statusCommand(): Command {
  return new Command("status")
    .description("show the running pools")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .option("--json", "print the whole report as JSON")
    .option("--watch", "show it again every second, until Ctrl-C")
    .action(async (options: Options) => {
      const { path } = findSupervisor(options);
      for (;;) {
        const { status } = await ask(path, { command: "status" });
        const lines = options.json ? [JSON.stringify(status, undefined, options.watch ? 0 : 2)] : renderStatus(status);
        if (options.watch && !options.json && process.stdout.isTTY) process.stdout.write(CLEAR);
        print(...lines);
        if (!options.watch) return;
        await sleep(WATCH_INTERVAL_MS);
      }
    });
}

const HEAD = [
  ["POOL", "STATE", "PID", "GEN", "WORKERS", "OPEN", "QUEUE", "SERVED", "REFUSED", "FAILED", "LOST", "MEMORY", "UP"],
];

/** One line per process, below a line about the supervisor; then why what failed did so. */
export function renderStatus(status: StatusReport): readonly string[] {
  const { version, pid, uptimeMs, node, pools } = status;
  return [
    `holdfast ${version}, pid ${pid}, up ${formatDuration(uptimeMs)}, Node ${node}`,
    "",
    ...table([...HEAD, ...pools.flatMap(rowsOf)]),
    "",
    ...table(pools.map(({ name, listen, restarts }) => [name, `listens on ${printable(listen)}`, restarted(restarts)])),
    ...pools.flatMap(faultsOf),
  ];
}

const restarted = (times: number): string =>
  times === 0 ? "" : `restarted ${times} ${times === 1 ? "time" : "times"}`;

function rowsOf({ name, state, processes }: PoolReport): readonly (readonly string[])[] {
  if (processes.length === 0) return [[name, state]];
  return processes.map((process) => {
    if ("state" in process) return [name, process.state, String(process.pid)];
    const { pid, generation, workers, open, queue, queueMax, served, refused, failed, workersLost } = process;
    const counts = [served, refused, failed, workersLost].map(String);
    const load = [String(workers.length), String(open), `${queue}/${queueMax}`, ...counts];
    const { residentBytes, uptimeMs } = process;
    return [
      name,
      state,
      String(pid),
      String(generation),
      ...load,
      formatBytes(residentBytes),
      formatDuration(uptimeMs),
    ];
  });
}

function faultsOf({ name, lastFault, processes }: PoolReport): readonly string[] {
  const faults = [lastFault, ...processes.map((process) => ("state" in process ? undefined : process.lastBootFault))];
  return faults
    .filter((fault) => fault !== undefined)
    .map((fault) => `${name}: last failure: ${printable(fault.message.split("\n")[0] ?? "")}`);
}
