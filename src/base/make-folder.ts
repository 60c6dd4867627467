// A folder, with those above it. Node's own `recursive` never ends, and keeps its thread from ending, where a file system
// says of every name that it is not there, as /proc does.

import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Does nothing where there is one, whatever its mode. Rejects with what the system says. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === path) throw error;
    await makeFolder(parent, mode);
    await makeOne(path, mode);
  }
}

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    // Where nothing may be made there may be one all the same: EEXIST, EROFS, EACCES.
    const isThere = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isThere) throw error;
  }
}
