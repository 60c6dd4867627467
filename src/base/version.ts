// The version of the running installation, from its package.json. No file of ours is imported here.

import { readFileSync } from "node:fs";

/** Such as "0.1.0". */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string }
).version;
