// One temporary folder for everything that a command needs while it runs: sockets, configuration,
// logs. Nobody else can list or write it.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PrivateFolder {
  readonly path: string;
  remove(): void;
}

export function openPrivateFolder(): PrivateFolder {
  const path = mkdtempSync(join(tmpdir(), "holdfast-"));
  // Apache's processes run under another account then, and must reach the socket by its name.
  if (process.getuid?.() === 0) chmodSync(path, 0o711);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
