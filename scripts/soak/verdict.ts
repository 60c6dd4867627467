// Whether a soak went well: of every promise, whether it was kept, and the figures.

import { drift, type Point, quarters, secondHalf } from "./drift.ts";

/** A series may rise by so much of its median in the second half. */
export const DRIFT_LIMIT = 0.05;
/**
 * The 99th percentile may be so many times as long in the last quarter as in the first; more only as
 * far as Apache's own replies, which no pool sees, became slower too.
 */
export const SLOWER_LIMIT = 1.5;

export interface Series {
  readonly title: string;
  readonly points: readonly Point[];
}

export interface Judged {
  readonly title: string;
  readonly kept: boolean;
  readonly figures: string;
}

export interface DriftJudged extends Judged {
  /** Undefined: too few points to say. */
  readonly drift: number | undefined;
}

/** A fall is no leak; too few points break no promise, and keep none. */
export function judgeDrift({ title, points }: Series): DriftJudged {
  const late = secondHalf(points);
  const share = drift(late);
  return {
    title,
    drift: share,
    kept: share === undefined || share < DRIFT_LIMIT,
    figures: share === undefined ? `too short to say (${late.length} points)` : percent(share),
  };
}

/** How often something happened that should not have. */
export function judgeCount(title: string, count: number): Judged {
  return { title, kept: count === 0, figures: String(count) };
}

/** How often something happened that should have. */
export function judgeSome(title: string, count: number): Judged {
  return { title, kept: count > 0, figures: String(count) };
}

/** 99th percentiles of the intervals; `still`: of what Apache answers itself. */
export function judgeLatency(title: string, p99: readonly Point[], still: readonly Point[]): Judged {
  const own = quarters(p99);
  const machine = quarters(still);
  const slower = own.last / own.first;
  const machineSlower = machine.last / machine.first;
  return {
    title,
    kept: slower <= SLOWER_LIMIT * Math.max(1, machineSlower),
    figures:
      `${own.first.toFixed(1)} → ${own.last.toFixed(1)} ms, × ${slower.toFixed(2)}; ` +
      `Apache's own file ${machine.first.toFixed(1)} → ${machine.last.toFixed(1)} ms, × ${machineSlower.toFixed(2)}`,
  };
}

export function percent(share: number): string {
  return `${share < 0 ? "−" : "+"}${(Math.abs(share) * 100).toFixed(1)} %`;
}
