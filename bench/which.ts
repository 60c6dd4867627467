// Finds a program as the shell would, and in the folders that only root has on its PATH.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";

export function which(...names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // the next folder may have it
      }
    }
  }
  return undefined;
}
