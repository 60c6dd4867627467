// What `holdfast apache` prints for the pools of a file of this checkout, for a machine that is not this
// one: whether their folders are there is not asked.

import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { readTable } from "../src/config/read.ts";
import { POOL, type PoolConfig } from "../src/config/schema.ts";
import { renderApache } from "../src/deploy/apache.ts";

/** Throws with the file's name for an option that is wrong. */
export function renderApacheOf(file: string): string {
  const { pools } = parse(readFileSync(file, "utf8")) as { readonly pools: Readonly<Record<string, unknown>> };
  return renderApache(Object.entries(pools).map(([name, written]) => readPool(file, name, written)));
}

/** A pool as it is written, without a look at this machine. */
export function readPool(where: string, name: string, written: unknown): PoolConfig {
  const pool = readTable(POOL, written, (path, message) => {
    throw new Error(`${where}: ${path.join(".")} ${message}`);
  });
  return { name, ...pool } as PoolConfig;
}
