// The long form: a million. HOLDFAST_RESULTS=1 writes what came of it to bench/results.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment } from "../../bench/environment.ts";
import { nobodySeesAnother } from "../contracts/visitors.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

describe("state", () => {
  nobodySeesAnother(1_000_000, 4 * 60 * 60 * 1000, (report) => {
    if (process.env.HOLDFAST_RESULTS === undefined) return;
    const { date, commit, node, cores, load } = environment(REPOSITORY, "npm run test:long");
    const file = join(REPOSITORY, "bench/results", `${date.slice(0, 10)}-${commit}-visitors.json`);
    writeFileSync(file, `${JSON.stringify({ date, commit, node, cores, load, ...report }, null, 1)}\n`);
  });
});
