// The command line of `npm run bench`.

import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  /** Kept HTTP connections to Apache. */
  readonly clients: number;
  /** Kept FastCGI connections when Apache is left out. */
  readonly connections: number;
  readonly warmUpSeconds: number;
  /** Ids of targets, or of peers; empty: all. */
  readonly only: readonly string[];
  readonly seed: number;
  /** Where the three files go; undefined: nowhere. */
  readonly results: boolean;
}

export const USAGE = `usage: npm run bench -- [--rounds 5] [--seconds 4] [--clients 32] [--connections 16] [--warm-up 2]
                        [--only floor,holdfast,…] [--seed N] [--no-results]`;

export function readOptions(argv: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "4" },
        clients: { type: "string", default: "32" },
        connections: { type: "string", default: "16" },
        "warm-up": { type: "string", default: "2" },
        only: { type: "string", default: "" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        results: { type: "boolean", default: true },
      },
    });
    return {
      rounds: count("--rounds", values.rounds),
      seconds: count("--seconds", values.seconds),
      clients: count("--clients", values.clients),
      connections: count("--connections", values.connections),
      warmUpSeconds: count("--warm-up", values["warm-up"]),
      only: values.only.split(",").filter((name) => name !== ""),
      seed: count("--seed", values.seed),
      results: values.results,
    };
  } catch (cause) {
    throw new Fault("USAGE", cause instanceof Error ? cause.message : String(cause), { cause, hint: USAGE });
  }
}

function count(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Fault("USAGE", `${option} takes a whole number of at least 1, not ${text}`);
  return Number(text);
}
