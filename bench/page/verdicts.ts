// The targets of performance, each against what result files say of it.

import type { CostReport } from "../costs.ts";
import type { Part, Report } from "../report.ts";
import { type Row, type Spread, spread } from "../statistics.ts";

/** The files that a page is made of, as far as they were given. */
export interface Results {
  readonly bench?: Report;
  readonly costs?: CostReport;
  readonly bodies?: BodiesReport;
}

export interface BodiesReport {
  readonly mib: number;
  readonly rows: readonly {
    readonly title: string;
    readonly direction: "up" | "down";
    readonly mibPerSecond: Spread;
    readonly growthMib: Spread;
    readonly errors: readonly string[];
  }[];
}

export interface Verdict {
  readonly what: string;
  readonly wanted: string;
  /** Undefined: none of the files has it. */
  readonly got: Spread | undefined;
  readonly unit: string;
  readonly reached: boolean | undefined;
}

interface Target {
  readonly what: string;
  readonly least?: number;
  readonly most?: number;
  readonly unit?: string;
  got(results: Results): Spread | undefined;
}

const IDLE_CONNECTIONS = 10_000;
const STANDARD = { workers: 2, clients: 32, connections: "kept" } as const;

const TARGETS: readonly Target[] = [
  times("the floor, mounted the same way", "holdfast", "floor", 0.85),
  times("php-fpm", "holdfast", "php-fpm", 1.3),
  times("node:http behind mod_proxy_http", "holdfast", "node-http", 1),
  times("mod_wsgi", "holdfast", "mod_wsgi", 1.6),
  times("node-fastcgi", "holdfast", "node-fastcgi", 3.5),
  times("Node CGI", "holdfast", "node-cgi", 200),
  times("the floor, straight at the socket", "holdfast-socket", "floor-socket", 0.12),
  times("node-fastcgi, straight at the socket", "holdfast-socket", "node-fastcgi-socket", 6),
  {
    what: "mixed load: p99 of the light requests ÷ that of php-fpm with as many workers",
    most: 1.3,
    got: ({ bench }) => ratio(partOf(bench, "mixed"), "holdfast", "php-fpm-few", ({ p99Us }) => p99Us),
  },
  ...(["up", "down"] as const).flatMap((direction) => bodies(direction)),
  {
    what: "first reply after `holdfast start`, one worker",
    most: 600,
    unit: "ms",
    got: (results) => single(points(results, "workers").find(({ x }) => x === 1)?.firstReplyMs),
  },
  { what: "a worker thread", most: 14, unit: "MiB", got: (results) => single(slope(points(results, "workers"))) },
  {
    what: `${IDLE_CONNECTIONS.toLocaleString("en")} idle connections`,
    most: 100,
    unit: "MiB more",
    got: (results) =>
      single(
        idle(
          results,
          ({ mib }) => mib,
          (full, none) => full - none,
        ),
      ),
  },
  {
    what: "p99 of a light load beside them ÷ that without (unchanged: within a quarter)",
    most: 1.25,
    got: (results) =>
      single(
        idle(
          results,
          ({ p99Ms }) => p99Ms,
          (full, none) => full / none,
        ),
      ),
  },
];

export function verdicts(results: Results): Verdict[] {
  return TARGETS.map(({ what, least, most, unit = "", got }) => {
    const found = got(results);
    const reached =
      found === undefined || Number.isNaN(found.median)
        ? undefined
        : found.median >= (least ?? Number.NEGATIVE_INFINITY) && found.median <= (most ?? Number.POSITIVE_INFINITY);
    const wanted = `${least === undefined ? `≤ ${most}` : `≥ ${least}`} ${unit}`.trim();
    return { what, wanted, got: reached === undefined ? undefined : found, unit, reached };
  });
}

function times(what: string, id: string, to: string, least: number): Target {
  const got = ({ bench }: Results) =>
    ratio(partOf(bench, "trivial"), id, to, ({ requestsPerSecond }) => requestsPerSecond);
  return { what: `small reply: requests per second ÷ ${what}`, least, got };
}

function bodies(direction: "up" | "down"): Target[] {
  const row = (results: Results, title: string) =>
    results.bodies?.rows.find(
      (one) => one.direction === direction && one.title.startsWith(title) && one.errors.length === 0,
    );
  const size = `1 GiB ${direction}`;
  return [
    {
      what: `${size}: MiB/s ÷ node:http behind mod_proxy_http`,
      least: 1,
      got: (results) => {
        const [own, other] = [row(results, "Holdfast"), row(results, "node:http")];
        return own && other && single(own.mibPerSecond.median / other.mibPerSecond.median);
      },
    },
    { what: `${size}: growth`, most: 32, unit: "MiB", got: (results) => row(results, "Holdfast")?.growthMib },
  ];
}

/** The first part of this workload at the numbers that the targets are for. */
function partOf(bench: Report | undefined, workload: Part["workload"]): Part | undefined {
  const { workers, clients, connections } = STANDARD;
  return bench?.parts.find(
    (part) =>
      part.workload === workload &&
      part.workers === workers &&
      part.clients === clients &&
      part.connections === connections,
  );
}

/** Round by round, of two rows without a wrong reply. */
function ratio(
  part: Part | undefined,
  id: string,
  to: string,
  pick: (sample: Row["samples"][number]) => number,
): Spread | undefined {
  const row = (wanted: string) => part?.rows.find((one) => one.id === wanted && one.errors.length === 0);
  const [own, other] = [row(id), row(to)];
  if (own === undefined || other === undefined) return undefined;
  return spread(
    own.samples.map((sample, round) => {
      const beside = other.samples[round];
      return pick(sample) / (beside === undefined ? Number.NaN : pick(beside));
    }),
  );
}

const points = ({ costs }: Results, id: string) => costs?.curves.find((curve) => curve.id === id)?.points ?? [];
const single = (value: number | undefined) => (value === undefined ? undefined : spread([value]));

function slope(workers: readonly { readonly x: number; readonly mib: number }[]): number | undefined {
  const [first, last] = [workers[0], workers.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  return (last.mib - first.mib) / (last.x - first.x);
}

function idle(
  results: Results,
  pick: (point: ReturnType<typeof points>[number]) => number | undefined,
  compare: (full: number, none: number) => number,
): number | undefined {
  const at = (x: number) => points(results, "connections").find((point) => point.x === x);
  const [full, none] = [at(IDLE_CONNECTIONS), at(0)].map((point) => point && pick(point));
  return full === undefined || none === undefined ? undefined : compare(full, none);
}
