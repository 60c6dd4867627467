// Every metric, declared once: name, help, unit, and how it is read from what a pool process says of
// itself. The metrics path, `holdfast status --metrics` and docs/reference/metrics.md are made from
// this table; a test holds the dashboard and the alert rules in conf/ against it.

import { DURATION_BOUNDS, type Durations, type Measured, type SpaceCounts } from "./measured.ts";
import type { HistogramPoint, Metric, Sample } from "./openmetrics.ts";

const WORKER_STATES = ["starting", "idle", "busy", "stalled", "draining"] as const;

export const METRICS: readonly Metric<Measured>[] = [
  {
    name: "holdfast_build",
    type: "info",
    help: "Version of Holdfast and of Node.js.",
    labels: ["version", "node"],
    read: ({ version, node }) => ({ version, node }),
  },
  {
    name: "holdfast_ready",
    type: "gauge",
    help: "1 while the pool serves requests, as its ready_path says; else 0.",
    read: ({ ready }) => (ready ? 1 : 0),
  },
  {
    name: "holdfast_start_time_seconds",
    type: "gauge",
    unit: "seconds",
    help: "Unix time at which the process started.",
    read: ({ startedAtMs }) => startedAtMs / 1000,
  },
  {
    name: "holdfast_generation",
    type: "gauge",
    help: "Generation of the process; each reload raises it.",
    read: ({ generation }) => generation,
  },
  {
    name: "holdfast_connections",
    type: "gauge",
    help: "Connections from the web server that are open, idle ones included.",
    read: ({ connections }) => connections,
  },
  {
    name: "holdfast_connections_accepted",
    type: "counter",
    help: "Connections that were accepted.",
    read: ({ connectionsAccepted }) => connectionsAccepted,
  },
  {
    name: "holdfast_connections_waiting",
    type: "gauge",
    help: "Connections that wait in the kernel to be accepted; not known from the first time it is asked for, nor everywhere.",
    read: ({ backlog }) => backlog,
  },
  {
    name: "holdfast_requests",
    type: "counter",
    help: "Requests that arrived, whatever became of them.",
    read: ({ accepted }) => accepted,
  },
  {
    name: "holdfast_requests_finished",
    type: "counter",
    help: "Requests by how they ended: served by a worker, own (a path of the pool's), refused, cut, aborted by the web server.",
    labels: ["outcome"],
    read: ({ served, own, refused, cut, aborted }) => labelled("outcome", { served, own, refused, cut, aborted }),
  },
  {
    name: "holdfast_responses",
    type: "counter",
    help: "Whole answers by the class of their HTTP status, those of the pool's own paths not counted.",
    labels: ["class"],
    read: ({ responses }) => responses.map((value, at) => ({ labels: { class: `${at + 1}xx` }, value })),
  },
  {
    name: "holdfast_faults",
    type: "counter",
    help: "Requests that were refused or broke off, by the code that the log gives as well.",
    labels: ["code"],
    read: ({ faults }) => labelled("code", faults),
  },
  {
    name: "holdfast_handler_failures",
    type: "counter",
    help: "Handlers that threw, or returned no response.",
    read: ({ failed }) => failed,
  },
  {
    name: "holdfast_slow_requests",
    type: "counter",
    help: "Requests that took longer than request.slow.",
    read: ({ slow }) => slow,
  },
  {
    name: "holdfast_requests_open",
    type: "gauge",
    help: "Requests that are in the pool.",
    read: ({ open }) => open,
  },
  {
    name: "holdfast_requests_open_peak",
    type: "gauge",
    help: "Most requests that were in the pool at one time since the process started.",
    read: ({ openPeak }) => openPeak,
  },
  {
    name: "holdfast_queue_length",
    type: "gauge",
    help: "Requests that wait for a worker.",
    read: ({ queue }) => queue,
  },
  {
    name: "holdfast_queue_length_peak",
    type: "gauge",
    help: "Most requests that waited at one time since the process started.",
    read: ({ queuePeak }) => queuePeak,
  },
  {
    name: "holdfast_queue_limit",
    type: "gauge",
    help: "Requests that may wait (queue.max).",
    read: ({ queueMax }) => queueMax,
  },
  {
    name: "holdfast_request_duration_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Time from a request's arrival to the end of its answer, of those that were admitted.",
    read: ({ durations }) => histogram(durations.total),
  },
  {
    name: "holdfast_queue_wait_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Time that a request waited until a worker was given it.",
    read: ({ durations }) => histogram(durations.queued),
  },
  {
    name: "holdfast_handler_duration_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Time from a request's being given to a worker to the end of its answer.",
    read: ({ durations }) => histogram(durations.handler),
  },
  {
    name: "holdfast_workers",
    type: "gauge",
    help: "Workers by state.",
    labels: ["state"],
    read: ({ workers }) =>
      WORKER_STATES.map((state) => ({
        labels: { state },
        value: workers.filter((worker) => worker.state === state).length,
      })),
  },
  {
    name: "holdfast_workers_limit",
    type: "gauge",
    help: "Workers that may serve at one time (threads).",
    read: ({ workersMax }) => workersMax,
  },
  {
    name: "holdfast_workers_busy_peak",
    type: "gauge",
    help: "Most workers that had requests open at one time since the process started.",
    read: ({ workersBusyPeak }) => workersBusyPeak,
  },
  {
    name: "holdfast_workers_started",
    type: "counter",
    help: "Workers that were started.",
    read: ({ workersStarted }) => workersStarted,
  },
  {
    name: "holdfast_workers_recycled",
    type: "counter",
    help: "Workers that were replaced before they failed.",
    read: ({ workersRecycled }) => workersRecycled,
  },
  {
    name: "holdfast_workers_lost",
    type: "counter",
    help: "Workers that died.",
    read: ({ workersLost }) => workersLost,
  },
  {
    name: "holdfast_worker_boot_failures",
    type: "counter",
    help: "Workers that did not start, because the app did not load.",
    read: ({ bootFailures }) => bootFailures,
  },
  {
    name: "holdfast_saturated",
    type: "counter",
    help: "How often requests began to wait while there were as many workers as there may be.",
    read: ({ saturated }) => saturated,
  },
  {
    name: "holdfast_cache_entries",
    type: "gauge",
    help: "Entries that workers share.",
    labels: ["space"],
    read: ({ spaces }) => ofSpaces(spaces, "entries"),
  },
  {
    name: "holdfast_cache_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Memory of what workers share; its bound is cache.memory for each space.",
    labels: ["space"],
    read: ({ spaces }) => ofSpaces(spaces, "bytes"),
  },
  {
    name: "holdfast_cache_hits",
    type: "counter",
    help: "Times that what was looked for was there.",
    labels: ["space"],
    read: ({ spaces }) => ofSpaces(spaces, "hits"),
  },
  {
    name: "holdfast_cache_misses",
    type: "counter",
    help: "Times that what was looked for was not there.",
    labels: ["space"],
    read: ({ spaces }) => ofSpaces(spaces, "misses"),
  },
  {
    name: "holdfast_cache_evictions",
    type: "counter",
    help: "Entries that made room for others before their time.",
    labels: ["space"],
    read: ({ spaces }) => ofSpaces(spaces, "evictions"),
  },
  {
    name: "holdfast_locks_held",
    type: "gauge",
    help: "Named locks that are held.",
    read: ({ locks }) => locks.held,
  },
  {
    name: "holdfast_locks_waiting",
    type: "gauge",
    help: "Requests that wait for a named lock.",
    read: ({ locks }) => locks.waiting,
  },
  {
    name: "holdfast_workers_memory_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Heap and buffers of all workers together.",
    read: ({ workers }) => sum(workers.map(({ memoryBytes }) => memoryBytes ?? 0)),
  },
  {
    name: "holdfast_largest_worker_memory_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Heap and buffers of the worker that has most.",
    read: ({ workers }) => Math.max(0, ...workers.map(({ memoryBytes }) => memoryBytes ?? 0)),
  },
  {
    name: "holdfast_workers_utilization_ratio",
    type: "gauge",
    unit: "ratio",
    help: "Share of the last second in which the event loops of the workers were busy, on average.",
    read: ({ workers }) => {
      const known = workers.flatMap(({ utilization }) => (utilization === undefined ? [] : [utilization]));
      return known.length === 0 ? undefined : sum(known) / known.length;
    },
  },
  {
    name: "holdfast_resident_memory_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Resident memory of the process.",
    read: ({ residentBytes }) => residentBytes,
  },
  {
    name: "holdfast_resident_memory_peak_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Most resident memory that the process had.",
    read: ({ residentPeakBytes }) => residentPeakBytes,
  },
  {
    name: "holdfast_cpu_seconds",
    type: "counter",
    unit: "seconds",
    help: "Processor time of the process, all threads, user and system.",
    read: ({ cpuMs }) => cpuMs / 1000,
  },
  {
    name: "holdfast_event_loop_delay_seconds",
    type: "gauge",
    unit: "seconds",
    help: "How late the main thread's event loop was in the last ten to twenty seconds.",
    labels: ["stat"],
    read: ({ recent: { loopDelay } }) => [
      { labels: { stat: "p50" }, value: loopDelay.p50Ms / 1000 },
      { labels: { stat: "p99" }, value: loopDelay.p99Ms / 1000 },
      { labels: { stat: "max" }, value: loopDelay.maxMs / 1000 },
    ],
  },
];

function labelled(label: string, values: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(values).map(([text, value]) => ({ labels: { [label]: text }, value }));
}

function ofSpaces(spaces: Measured["spaces"], count: keyof SpaceCounts): readonly Sample[] {
  return Object.entries(spaces).map(([space, counts]) => ({ labels: { space }, value: counts[count] }));
}

function histogram({ count, sumMs, cumulative }: Durations): HistogramPoint {
  return { bounds: DURATION_BOUNDS, cumulative, count, sum: sumMs / 1000 };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
