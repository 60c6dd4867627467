// What `serve` and `request` are pointed at: a folder of handlers, or one app module.

import { realpathSync, type Stats, statSync } from "node:fs";
import { extname } from "node:path";
import { Fault } from "../base/fault.ts";

export interface Target {
  readonly kind: "root" | "app";
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly ownerUid: number;
}

const MODULES = [".ts", ".mts", ".cts", ".tsx", ".tsp", ".js", ".mjs", ".cjs", ".jsx"];

/** Throws Fault USAGE for what does not exist or cannot be run. */
export function findTarget(written: string): Target {
  let path: string;
  let stats: Stats;
  try {
    path = realpathSync(written);
    stats = statSync(path);
  } catch (cause) {
    throw new Fault("USAGE", `${written} cannot be read: ${(cause as Error).message}`, {
      hint: "name a folder of handlers or one app module",
      cause,
    });
  }
  if (stats.isDirectory()) return { kind: "root", path, ownerUid: stats.uid };
  if (stats.isFile() && MODULES.includes(extname(path))) return { kind: "app", path, ownerUid: stats.uid };
  throw new Fault("USAGE", `${written} is neither a folder nor a module`, {
    hint: `a module ends in ${MODULES.join(", ")}`,
  });
}
