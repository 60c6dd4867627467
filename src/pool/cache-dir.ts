// Where transpiled code is kept between starts: a folder that nobody else can write, or none.

import { lstat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { makeFolder } from "../base/make-folder.ts";

/**
 * $CACHE_DIRECTORY (systemd), else $XDG_CACHE_HOME or ~/.cache, else the temporary folder; created
 * with mode 0700. Undefined when none of them can be had for ourselves alone.
 */
export async function privateCacheDir(): Promise<string | undefined> {
  const uid = process.getuid?.() ?? 0;
  const candidates = [
    process.env.CACHE_DIRECTORY,
    path.join(process.env.XDG_CACHE_HOME ?? path.join(home(), ".cache"), "holdfast"),
    path.join(tmpdir(), `holdfast-${uid}`),
  ];
  for (const candidate of candidates) {
    if (candidate !== undefined && path.isAbsolute(candidate) && (await isOurs(candidate, uid))) return candidate;
  }
  return undefined;
}

/** "" for a user id that the user database does not know; a relative candidate is passed over. */
function home(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

async function isOurs(folder: string, uid: number): Promise<boolean> {
  try {
    await makeFolder(folder, 0o700);
    const stat = await lstat(folder);
    return stat.isDirectory() && stat.uid === uid && (stat.mode & 0o022) === 0;
  } catch {
    // Not writable, or no home: the next candidate.
    return false;
  }
}
