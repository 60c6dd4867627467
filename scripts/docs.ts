// Writes the files that are derived from tables in the source. A test fails when one of them differs.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { renderReference, renderSample } from "../src/config/render.ts";

/** Path from the top of the repository → its text. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "conf/holdfast.sample.toml": renderSample,
  "docs/reference/configuration.md": renderReference,
};

const top = new URL("../../", import.meta.url);

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1])) {
  for (const [path, render] of Object.entries(GENERATED)) {
    const file = new URL(path, top);
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, render());
  }
}
