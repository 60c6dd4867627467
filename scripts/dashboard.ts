// conf/grafana/holdfast.json: what to draw of the metrics. Panels are told in short here, and written in the
// length that Grafana wants.

interface Query {
  readonly expression: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly description: string;
  /** Of Grafana's units. */
  readonly unit: "reqps" | "s" | "short" | "bytes" | "percentunit" | "cps" | "bool_yes_no";
  readonly queries: readonly Query[];
  /** One number instead of lines. */
  readonly stat?: boolean;
  readonly stacked?: boolean;
}

const OF = '{pool=~"$pool"}';
const of = (more: string): string => `{pool=~"$pool",${more}}`;
const rate = (metric: string, labels = OF): string => `rate(${metric}${labels}[$__rate_interval])`;

/** Over all processes of each pool. */
const quantile = (q: number, metric: string): string =>
  `histogram_quantile(${q}, sum by (pool, le) (${rate(`${metric}_bucket`)}))`;

const ROWS: readonly (readonly Panel[])[] = [
  [
    {
      title: "Processes that serve",
      description: "How many processes of how many say that they are ready.",
      unit: "short",
      stat: true,
      queries: [{ expression: `sum by (pool) (holdfast_ready${OF})`, legend: "{{pool}}" }],
    },
    {
      title: "Requests",
      description: "Requests that arrive per second.",
      unit: "reqps",
      stat: true,
      queries: [{ expression: `sum by (pool) (${rate("holdfast_requests_total")})`, legend: "{{pool}}" }],
    },
    {
      title: "p99",
      description: "99 of 100 requests are answered within this time.",
      unit: "s",
      stat: true,
      queries: [{ expression: quantile(0.99, "holdfast_request_duration_seconds"), legend: "{{pool}}" }],
    },
    {
      title: "Server errors",
      description: "Share of the answers with a status of 500 and above.",
      unit: "percentunit",
      stat: true,
      queries: [
        {
          expression: `sum by (pool) (${rate("holdfast_responses_total", of('class="5xx"'))}) / sum by (pool) (${rate("holdfast_responses_total")})`,
          legend: "{{pool}}",
        },
      ],
    },
  ],
  [
    {
      title: "Requests by how they ended",
      description: "Served by a worker, own pages, refused, cut off, or left by the web server.",
      unit: "reqps",
      stacked: true,
      queries: [
        {
          expression: `sum by (pool, outcome) (${rate("holdfast_requests_finished_total")})`,
          legend: "{{pool}} {{outcome}}",
        },
      ],
    },
    {
      title: "Time to answer",
      description: "From a request's arrival to the end of its answer.",
      unit: "s",
      queries: [0.5, 0.95, 0.99].map((q) => ({
        expression: quantile(q, "holdfast_request_duration_seconds"),
        legend: `{{pool}} p${q * 100}`,
      })),
    },
  ],
  [
    {
      title: "Workers",
      description: "By state; the limit is what `threads` allows.",
      unit: "short",
      stacked: true,
      queries: [
        { expression: `sum by (pool, state) (holdfast_workers${OF})`, legend: "{{pool}} {{state}}" },
        { expression: `sum by (pool) (holdfast_workers_limit${OF})`, legend: "{{pool}} limit" },
      ],
    },
    {
      title: "Queue",
      description: "Requests that wait for a worker; the limit is queue.max.",
      unit: "short",
      queries: [
        { expression: `sum by (pool) (holdfast_queue_length${OF})`, legend: "{{pool}} waiting" },
        { expression: `sum by (pool) (holdfast_queue_limit${OF})`, legend: "{{pool}} limit" },
        { expression: `sum by (pool) (holdfast_connections_waiting${OF})`, legend: "{{pool}} to be accepted" },
      ],
    },
  ],
  [
    {
      title: "Time in the queue and in the handler",
      description: "Where the time of the slow ones goes.",
      unit: "s",
      queries: [
        { expression: quantile(0.99, "holdfast_queue_wait_seconds"), legend: "{{pool}} queue p99" },
        { expression: quantile(0.99, "holdfast_handler_duration_seconds"), legend: "{{pool}} handler p99" },
      ],
    },
    {
      title: "Trouble",
      description: "Refused and broken-off requests by the code that the log gives, and handlers that failed.",
      unit: "cps",
      queries: [
        { expression: `sum by (pool, code) (${rate("holdfast_faults_total")}) > 0`, legend: "{{pool}} {{code}}" },
        {
          expression: `sum by (pool) (${rate("holdfast_handler_failures_total")}) > 0`,
          legend: "{{pool}} handler failed",
        },
        { expression: `sum by (pool) (${rate("holdfast_slow_requests_total")}) > 0`, legend: "{{pool}} slow" },
      ],
    },
  ],
  [
    {
      title: "Memory",
      description: "Resident memory of the processes, and heap and buffers of their workers.",
      unit: "bytes",
      queries: [
        { expression: `sum by (pool) (holdfast_resident_memory_bytes${OF})`, legend: "{{pool}} processes" },
        { expression: `sum by (pool) (holdfast_workers_memory_bytes${OF})`, legend: "{{pool}} workers" },
        { expression: `max by (pool) (holdfast_largest_worker_memory_bytes${OF})`, legend: "{{pool}} largest worker" },
      ],
    },
    {
      title: "Workers that came and went",
      description: "Started, recycled, lost, and those that did not start.",
      unit: "short",
      queries: (["started", "recycled", "lost"] as const)
        .map((what) => ({
          expression: `sum by (pool) (increase(holdfast_workers_${what}_total${OF}[$__rate_interval]))`,
          legend: `{{pool}} ${what}`,
        }))
        .concat({
          expression: `sum by (pool) (increase(holdfast_worker_boot_failures_total${OF}[$__rate_interval]))`,
          legend: "{{pool}} did not start",
        }),
    },
  ],
  [
    {
      title: "Event loops",
      description: "How late the main thread's event loop was, longest and p99.",
      unit: "s",
      queries: [
        {
          expression: `max by (pool, stat) (holdfast_event_loop_delay_seconds${of('stat=~"p99|max"')})`,
          legend: "{{pool}} {{stat}}",
        },
      ],
    },
    {
      title: "Busy",
      description: "Processors in use, and how busy the workers' event loops are on average.",
      unit: "percentunit",
      queries: [
        { expression: `sum by (pool) (${rate("holdfast_cpu_seconds_total")})`, legend: "{{pool}} processors" },
        { expression: `avg by (pool) (holdfast_workers_utilization_ratio${OF})`, legend: "{{pool}} workers" },
      ],
    },
  ],
  [
    {
      title: "Cache",
      description: "Share of the looks at what workers share that found something, by space.",
      unit: "percentunit",
      queries: [
        {
          expression: `sum by (pool, space) (${rate("holdfast_cache_hits_total")}) / (sum by (pool, space) (${rate("holdfast_cache_hits_total")}) + sum by (pool, space) (${rate("holdfast_cache_misses_total")}))`,
          legend: "{{pool}} {{space}}",
        },
      ],
    },
    {
      title: "Memory of the cache",
      description: "What workers share, by space; at most cache.memory for each and process.",
      unit: "bytes",
      queries: [{ expression: `sum by (pool, space) (holdfast_cache_bytes${OF})`, legend: "{{pool}} {{space}}" }],
    },
    {
      title: "Locks",
      description: "Named locks that are held, and requests that wait for one.",
      unit: "short",
      queries: [
        { expression: `sum by (pool) (holdfast_locks_held${OF})`, legend: "{{pool}} held" },
        { expression: `sum by (pool) (holdfast_locks_waiting${OF})`, legend: "{{pool}} waiting" },
      ],
    },
  ],
];

const DATASOURCE = { type: "prometheus", uid: "$datasource" };
const WIDTH = 24;
const STAT_HEIGHT = 4;
const HEIGHT = 8;

export function renderDashboard(): string {
  const dashboard = {
    title: "Holdfast",
    uid: "holdfast",
    description: "Pools of Holdfast: requests, workers, queue, memory.",
    tags: ["holdfast"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
        {
          name: "pool",
          label: "Pool",
          type: "query",
          datasource: DATASOURCE,
          query: { query: "label_values(holdfast_ready, pool)", refId: "pool" },
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: "All", value: "$__all" },
        },
      ],
    },
    panels: panels(),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function panels(): readonly unknown[] {
  let y = 0;
  let id = 1;
  return ROWS.flatMap((row) => {
    const h = row.every(({ stat }) => stat) ? STAT_HEIGHT : HEIGHT;
    const w = WIDTH / row.length;
    const drawn = row.map((panel, column) => grafanaPanel(panel, id++, { x: column * w, y, w, h }));
    y += h;
    return drawn;
  });
}

function grafanaPanel(
  { title, description, unit, queries, stat, stacked }: Panel,
  id: number,
  gridPos: object,
): unknown {
  const custom = {
    fillOpacity: stacked ? 25 : 5,
    stacking: { mode: stacked ? "normal" : "none" },
    showPoints: "never",
  };
  return {
    id,
    title,
    description,
    type: stat ? "stat" : "timeseries",
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, ...(stat ? {} : { custom }) }, overrides: [] },
    options: stat
      ? { reduceOptions: { calcs: ["lastNotNull"] }, textMode: "value_and_name" }
      : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queries.map(({ expression, legend }, n) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + n),
      datasource: DATASOURCE,
      expr: expression,
      legendFormat: legend,
    })),
  };
}
