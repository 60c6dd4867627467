// Bounds what asks a store: whatever the store or its driver does, its asker has an answer in time.

import type { Clock } from "../../src/base/clock.ts";
import { Fault, messageOf } from "../../src/base/fault.ts";

/**
 * What `work` resolves to. Rejects with 503 when that takes longer than `ms`, or when the store fails; a Fault stays
 * what it is. `late` is called where the deadline passed: a connection that does not answer is of no more use.
 */
export async function within<T>(
  work: () => Promise<T>,
  { clock, ms, store, late }: { clock: Clock; ms: number; store: string; late?: () => void },
): Promise<T> {
  let cancel = (): void => {};
  const deadline = new Promise<never>((_resolve, reject) => {
    cancel = clock.at(clock.now() + ms, () => {
      reject(storeFault(store, `has not answered within ${ms} ms`));
      late?.();
    });
  });
  try {
    return await Promise.race([work(), deadline]);
  } catch (error) {
    throw error instanceof Fault ? error : storeFault(store, `failed: ${causeOf(error)}`, error);
  } finally {
    cancel();
  }
}

export function storeFault(store: string, what: string, cause?: unknown): Fault {
  return new Fault("HANDLER", `the session store (${store}) ${what}`, {
    status: 503,
    hint: "Look at the server or the folder that the pool's [session] names.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Node says nothing itself where every address of a name refused. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return messageOf(error);
}
