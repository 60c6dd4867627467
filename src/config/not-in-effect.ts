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
    path: ["listen"],
    asked: ({ listen }) => listen?.kind === "systemd",
    note: "systemd: is not in effect in this version.",
  },
  { path: ["kind"], asked: ({ kind }) => kind === "node", note: "`node` is not in effect in this version." },
  {
    path: ["isolation"],
    asked: ({ isolation }) => isolation === "process",
    note: "`process` is not in effect in this version.",
  },
  { path: ["recycle", "max_requests"], asked: ({ recycle }) => (recycle?.maxRequests ?? 0) > 0 },
  { path: ["recycle", "max_memory"], asked: ({ recycle }) => (recycle?.maxMemoryBytes ?? 0) > 0 },
  { path: ["recycle", "max_process_memory"], asked: ({ recycle }) => (recycle?.maxProcessMemoryBytes ?? 0) > 0 },
  { path: ["status", "path"], asked: ({ status }) => status?.path !== undefined },
  { path: ["status", "ready_path"], asked: ({ status }) => status?.readyPath !== undefined },
  { path: ["status", "metrics_path"], asked: ({ status }) => status?.metricsPath !== undefined },
];
