// Waits for a condition by looking again, with a deadline: for what gives no event.

import { setTimeout as delay } from "node:timers/promises";

/** Resolves with the first value that is neither undefined nor false. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${look}`);
    await delay(10);
  }
}
