// `node dist/bench/report-page.js RESULT.json [COSTS.json] [BODIES.json]`: one HTML file on standard output, with each
// target of performance as reached or not. See README.md.

import { readFileSync } from "node:fs";
import { Fault } from "../src/base/fault.ts";
import { runCommand } from "./command.ts";
import { renderPage } from "./page/html.ts";
import type { Results } from "./page/verdicts.ts";

async function main(files: readonly string[]): Promise<void> {
  if (files.length === 0) {
    throw new Fault("USAGE", "no result is named", { hint: "report-page.js RESULT.json [COSTS.json] [BODIES.json]" });
  }
  process.stdout.write(renderPage(Object.assign({}, ...files.map(read)) as Results));
}

/** A file is known by what it has. */
function read(file: string): Results {
  const report = JSON.parse(readFileSync(file, "utf8"));
  if (Array.isArray(report.parts)) return { bench: report };
  if (Array.isArray(report.curves)) return { costs: report };
  if (Array.isArray(report.rows) && typeof report.mib === "number") return { bodies: report };
  throw new Fault("USAGE", `${file} is no result of the bench, of costs or of bodies`);
}

await runCommand(main);
