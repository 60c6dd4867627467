// The status in php-fpm's words, so that what monitors php-fpm reads it: text, JSON and XML with the
// same fields. A worker stands for php-fpm's process; the queue is the pool's own, because that is
// where requests wait here. Pure.
// Source: php-src, sapi/fpm/fpm/fpm_status.c

import { escapeHtml } from "../../base/escape-html.ts";
import type { PoolStatus, WorkerStatus } from "../../messages/lifecycle.ts";

type Value = string | number;
type Fields = readonly (readonly [name: string, value: Value])[];

interface PhpFpmStatus {
  readonly pool: Fields;
  /** Empty unless `full`. */
  readonly processes: readonly Fields[];
}

function phpFpmStatus(status: PoolStatus, form: "data" | "text"): PhpFpmStatus {
  const serving = status.workers.filter(({ state }) => state !== "starting" && state !== "gone");
  const active = serving.filter(({ open }) => open > 0).length;
  const { min, max } = status.threads;
  return {
    pool: [
      ["pool", status.pool],
      ["process manager", min === max ? "static" : min === 0 ? "ondemand" : "dynamic"],
      ["start time", timeOf(status.startedAtMs, form)],
      ["start since", Math.floor(status.uptimeMs / 1000)],
      ["accepted conn", status.accepted],
      ["listen queue", status.queue],
      ["max listen queue", status.queuePeak],
      ["listen queue len", status.queueMax],
      ["idle processes", serving.length - active],
      ["active processes", active],
      ["total processes", serving.length],
      ["max active processes", status.workersBusyPeak],
      ["max children reached", status.saturated],
      ["slow requests", status.slow],
      ["memory peak", status.residentPeakBytes],
    ],
    processes: serving.flatMap((worker) =>
      worker.requests === undefined ? [] : [processFields(status, worker, form)],
    ),
  };
}

function processFields(status: PoolStatus, worker: WorkerStatus, form: "data" | "text"): Fields {
  const request = worker.requests?.[0];
  return [
    // Where workers are threads of one process, what tells them apart is the number that the log gives them.
    ["pid", worker.pid ?? worker.worker],
    ["state", worker.state === "draining" ? "Finishing" : worker.open > 0 ? "Running" : "Idle"],
    ["start time", timeOf(status.startedAtMs + status.uptimeMs - worker.uptimeMs, form)],
    ["start since", Math.floor(worker.uptimeMs / 1000)],
    ["requests", worker.served],
    ["request duration", Math.round((request?.ageMs ?? 0) * 1000)],
    ["request method", request?.method || "-"],
    [form === "text" ? "request URI" : "request uri", request?.path || "-"],
    ["content length", request?.contentLength ?? 0],
    ["user", "-"],
    ["script", request?.script || "-"],
    [
      "last request cpu",
      form === "text" ? ((worker.utilization ?? 0) * 100).toFixed(2) : (worker.utilization ?? 0) * 100,
    ],
    ["last request memory", worker.memoryBytes ?? 0],
  ];
}

/** The page that php-fpm answers without any question. */
export function renderText(status: PoolStatus): string {
  const { pool, processes } = phpFpmStatus(status, "text");
  return [
    ...pool.map(textLine),
    ...processes.flatMap((fields) => ["", "*".repeat(24), ...fields.map(textLine)]),
    "",
  ].join("\n");
}

const textLine = ([name, value]: Fields[number]): string => `${`${name}:`.padEnd(21)} ${oneLine(value)}`;

/** What strangers chose must not begin a line of its own. */
const oneLine = (value: Value): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
  String(value).replace(/[\u0000-\u001f\u007f]/g, "?");

/** php-fpm's keys, for `JSON.stringify`. */
export function phpFpmObject(status: PoolStatus): Record<string, unknown> {
  const { pool, processes } = phpFpmStatus(status, "data");
  return {
    ...Object.fromEntries(pool),
    ...(status.workers.some(({ requests }) => requests !== undefined)
      ? { processes: processes.map((fields) => Object.fromEntries(fields)) }
      : {}),
  };
}

export function renderXml(status: PoolStatus): string {
  const { pool, processes } = phpFpmStatus(status, "data");
  const elements = processes.map((fields) => `<process>\n${fields.map(xmlLine).join("\n")}\n</process>`);
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    "<status>",
    ...pool.map(xmlLine),
    ...(elements.length === 0 ? [] : ["<processes>", ...elements, "</processes>"]),
    "</status>",
    "",
  ].join("\n");
}

function xmlLine([name, value]: Fields[number]): string {
  const tag = name.replaceAll(" ", "-");
  return `<${tag}>${escapeHtml(oneLine(value))}</${tag}>`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Unix time, or as Apache's log writes a time: 01/Jul/2026:17:53:49 +0000. */
function timeOf(unixMs: number, form: "data" | "text"): Value {
  if (form === "data") return Math.floor(unixMs / 1000);
  const time = new Date(unixMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()].map(two).join(":");
  return `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}:${clock} +0000`;
}
