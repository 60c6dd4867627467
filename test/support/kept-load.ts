// Clients that each keep one connection and ask on it again and again, until they are told to stop.

import { setTimeout as delay } from "node:timers/promises";
import { connectFastCgi } from "./fastcgi-client.ts";
import { paramsOf } from "./pool.ts";

export interface KeptLoad {
  /** Requests answered with 200 so far. */
  readonly answered: number;
  /** Of each request that was not, why. */
  readonly failures: readonly string[];
  /** Of every reply's body, how many. */
  readonly bodies: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface KeptLoadOptions {
  readonly path: string;
  readonly clients: number;
  readonly uri?: string;
  /** Between two requests of a client, at most; default 2 ms: some are between two requests at any time. */
  readonly pauseMs?: number;
}

/** A client that has failed pauses for so long, ms: a server that is gone refuses as fast as it is asked. */
const FAILED_PAUSE_MS = 10;

/** Stop those that have not been stopped. */
const stops = new Set<() => Promise<void>>();

// A test that fails does not come to stopping its load, which would go on until somebody ends the test run.
afterEach(async () => {
  for (const stop of stops) await stop();
});

/** A client whose connection breaks has failed, and connects again. Stopped after the test at the latest. */
export function keptLoad({ path, clients, uri = "/", pauseMs = 2 }: KeptLoadOptions): KeptLoad {
  let stopping = false;
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  const load = { answered: 0, failures, bodies };
  const run = async (): Promise<void> => {
    while (!stopping) {
      let client: Awaited<ReturnType<typeof connectFastCgi>> | undefined;
      try {
        client = await connectFastCgi({ path }, { timeoutMs: 15_000 });
        while (!stopping) {
          const { status, body } = await client.request({ params: paramsOf(uri) });
          client.forget();
          if (status !== 200) throw new Error(`status ${status}: ${body}`);
          const text = body.toString();
          bodies.set(text, (bodies.get(text) ?? 0) + 1);
          load.answered++;
          await delay(Math.random() * pauseMs);
        }
      } catch (error) {
        failures.push((error as Error).message);
        await delay(FAILED_PAUSE_MS);
      } finally {
        await client?.close();
      }
    }
  };
  const runs = Array.from({ length: clients }, run);
  const stop = async (): Promise<void> => {
    stops.delete(stop);
    stopping = true;
    await Promise.all(runs);
  };
  stops.add(stop);
  return Object.assign(load, { stop });
}
