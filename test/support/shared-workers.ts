// What the workers of a pool share, without threads and lanes: each end's frames reach the other in the next
// turn of the event loop.

import type { Clock } from "../../src/base/clock.ts";
import { BatchWriter, readBatch } from "../../src/messages/batch.ts";
import { SharedState, type SharedStateOptions } from "../../src/pool/state/shared-state.ts";
import { LanePoolState } from "../../workers/pool-state.ts";

export interface SharedWorkers {
  readonly shared: SharedState;
  /** One for each worker, whose numbers begin at 1. */
  readonly states: readonly LanePoolState[];
  /** What was said of locks that were held for too long. */
  readonly overheld: string[];
}

export function sharedWorkers(clock: Clock, count: number, options: Partial<SharedStateOptions> = {}): SharedWorkers {
  const overheld: string[] = [];
  const answers = Array.from({ length: count }, () => new BatchWriter());
  const answer = (): void => {
    for (const [index, writer] of answers.entries()) {
      deliver(writer, (payload) => states[index]?.answered(payload));
    }
  };
  const shared = new SharedState({
    clock,
    memoryBytes: 32 * 1024 * 1024,
    valueLimitBytes: 1024 * 1024,
    stirred: () => setImmediate(answer),
    persist: false,
    inherited: () => {},
    overheld: (name, worker) => overheld.push(`${name} of ${worker}`),
    ...options,
  });
  const states = answers.map((writer, index) => {
    const asks = new BatchWriter();
    const ask = (): void => {
      deliver(asks, (payload) => shared.asked({ id: index + 1, answers: writer }, payload));
      setImmediate(answer);
    };
    return new LanePoolState({ writer: asks, stirred: () => setImmediate(ask) }, clock);
  });
  return { shared, states, overheld };
}

function deliver(from: BatchWriter, take: (payload: Buffer) => void): void {
  if (from.empty) return;
  const batch = Buffer.from(from.take());
  readBatch(batch, (_kind, _slot, start, end) => take(batch.subarray(start, end)));
}
