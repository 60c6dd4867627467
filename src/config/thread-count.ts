// How many workers a process of a pool has: a number, one per processor, or a range between which
// the workforce chooses.

import { availableParallelism } from "node:os";
import { z } from "zod";
import { duration, type Kind, mistake, wholeNumber } from "./kinds.ts";

/** Worker threads of one process. */
export interface ThreadCount {
  /** Kept alive whatever happens; 0: started on demand. */
  readonly min: number;
  /** At most so many serve; replacements and those that drain are not counted. At least 1. */
  readonly max: number;
  /** A worker beyond `min` that had nothing to do for this long is retired. */
  readonly idleTimeoutMs: number;
}

const IDLE_TIMEOUT = "60s";

/** Always the same number of workers. */
export function fixedThreads(count: number): ThreadCount {
  return { min: count, max: count, idleTimeoutMs: 0 };
}

/** "4", "1 to 4": for people. */
export function describeThreads({ min, max }: ThreadCount): string {
  return min === max ? `${max}` : `${min} to ${max}`;
}

/** "auto" is one thread per processor that this machine lets us use, counted when the file is read. */
export const threads = (most: number): Kind<ThreadCount> => {
  const auto = z.literal("auto");
  const form = `"auto", a whole number from 1 to ${most}, or a table such as { min = 1, max = 8 }`;
  const idleTimeout = duration();
  const range = z.strictObject({
    min: wholeNumber(0, most).prefault(1),
    max: z
      .union([auto, wholeNumber(1, most)], { error: `expected "auto" or a whole number from 1 to ${most}` })
      .prefault("auto"),
    idle_timeout: idleTimeout.schema.prefault(IDLE_TIMEOUT),
  });
  return {
    form: `\`"auto"\` (one per processor), a whole number, 1 to ${most}, or a table \`{ min = 1, max = "auto", idle_timeout = "${IDLE_TIMEOUT}" }\``,
    write: ({ min, max, idleTimeoutMs }) =>
      min === max ? max : { min, max, idle_timeout: idleTimeout.write?.(idleTimeoutMs) ?? idleTimeoutMs },
    schema: z.union([auto, wholeNumber(1, most), range], { error: `expected ${form}` }).transform((written, ctx) => {
      const processors = Math.min(availableParallelism(), most);
      if (written === "auto") return fixedThreads(processors);
      if (typeof written === "number") return fixedThreads(written);
      const max = written.max === "auto" ? Math.max(processors, written.min) : written.max;
      if (written.min > max)
        return mistake(ctx, `min is ${written.min} and max is ${max}`, "min must not be above max");
      return { min: written.min, max, idleTimeoutMs: written.min === max ? 0 : written.idle_timeout };
    }),
  };
};
