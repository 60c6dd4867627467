// `holdfast status`: what the supervisor and its pools are doing.

import { setTimeout as sleep } from "node:timers/promises";
import { styleText } from "node:util";
import { Command } from "commander";
import { Fault } from "../../base/fault.ts";
import type { StatusReport } from "../../messages/control.ts";
import { METRICS } from "../../telemetry/metrics.ts";
import { renderPrometheus } from "../../telemetry/openmetrics.ts";
import { ask, CONFIG_OPTION, CONTROL_OPTION, type ControlOptions, findSupervisor } from "../control-client.ts";
import { LiveScreen } from "../live-screen.ts";
import { print, printable } from "../print.ts";
import { type Paint, poolRate, renderStatus, sparkline } from "../status-table.ts";

const WATCH_INTERVAL_MS = 1000;
/** So many seconds of requests are drawn on the live screen. */
const RATES_SHOWN = 60;

interface Options extends ControlOptions {
  readonly json?: boolean;
  readonly metrics?: boolean;
  readonly watch?: boolean;
}

export function statusCommand(): Command {
  return new Command("status")
    .description("show the running pools")
    .addOption(CONFIG_OPTION())
    .addOption(CONTROL_OPTION())
    .option("--json", "print the whole report as JSON; with --watch one line a second")
    .option("--metrics", "print the metrics of all processes, in Prometheus's text format")
    .option("--watch", "show it again every second, until Ctrl-C")
    .action(async (options: Options) => {
      const { path } = findSupervisor(options);
      const look = async (): Promise<StatusReport> => (await ask(path, { command: "status" })).status;
      const first = await look();
      if (!options.watch) print(...linesFor(first, options));
      else if (process.stdout.isTTY && !options.json && !options.metrics) await watchLive(first, look);
      else await watchPlain(first, look, options);
    });
}

function linesFor(status: StatusReport, { json, metrics, watch }: Options): readonly string[] {
  if (json) return [JSON.stringify(status, undefined, watch ? 0 : 2)];
  return metrics ? [printable(renderMetrics(status).trimEnd())] : renderStatus(status, terminalPaint());
}

/** Of every process that answered; in the format that node_exporter's textfile collector reads. */
export function renderMetrics({ pools }: StatusReport): string {
  return renderPrometheus(
    METRICS,
    pools.flatMap(({ name, processes }) =>
      processes.flatMap((from) => ("state" in from ? [] : [{ labels: { pool: name, pid: String(from.pid) }, from }])),
    ),
  );
}

/** Colours where standard output is a terminal that wants them; NO_COLOR is obeyed. */
function terminalPaint(): Paint {
  const style =
    (format: Parameters<typeof styleText>[0]) =>
    (text: string): string =>
      styleText(format, text, { stream: process.stdout });
  return { heading: style("bold"), good: style("green"), middling: style("yellow"), bad: style("red") };
}

/** Until nobody reads it any more. */
async function watchPlain(first: StatusReport, look: () => Promise<StatusReport>, options: Options): Promise<void> {
  let read = true;
  process.stdout.once("error", () => {
    read = false;
  });
  for (let status = first; read; status = await look()) {
    print(...linesFor(status, options), ...(options.json ? [] : [""]));
    await sleep(WATCH_INTERVAL_MS);
  }
}

/** Until a signal ends it; also over a restart of the supervisor. */
async function watchLive(first: StatusReport, look: () => Promise<StatusReport>): Promise<void> {
  const screen = new LiveScreen(process.stdout);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, end);
  const rates = new Map<string, number[]>();
  const paint = terminalPaint();
  try {
    let lines = liveLines(first, rates, paint);
    while (!ended.signal.aborted) {
      screen.draw([...lines, "", "Ctrl-C ends this."]);
      await sleep(WATCH_INTERVAL_MS, undefined, { signal: ended.signal }).catch(() => {}); // told to end: the loop's condition sees it
      lines = await look().then(
        (status) => liveLines(status, rates, paint),
        (error: unknown) => {
          if (!(error instanceof Fault)) throw error;
          return [paint.bad(printable(error.message)), "", "It is asked again every second."];
        },
      );
    }
  } finally {
    screen.close();
    for (const signal of signals) process.off(signal, end);
  }
}

function liveLines(status: StatusReport, rates: Map<string, number[]>, paint: Paint): readonly string[] {
  const widest = Math.max(0, ...status.pools.map(({ name }) => name.length));
  const charts = status.pools.map((pool) => {
    const known = [...(rates.get(pool.name) ?? []), poolRate(pool)].slice(-RATES_SHOWN);
    rates.set(pool.name, known);
    return `${pool.name.padEnd(widest)}  ${paint.good(sparkline(known))}  ${Math.round(poolRate(pool))} req/s, most ${Math.round(Math.max(...known))}`;
  });
  return [...renderStatus(status, paint), "", ...charts];
}
