// What this page would cost as CGI, measured here and now: a Node process is started, compiles the
// source, opens the database, writes the page and ends, a few times in a row. Once per worker.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const RUNS = 3;
const RUN_TIMEOUT_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;

/** The middle one of `runs` runs, in milliseconds, or why there is no figure. */
export type CgiCost = { readonly ms: number; readonly runs: number } | { readonly failed: string };

let asked: Promise<CgiCost> | undefined;
let known: CgiCost | undefined;

/** The figure, if this worker has measured it. */
export function knownCgiCost(): CgiCost | undefined {
  return known;
}

/** Measures, or waits for the measurement that is under way, or gives the one there is. */
export function measureCgiCost(): Promise<CgiCost> {
  asked ??= measure().then((cost) => {
    known = cost;
    return cost;
  });
  return asked;
}

async function measure(): Promise<CgiCost> {
  const script = fileURLToPath(new URL("_cgi.ts", import.meta.url));
  const times: number[] = [];
  try {
    for (let run = 0; run < RUNS; run++) {
      const started = performance.now();
      const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", script], {
        timeout: RUN_TIMEOUT_MS,
        maxBuffer: OUTPUT_LIMIT_BYTES,
      });
      if (!stdout.endsWith("</html>\n")) return { failed: "the script wrote no whole page" };
      times.push(performance.now() - started);
    }
  } catch (error) {
    return { failed: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
  }
  times.sort((a, b) => a - b);
  return { ms: times[RUNS >> 1] ?? 0, runs: RUNS };
}
