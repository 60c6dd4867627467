// What is judged of the looks at the processes: each as a series over the minutes.

import { spread } from "../../bench/statistics.ts";
import type { Point } from "./drift.ts";
import type { PoolName } from "./host.ts";
import type { Interval } from "./load.ts";
import type { Series } from "./verdict.ts";
import type { PoolLook, ProcessLook } from "./watch.ts";

const MIB = 1024 * 1024;

/** Everything that was seen at one moment. */
export interface Sample {
  readonly minute: number;
  /** Processes of the machine that wanted a core in the last minute. */
  readonly load: number;
  readonly interval: Interval;
  readonly supervisor: ProcessLook;
  readonly steady: PoolLook | undefined;
  readonly renewed: PoolLook | undefined;
}

export interface TitledSeries extends Series {
  /** What the values are counted in; "" for plain numbers. */
  readonly unit: string;
}

type Measure<Of> = readonly [title: string, unit: string, of: (look: Of) => number];

// Not the proportional memory: it changes with who else runs the same program.
const PROCESS: readonly Measure<ProcessLook>[] = [
  ["resident", "MiB", ({ residentBytes }) => residentBytes / MIB],
  ["anonymous", "MiB", ({ anonymousBytes }) => anonymousBytes / MIB],
  ["threads", "", ({ threads }) => threads],
  ["memory mappings", "", ({ mappings }) => mappings],
];
const SUPERVISOR: readonly Measure<ProcessLook>[] = [...PROCESS, ["descriptors", "", ({ descriptors }) => descriptors]];
// Nor the heap of a worker, which begins anew with each of them; what one leaves behind is in the process's memory.
const POOL: readonly Measure<PoolLook>[] = [
  ...PROCESS,
  // How many connections Apache keeps is Apache's.
  ["descriptors besides connections", "", ({ descriptors, connections }) => descriptors - connections],
];

export function seriesOf(samples: readonly Sample[]): readonly TitledSeries[] {
  return [
    ...SUPERVISOR.map(([title, unit, of]) => ({
      title: `supervisor: ${title}`,
      unit,
      points: samples.map(({ minute, supervisor }) => ({ at: minute, value: of(supervisor) })),
    })),
    ...POOL.map(([title, unit, of]) => ({
      title: `steady: ${title}`,
      unit,
      points: poolPoints(samples, "steady", of),
    })),
    ...POOL.map(([title, unit, of]) => ({
      title: `renewed: ${title}`,
      unit,
      points: lives(samples, of),
    })),
  ];
}

export function poolPoints(
  samples: readonly Sample[],
  pool: PoolName,
  of: (look: PoolLook) => number,
): readonly Point[] {
  return samples.flatMap(({ minute, [pool]: look }) => (look === undefined ? [] : [{ at: minute, value: of(look) }]));
}

/** A point for each process of the pool that is reloaded, the median of its life: a young one is small. */
function lives(samples: readonly Sample[], of: (look: PoolLook) => number): readonly Point[] {
  const byPid = new Map<number, Point[]>();
  for (const { minute, renewed } of samples) {
    if (renewed === undefined) continue;
    const life = byPid.get(renewed.pid) ?? [];
    life.push({ at: minute, value: of(renewed) });
    byPid.set(renewed.pid, life);
  }
  return [...byPid.values()].map((life) => ({
    at: life[0]?.at ?? 0,
    value: spread(life.map(({ value }) => value)).median,
  }));
}
