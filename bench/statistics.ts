// Medians and spreads of rounds, and ratios between targets. Rounds are interleaved, so a ratio is
// taken round by round: what slowed the machine down for one round slowed both.

import type { Sample } from "./sample.ts";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly way: string;
  readonly detail: string;
  readonly requestsPerSecond: Spread;
  /** To the floor that is reached in the same way; undefined where that was not measured. */
  readonly toFloor: Spread | undefined;
  /** To php-fpm, for what goes through Apache. */
  readonly toPhpFpm: Spread | undefined;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
  readonly cpuMicrosPerRequest: Spread;
  readonly apacheMicrosPerRequest: Spread | undefined;
  readonly residentBytes: Spread;
  /** Of all rounds. */
  readonly requests: number;
  readonly failed: number;
  /** Why the row does not count; empty when it does. */
  readonly errors: readonly string[];
  readonly samples: readonly Sample[];
}

export interface Measured {
  readonly id: string;
  readonly title: string;
  readonly way: string;
  readonly detail: string;
  /** In the order of the rounds. */
  readonly samples: readonly Sample[];
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** The value that `share` of all are at most; of a single one it is that. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

/**
 * How many times as fast `id` is as each of the others that are reached in the same way, or that Apache has by a
 * module in the place of a mount.
 */
export function against(
  id: string,
  measured: readonly Measured[],
): { readonly title: string; readonly times: Spread }[] {
  const own = measured.find((one) => one.id === id);
  if (own === undefined || !isValid(own)) return [];
  return measured
    .filter((other) => other !== own && sameWay(other.way) === sameWay(own.way) && isValid(other))
    .flatMap((other) => {
      const times = ratio(own.samples, other.samples);
      return times === undefined ? [] : [{ title: other.title, times }];
    });
}

const sameWay = (way: string) => (way === "module" ? "ProxyPass" : way);
const isValid = ({ samples }: Measured) => samples.every(({ errors }) => errors.length === 0);

export function rows(measured: readonly Measured[]): Row[] {
  const valid = (id: string) => measured.find((one) => one.id === id && isValid(one));
  return measured.map((one) => {
    const of = (pick: (sample: Sample) => number) => spread(one.samples.map(pick));
    const floor = valid(
      { ProxyPass: "floor", module: "floor", SetHandler: "floor-sethandler", socket: "floor-socket" }[one.way] ?? "",
    );
    const throughApache = one.samples.every(({ apacheMicrosPerRequest }) => apacheMicrosPerRequest !== undefined);
    return {
      ...one,
      requestsPerSecond: of((sample) => sample.requestsPerSecond),
      toFloor: ratio(one.samples, floor?.samples),
      toPhpFpm: throughApache ? ratio(one.samples, valid("php-fpm")?.samples) : undefined,
      p50Us: of((sample) => sample.p50Us),
      p99Us: of((sample) => sample.p99Us),
      cpuMicrosPerRequest: of((sample) => sample.cpuMicrosPerRequest),
      apacheMicrosPerRequest: throughApache ? of((sample) => sample.apacheMicrosPerRequest ?? 0) : undefined,
      residentBytes: of((sample) => sample.residentBytes),
      requests: sum(one.samples.map(({ requests }) => requests)),
      failed: sum(one.samples.map(({ failed }) => failed)),
      errors: [...new Set(one.samples.flatMap(({ errors }) => errors))],
    };
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function ratio(samples: readonly Sample[], to: readonly Sample[] | undefined): Spread | undefined {
  if (to === undefined) return undefined;
  return spread(
    samples.map((sample, round) => sample.requestsPerSecond / (to[round]?.requestsPerSecond ?? Number.NaN)),
  );
}

/** A shuffle that the same seed repeats (mulberry32). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
