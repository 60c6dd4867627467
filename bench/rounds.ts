// Every target once in every round, in an order of the round's own, after a warm-up of each.

import { say } from "./command.ts";
import type { Options } from "./options.ts";
import { shuffled } from "./statistics.ts";

interface Told {
  readonly requestsPerSecond: number;
  readonly errors: readonly string[];
}

/** The samples of each target, in the order of the rounds. */
export async function measureRounds<T extends { readonly id: string }, S extends Told>(
  targets: readonly T[],
  measure: (target: T, seconds: number) => Promise<S>,
  { rounds, seconds, warmUpSeconds, seed }: Options,
): Promise<Map<T, S[]>> {
  const samples = new Map<T, S[]>(targets.map((target) => [target, []]));
  for (const target of targets) {
    say(`warm-up  ${target.id}`);
    await measure(target, warmUpSeconds);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const target of shuffled(targets, seed + round)) {
      const sample = await measure(target, seconds);
      samples.get(target)?.push(sample);
      const rate = Math.round(sample.requestsPerSecond);
      say(`round ${round}/${rounds}  ${target.id.padEnd(22)} ${rate} req/s  ${sample.errors.join("; ")}`);
    }
  }
  return samples;
}
