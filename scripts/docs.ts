// Writes the files that are derived from tables in the source. A test fails when one of them differs.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { renderReference, renderSample } from "../src/config/render.ts";
import { renderAccessReference } from "../src/config/render-access.ts";
import { POOL } from "../src/config/schema.ts";
import { renderApache } from "../src/deploy/apache.ts";
import { renderMetricsReference } from "../src/telemetry/render-metrics.ts";
import { renderDashboard } from "./dashboard.ts";
import { readPool, renderApacheOf } from "./render-apache.ts";

const top = new URL("../../", import.meta.url);

/** Path from the top of the repository → its text. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "conf/holdfast.sample.toml": renderSample,
  "conf/apache/holdfast.conf": renderSampleApache,
  "conf/docker/httpd-pool.conf": () => renderApacheOf(fileURLToPath(new URL("conf/docker/pool.d/www.toml", top))),
  "conf/grafana/holdfast.json": renderDashboard,
  "docs/reference/access-log.md": renderAccessReference,
  "docs/reference/configuration.md": renderReference,
  "docs/reference/metrics.md": renderMetricsReference,
};

/** What `holdfast apache` prints for the pool of the sample. */
function renderSampleApache(): string {
  const written = { listen: POOL.listen.example, root: POOL.root.example };
  return renderApache([readPool("the sample", "www", written)]);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, render] of Object.entries(GENERATED)) {
    const file = new URL(path, top);
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, render());
  }
}
