// Options that are accepted, so that a configuration can be written for what is to come, but that
// nothing obeys yet. Whoever sets one is told. An entry is deleted by the change that obeys it.

import type { PoolConfig } from "./schema.ts";

interface NotInEffect {
  /** The option as written below `pools.NAME`. */
  readonly path: readonly string[];
  /** Whether the value asks for what is not there. */
  readonly asked: (pool: Partial<PoolConfig>) => boolean;
  /** For the reference page, where only some values are not obeyed. */
  readonly note?: string;
}

export const NOT_IN_EFFECT: readonly NotInEffect[] = [
  {
    path: ["isolation"],
    asked: ({ isolation }) => isolation === "process",
    note: "`process` is not in effect in this version.",
  },
];
