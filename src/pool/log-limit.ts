// How many lines of one kind the log takes: who can make us refuse can make us refuse without end.

import type { Clock, Instant } from "../base/clock.ts";

/** Lines of one kind within WINDOW_MS; what is beyond is counted. */
export const LINES_PER_WINDOW = 20;
export const WINDOW_MS = 1000;

interface Window {
  readonly since: Instant;
  lines: number;
  suppressed: number;
}

export class LogLimit {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Undefined: no line now. Else how many of this kind were left out since the last one that was
   * written. `kind` is one of a closed set: a window is kept for each.
   */
  admit(kind: string): number | undefined {
    const now = this.#clock.now();
    let window = this.#windows.get(kind);
    let before = 0;
    if (window === undefined || now - window.since >= WINDOW_MS) {
      before = window?.suppressed ?? 0;
      window = { since: now, lines: 0, suppressed: 0 };
      this.#windows.set(kind, window);
    }
    if (window.lines < LINES_PER_WINDOW) {
      window.lines++;
      return before;
    }
    window.suppressed++;
    return undefined;
  }
}
