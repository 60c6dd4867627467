// `holdfast status` for people: a line for each pool, and for each process of those that have several.

import type { PoolReport, StatusReport } from "../messages/control.ts";
import type { PoolStatus } from "../messages/lifecycle.ts";
import { formatBytes, formatDuration, printable, table } from "./print.ts";

/** What may be painted; each returns its text, longer only by what the terminal does not show. */
export interface Paint {
  heading(text: string): string;
  good(text: string): string;
  middling(text: string): string;
  bad(text: string): string;
}

const plain = (text: string): string => text;
export const NO_PAINT: Paint = { heading: plain, good: plain, middling: plain, bad: plain };

const HEAD = [
  "POOL",
  "STATE",
  "PID",
  "GEN",
  "BUSY",
  "OPEN",
  "QUEUE",
  "REQ/S",
  "P50",
  "P99",
  "SERVED",
  "REFUSED",
  "FAILED",
  "LOST",
  "MEMORY",
  "UP",
];

/** A line about the supervisor, the table, and why what failed did so. */
export function renderStatus(status: StatusReport, paint: Paint = NO_PAINT): readonly string[] {
  const { version, pid, uptimeMs, node, pools } = status;
  return [
    `holdfast ${version}, pid ${pid}, up ${formatDuration(uptimeMs)}, Node ${node}`,
    "",
    ...painted(table([HEAD, ...pools.flatMap(rowsOf).map((row) => row.map(printable))]), paint),
    "",
    ...table(pools.map(({ name, listen, restarts }) => [name, `listens on ${printable(listen)}`, restarted(restarts)])),
    ...pools.flatMap(faultsOf).map((line) => paint.bad(line)),
  ];
}

function painted([head = "", ...rows]: readonly string[], paint: Paint): readonly string[] {
  const from = head.indexOf("STATE");
  const to = head.indexOf("PID");
  return [
    paint.heading(head),
    ...rows.map((row) => {
      const state = row.slice(from, to);
      return row.slice(0, from) + paintState(state, paint) + row.slice(to);
    }),
  ];
}

function paintState(text: string, paint: Paint): string {
  const state = text.trim();
  if (state === "ready") return paint.good(text);
  return state === "failed" || state === "backoff" ? paint.bad(text) : paint.middling(text);
}

const restarted = (times: number): string =>
  times === 0 ? "" : `restarted ${times} ${times === 1 ? "time" : "times"}`;

function rowsOf({ name, state, processes }: PoolReport): readonly (readonly string[])[] {
  if (processes.length === 0) return [[name, state]];
  const known = processes.filter((process): process is PoolStatus => !("state" in process));
  const rows = processes.map((process) => {
    if ("state" in process) return [name, process.state, String(process.pid)];
    return [name, process.ready ? "ready" : state === "ready" ? "starting" : state, ...cells([process])];
  });
  if (known.length < 2) return rows;
  return [[name, state, ...cells(known)], ...rows.map(([, ...rest]) => ["", ...rest])];
}

/** From PID on; of several processes the sums, the slowest of their times, and the age of the oldest. */
function cells(processes: readonly PoolStatus[]): readonly string[] {
  const [first] = processes;
  const sum = (of: (process: PoolStatus) => number): number => processes.reduce((total, each) => total + of(each), 0);
  const most = (of: (process: PoolStatus) => number): number => Math.max(...processes.map(of));
  const busy = sum(({ workers }) => workers.filter(({ open }) => open > 0).length);
  return [
    processes.length === 1 ? String(first?.pid) : `×${processes.length}`,
    String(most(({ generation }) => generation)),
    `${busy}/${sum(({ workers }) => workers.length)}`,
    String(sum(({ open }) => open)),
    `${sum(({ queue }) => queue)}/${sum(({ queueMax }) => queueMax)}`,
    rate(sum(({ recent }) => recent.requestsPerSecond)),
    millis(most(({ recent }) => recent.total.p50Ms)),
    millis(most(({ recent }) => recent.total.p99Ms)),
    String(sum(({ served }) => served)),
    String(sum(({ refused }) => refused)),
    String(sum(({ failed }) => failed)),
    String(sum(({ workersLost }) => workersLost)),
    formatBytes(sum(({ residentBytes }) => residentBytes)),
    formatDuration(most(({ uptimeMs }) => uptimeMs)),
  ];
}

const rate = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond)));

/** "–" where nothing was measured lately. */
function millis(ms: number): string {
  if (ms === 0) return "–";
  if (ms >= 10_000) return formatDuration(ms);
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function faultsOf({ name, lastFault, processes }: PoolReport): readonly string[] {
  const known = processes.flatMap((process) => ("state" in process ? [] : [process]));
  const faults = [lastFault, ...known.map(({ lastBootFault }) => lastBootFault)].filter((fault) => fault !== undefined);
  const loops = known.flatMap(({ pid, crashLoop }) => (crashLoop === undefined ? [] : [{ pid, ...crashLoop }]));
  return [
    ...faults.map((fault) => `${name}: last failure: ${printable(fault.message.split("\n")[0] ?? "")}`),
    ...loops.map(
      ({ pid, failures, retryInMs }) =>
        `${name}: process ${pid}: ${failures} starts of workers in a row failed, the next one in ${formatDuration(retryInMs)}`,
    ),
  ];
}

/** Requests per second of a pool, all processes together. */
export function poolRate({ processes }: PoolReport): number {
  return processes.reduce((sum, each) => sum + ("state" in each ? 0 : each.recent.requestsPerSecond), 0);
}

const BARS = "▁▂▃▄▅▆▇█";

/** One character per value, as high as the value is to the largest. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return values
    .map((value) => BARS[most === 0 ? 0 : Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))])
    .join("");
}
