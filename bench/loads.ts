// The loads that wrk cannot make: two kinds of requests at a steady rate, of which one is timed, and bodies whose
// bytes are compared at the end that receives them.

import { setTimeout as delay } from "node:timers/promises";
import { HttpClients } from "./http-clients.ts";
import { digestOf, PIECE_BYTES } from "./pattern.ts";
import { BODY } from "./peer.ts";
import type { Load } from "./sample.ts";
import { quantile } from "./statistics.ts";
import { type Direction, transfer } from "./transfer.ts";
import { HEAVY_SHARE, MIXED_PER_SECOND } from "./workload.ts";

const PIECES_PER_MIB = (1024 * 1024) / PIECE_BYTES;
const ERRORS_SHOWN = 3;

export interface MixedLoad {
  readonly port: number;
  readonly light: string;
  readonly heavy: string;
  readonly clients: number;
  readonly seconds: number;
}

/** Percentiles are of the light requests, and count from when one was due. */
export async function mixedLoad({ port, light, heavy, clients, seconds }: MixedLoad): Promise<Load> {
  const heavyClients = Math.max(1, Math.round(clients * HEAVY_SHARE));
  const start = (path: string, count: number, share: number) =>
    new HttpClients({ port, path, clients: count, requestsPerSecond: MIXED_PER_SECOND * share, body: BODY });
  const lights = start(light, Math.max(1, clients - heavyClients), 1 - HEAVY_SHARE);
  const heavies = start(heavy, heavyClients, HEAVY_SHARE);
  await delay(seconds * 1000);
  const [timed, other] = await Promise.all([lights.stop(), heavies.stop()]);
  return {
    requests: timed.answered + other.answered,
    seconds: timed.seconds,
    p50Us: timed.p50Ms * 1000,
    p99Us: timed.p99Ms * 1000,
    errors: shown([...timed.failures, ...other.failures]),
  };
}

export interface BodyLoad {
  readonly direction: Direction;
  readonly url: string;
  readonly mib: number;
  /** Each has one body under way. */
  readonly clients: number;
  readonly seconds: number;
}

export async function bodyLoad({ direction, url, mib, clients, seconds }: BodyLoad): Promise<Load> {
  const pieces = mib * PIECES_PER_MIB;
  const digest = digestOf(pieces);
  const errors: string[] = [];
  const tookUs: number[] = [];
  const begun = performance.now();
  const client = async () => {
    while (performance.now() - begun < seconds * 1000 && errors.length === 0) {
      const { seconds: took, error } = await transfer(direction, url, pieces, digest);
      if (error === undefined) tookUs.push(took * 1e6);
      else errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  tookUs.sort((a, b) => a - b);
  return {
    requests: tookUs.length,
    seconds: (performance.now() - begun) / 1000,
    p50Us: quantile(tookUs, 0.5),
    p99Us: quantile(tookUs, 0.99),
    errors: shown(errors),
  };
}

function shown(errors: readonly string[]): string[] {
  if (errors.length <= ERRORS_SHOWN) return [...errors];
  return [...errors.slice(0, ERRORS_SHOWN), `${errors.length - ERRORS_SHOWN} more`];
}
