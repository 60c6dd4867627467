// A lock that is a symbolic link, for processes and threads that share nothing but a folder: made in one step, and read in one.
// It leads nowhere: what it says is when its lease ends, and its owner's token. Whoever finds it later may take it.

import { open, readlink, rename, stat, symlink, unlink } from "node:fs/promises";
import type { Lease } from "../store.ts";
import type { WallClock, WallTime } from "../wall-clock.ts";

/** A lease with less left than this is not touched any more: another may be taking it just now. */
const MARGIN_MS = 500;
/** Whoever removes a lock that was left does nothing else meanwhile; it has died if it takes longer, ms. */
const BREAKING_MS = 10_000;

/** True: it is ours. False: another holds it. */
export async function lockFile(path: string, lease: Lease, now: WallClock): Promise<boolean> {
  if (await make(path, lease, now)) return true;
  const over = await isOver(path, now);
  if (over === false || (over && !(await takeAway(path, now)))) return false;
  return make(path, lease, now);
}

/** False: it is not held by this lease any more. */
export async function renewLock(path: string, lease: Lease, now: WallClock): Promise<boolean> {
  if (!(await holdsLock(path, lease, now))) return false;
  const draft = `${path}.${lease.token}`;
  if (!(await make(draft, lease, now))) {
    // What a renewal before it has made and could not put in its place.
    await ignoringAbsence(unlink(draft));
    await symlink(textOf(lease, now), draft);
  }
  await rename(draft, path);
  return true;
}

export async function unlock(path: string, lease: Lease, now: WallClock): Promise<void> {
  // What is about to end, ends by itself: it could be another's by the time it is removed.
  if (await holdsLock(path, lease, now)) await ignoringAbsence(unlink(path));
}

/** With time enough to write something. */
export async function holdsLock(path: string, { token }: Lease, now: WallClock): Promise<boolean> {
  const found = await readLock(path);
  return found !== undefined && found.token === token && found.until > now() + MARGIN_MS;
}

/** Who holds it, or did last; undefined: nobody. */
export async function ownerOf(path: string): Promise<string | undefined> {
  return (await readLock(path))?.token;
}

async function make(path: string, lease: Lease, now: WallClock): Promise<boolean> {
  try {
    await symlink(textOf(lease, now), path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function textOf({ token, ms }: Lease, now: WallClock): string {
  return `${now() + ms}:${token}`;
}

async function readLock(path: string): Promise<{ readonly until: WallTime; readonly token: string } | undefined> {
  let text: string | undefined;
  try {
    text = await ignoringAbsence(readlink(path));
  } catch (error) {
    // No link, so nobody's lock.
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    return { until: 0, token: "" };
  }
  if (text === undefined) return undefined;
  const colon = text.indexOf(":");
  return { until: Number(text.slice(0, colon)), token: text.slice(colon + 1) };
}

/** Undefined: there is none. */
async function isOver(path: string, now: WallClock): Promise<boolean | undefined> {
  const found = await readLock(path);
  return found && !(found.until > now());
}

/** One at a time, and only what is over: a second one would remove what the next owner has made. */
async function takeAway(path: string, now: WallClock): Promise<boolean> {
  const guard = `${path}.break`;
  try {
    await (await open(guard, "wx", 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const stats = await ignoringAbsence(stat(guard));
    if (stats !== undefined && stats.mtimeMs + BREAKING_MS < now()) await ignoringAbsence(unlink(guard));
    return false;
  }
  try {
    // What is not there may be another's in the next moment.
    const over = await isOver(path, now);
    if (over) await ignoringAbsence(unlink(path));
    return over !== false;
  } finally {
    await ignoringAbsence(unlink(guard));
  }
}

export async function ignoringAbsence<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
