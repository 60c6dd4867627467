// How much a series rises or falls over a time, beside how large it is.

import { spread } from "../../bench/statistics.ts";

export interface Point {
  /** Any unit of time. */
  readonly at: number;
  readonly value: number;
}

/** Fewer say nothing of a tendency. */
const LEAST_POINTS = 4;

/**
 * The rise of the straight line through the points (least squares) from the first to the last, as a
 * share of their median: 0.05 is 5 % more at the end. Undefined for too few points.
 */
export function drift(points: readonly Point[]): number | undefined {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < LEAST_POINTS || last.at === first.at)
    return undefined;
  const { median } = spread(points.map(({ value }) => value));
  const rise = slope(points) * (last.at - first.at);
  return rise === 0 ? 0 : rise / median;
}

function slope(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const atMean = mean(({ at }) => at);
  const valueMean = mean(({ value }) => value);
  return mean(({ at, value }) => (at - atMean) * (value - valueMean)) / mean(({ at }) => (at - atMean) ** 2);
}

/** The points of the second half of the time: what starting took is over. */
export function secondHalf(points: readonly Point[]): readonly Point[] {
  const from = points[0]?.at ?? 0;
  const to = points.at(-1)?.at ?? 0;
  return points.filter(({ at }) => at >= (from + to) / 2);
}

/** The medians of the first and the last quarter of the time. */
export function quarters(points: readonly Point[]): { readonly first: number; readonly last: number } {
  const from = points[0]?.at ?? 0;
  const length = (points.at(-1)?.at ?? 0) - from;
  const median = (some: readonly Point[]) => spread(some.map(({ value }) => value)).median;
  return {
    first: median(points.filter(({ at }) => at <= from + length / 4)),
    last: median(points.filter(({ at }) => at >= from + (length * 3) / 4)),
  };
}
