// The command line of `npm run bench`.

import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";
import { WORKLOADS, type Workload } from "./workload.ts";

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly workloads: readonly Workload[];
  /** Threads or processes of each peer that has a number of them. */
  readonly workers: readonly number[];
  /** HTTP connections to Apache. */
  readonly clients: readonly number[];
  /** Whether a client keeps its connection, or opens one for every request. */
  readonly kinds: readonly ("kept" | "new")[];
  /** Kept FastCGI connections when Apache is left out. */
  readonly connections: number;
  readonly warmUpSeconds: number;
  /** Ids of targets, or of peers; empty: all. */
  readonly only: readonly string[];
  readonly seed: number;
  /** Where the three files go; undefined: nowhere. */
  readonly results: boolean;
}

export const USAGE = `usage: npm run bench -- [--workload ${WORKLOADS.join()} | all]
                        [--rounds 5] [--seconds 4] [--warm-up 2] [--workers 2,…] [--clients 32,…] [--kinds kept,new]
                        [--connections 16] [--only floor,holdfast,…] [--seed N] [--no-results]`;

const KINDS = ["kept", "new"] as const;

export function readOptions(argv: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "4" },
        workload: { type: "string", default: "trivial" },
        workers: { type: "string", default: "2" },
        clients: { type: "string", default: "32" },
        kinds: { type: "string", default: "kept" },
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
      workloads: values.workload === "all" ? WORKLOADS : some("--workload", values.workload, WORKLOADS),
      workers: values.workers.split(",").map((text) => count("--workers", text)),
      clients: values.clients.split(",").map((text) => count("--clients", text)),
      kinds: some("--kinds", values.kinds, KINDS),
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

function some<T extends string>(option: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(",").map((name) => {
    const one = known.find((each) => each === name);
    if (one === undefined) throw new Fault("USAGE", `${option} takes some of ${known.join(", ")}, not ${name}`);
    return one;
  });
}

function count(option: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Fault("USAGE", `${option} takes a whole number of at least 1, not ${text}`);
  return Number(text);
}
