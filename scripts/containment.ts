// Measures what a thread's heap limit, and `terminate`, contain: every fault in a thread of a process
// of its own, on this Node and on those of MAJORS. Writes bench/results and prints a table:
// `npm run measure:containment`.

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ContainmentOutcome } from "./containment-child.ts";
import { CONTAINMENT_FAULTS, type ContainmentFault } from "./containment-faults.ts";

const MAJORS = [22, 24];
const HEAPS_MIB = [64, 512];
/** A child that has said nothing by then is itself stuck. */
const CHILD_DEADLINE_MS = 30_000;

const CHILD = fileURLToPath(new URL("containment-child.js", import.meta.url));
const RESULTS = fileURLToPath(new URL("../../bench/results/", import.meta.url));

type Measured =
  | ContainmentOutcome
  | { readonly outcome: "process died"; readonly reason: string; readonly afterMs: number }
  | { readonly outcome: "process stuck"; readonly afterMs: number };

interface Row {
  readonly fault: string;
  readonly heapMib: number;
  readonly node: string;
  readonly measured: Measured;
}

function nodeOf(major: number): string {
  const args = ["--yes", `--package=node@${major}`, "--", "node", "-p", "process.execPath"];
  return execFileSync("npx", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

function measure(node: string, fault: ContainmentFault, heapMib: number): Measured {
  const begun = performance.now();
  const child = spawnSync(node, [CHILD, fault.name, String(heapMib)], {
    encoding: "utf8",
    timeout: CHILD_DEADLINE_MS,
    killSignal: "SIGKILL",
  });
  const afterMs = Math.round(performance.now() - begun);
  const line = child.stdout.trim();
  if (line !== "") return JSON.parse(line) as ContainmentOutcome;
  if (child.error !== undefined) return { outcome: "process stuck", afterMs };
  const fatal = /FATAL ERROR: .*/.exec(child.stderr)?.[0];
  return {
    outcome: "process died",
    reason: [child.signal ?? `code ${child.status}`, fatal].filter(Boolean).join(", "),
    afterMs,
  };
}

function inWords(measured: Measured): string {
  switch (measured.outcome) {
    case "process died":
      return `**process died** (${measured.reason.split(",")[0]})`;
    case "process stuck":
      return "**process stuck**";
    case "ended":
      return `thread ended, ${(measured.afterMs / 1000).toFixed(1)} s`;
    case "unlimited":
    case "runs": {
      const what =
        measured.outcome === "unlimited" ? "**not limited**" : measured.reason === undefined ? "goes on" : "threw";
      return `${what}; ${measured.terminatedMs === null ? "**cannot be ended**" : `ended in ${measured.terminatedMs} ms`}`;
    }
  }
}

const nodes = [...MAJORS.map(nodeOf), process.execPath];
const versions = nodes.map((node) => execFileSync(node, ["--version"], { encoding: "utf8" }).trim());
const rows: Row[] = [];
const only = process.argv[2];

console.log(
  `| fault | heap limit | ${versions.join(" | ")} |\n| --- | --- | ${versions.map(() => "---").join(" | ")} |`,
);
for (const fault of CONTAINMENT_FAULTS) {
  if (only !== undefined && !fault.name.includes(only)) continue;
  for (const heapMib of fault.kind === "memory" ? HEAPS_MIB : HEAPS_MIB.slice(0, 1)) {
    const measured = nodes.map((node) => measure(node, fault, heapMib));
    measured.forEach((each, at) => {
      rows.push({ fault: fault.name, heapMib, node: versions[at] ?? "", measured: each });
    });
    console.log(`| ${fault.name} | ${heapMib} MiB | ${measured.map(inWords).join(" | ")} |`);
  }
}

if (only === undefined) {
  const commit = execFileSync("git", ["rev-parse", "--short=10", "HEAD"], { encoding: "utf8" }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const result = { date, commit, command: "npm run measure:containment", versions, rows };
  writeFileSync(`${RESULTS}${date}-${commit}-containment.json`, `${JSON.stringify(result, null, 1)}\n`);
}
