// Writes the files that are derived from tables in the source. A test fails when one of them differs.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { readTable } from "../src/config/read.ts";
import { renderReference, renderSample } from "../src/config/render.ts";
import { POOL, type PoolConfig } from "../src/config/schema.ts";
import { renderApache } from "../src/deploy/apache.ts";

/** Path from the top of the repository → its text. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "conf/holdfast.sample.toml": renderSample,
  "conf/apache/holdfast.conf": renderSampleApache,
  "docs/reference/configuration.md": renderReference,
};

/** What `holdfast apache` prints for the pool of the sample; that its folder exists is not asked. */
function renderSampleApache(): string {
  const written = { listen: POOL.listen.example, root: POOL.root.example };
  const pool = readTable(POOL, written, (path, message) => {
    throw new Error(`the sample's ${path.join(".")} ${message}`);
  });
  return renderApache([{ name: "www", ...pool } as PoolConfig]);
}

const top = new URL("../../", import.meta.url);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, render] of Object.entries(GENERATED)) {
    const file = new URL(path, top);
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, render());
  }
}
