// A time as an author writes it → milliseconds.

import type { Duration } from "../src/app/shared.ts";
import { Fault } from "../src/base/fault.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `what` is named in the Fault (HANDLER) that refuses anything else; `least` is allowed. */
export function milliseconds(written: Duration, what: string, least = 1): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(written)) ?? [];
  const ms = typeof written === "number" ? written : Number(number) * (UNITS[unit] ?? Number.NaN);
  if (number === "" && typeof written !== "number") throw refusal(written, what);
  if (ms >= least) return ms;
  throw refusal(written, what);
}

function refusal(written: unknown, what: string): Fault {
  return new Fault("HANDLER", `${what} cannot be ${JSON.stringify(written) ?? String(written)}`, {
    hint: 'Give milliseconds, or a number with its unit: "250ms", "30s", "5m", "12h", "7d".',
  });
}
