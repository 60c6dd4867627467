// A database's driver: the app's own if it has one, else one that is installed beside Holdfast.

import { createRequire } from "node:module";
import { join } from "node:path";
import { Fault } from "../../../src/base/fault.ts";

/** `from`: a file or folder of the app. Throws HANDLER where the package is nowhere. */
export function loadDriver(name: string, store: string, from: string): unknown {
  for (const base of [join(from, "package.json"), from, import.meta.url]) {
    const require = createRequire(base);
    let path: string;
    try {
      path = require.resolve(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") continue;
      throw error;
    }
    return require(path);
  }
  throw new Fault("HANDLER", `session.store = "${store}" needs the package ${name}, which is not installed`, {
    hint: `Run \`npm install ${name}\` in the app's folder.`,
  });
}
