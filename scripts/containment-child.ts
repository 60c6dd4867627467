// Runs one fault in a thread of this process and says what became of both, as one line of JSON on
// standard output: `node containment-child.js NAME HEAP_MIB`. If the process dies there is no line,
// and that is the answer.

import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { messageOf } from "../src/base/fault.ts";
import { CONTAINMENT_FAULTS } from "./containment-faults.ts";

/** What a thread does within this time it does; a heap of half a gigabyte takes its time to fill. */
const WATCH_MS = { memory: 20_000, loop: 3000, exit: 3000 };
/** A thread that is told to end has this long. */
const END_MS = 2000;
/** Resident memory beyond the limit at which a thread counts as not limited. */
const BEYOND_MIB = 1024;
const LOOK_MS = 10;

/** `ended`: the thread died by itself. `unlimited`, `runs`: it went on until it was told to end. */
export interface ContainmentOutcome {
  readonly outcome: "ended" | "unlimited" | "runs";
  /** Why the thread ended, or what the code threw. */
  readonly reason?: string;
  readonly afterMs: number;
  readonly peakMib: number;
  /** How long `terminate` took, where it was needed; null: it was not ended within END_MS. */
  readonly terminatedMs?: number | null;
  /** The longest time in which this process's main thread stood still. */
  readonly mainStoodMs: number;
}

const [name = "", heapMib = "64"] = process.argv.slice(2);
const fault = CONTAINMENT_FAULTS.find((each) => each.name === name);
if (fault === undefined) throw new Error(`there is no fault ${name}`);

const { kind } = fault;
let peakMib = 0;
let mainStoodMs = 0;
let lastLook = performance.now();
let threw: string | undefined;

const worker = new Worker(
  `const { parentPort } = require("node:worker_threads");
   setInterval(() => {}, 1000); // its loop goes on, as a worker's does
   setTimeout(() => { try { (() => { ${fault.code} })(); } catch (error) { parentPort.postMessage(String(error)); } }, 100);`,
  { eval: true, resourceLimits: { maxOldGenerationSizeMb: Number(heapMib) }, stdout: true, stderr: true },
);
const begun = performance.now();

function finish(outcome: ContainmentOutcome["outcome"], more: Partial<ContainmentOutcome> = {}): void {
  const reason = more.reason ?? threw;
  const line: ContainmentOutcome = {
    outcome,
    afterMs: Math.round(performance.now() - begun),
    peakMib,
    mainStoodMs: Math.round(mainStoodMs),
    ...more,
    ...(reason === undefined ? {} : { reason }),
  };
  writeSync(1, `${JSON.stringify(line)}\n`);
  // Not exit: it would wait for a thread that cannot be ended.
  process.kill(process.pid, "SIGKILL");
}

worker.on("message", (text: string) => {
  threw = text;
});
worker.on("error", (error) => finish("ended", { reason: messageOf(error) }));
worker.on("exit", (code) => finish("ended", { reason: `exit ${code}` }));

setInterval(() => {
  const now = performance.now();
  mainStoodMs = Math.max(mainStoodMs, now - lastLook - LOOK_MS);
  lastLook = now;
  peakMib = Math.max(peakMib, Math.round(process.memoryUsage.rss() / 1024 / 1024));
  if (peakMib > Number(heapMib) + BEYOND_MIB) end("unlimited");
  else if (now - begun > WATCH_MS[kind]) end("runs");
}, LOOK_MS);

let ending = false;

function end(outcome: "unlimited" | "runs"): void {
  if (ending) return;
  ending = true;
  const told = performance.now();
  const afterMs = Math.round(told - begun);
  worker.removeAllListeners();
  worker.on("error", () => {}); // it is being ended anyway
  setTimeout(() => finish(outcome, { afterMs, terminatedMs: null }), END_MS);
  worker.terminate().then(() => finish(outcome, { afterMs, terminatedMs: Math.round(performance.now() - told) }));
}
