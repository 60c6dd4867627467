import { systemClock } from "../../../src/base/clock.ts";

/** Resolves after about `ms`: a random part more or less, so that those who wait for the same do not come together. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.at(systemClock.now() + ms * (0.5 + Math.random()), resolve);
  });
}
