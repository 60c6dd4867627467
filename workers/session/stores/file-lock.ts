// A lock that is a file, for processes and threads that share nothing but a folder. It holds its owner's token,
// and its time of change is when its lease ends; whoever finds it later may take it.

import { link, open, readFile, stat, unlink, utimes } from "node:fs/promises";
import type { Lease } from "../store.ts";
import type { WallClock } from "../wall-clock.ts";

/** A lease with less left than this is not touched any more: another may be taking it just now. */
const MARGIN_MS = 500;
/** Whoever removes a lock that was left does nothing else meanwhile; it has died if it takes longer, ms. */
const BREAKING_MS = 10_000;

/** True: it is ours. False: another holds it. */
export async function lockFile(path: string, lease: Lease, now: WallClock): Promise<boolean> {
  if (await make(path, lease, now)) return true;
  if (!(await isOver(path, now)) || !(await takeAway(path, now))) return false;
  return make(path, lease, now);
}

/** False: it is not held by this lease any more. */
export async function renewLock(path: string, lease: Lease, now: WallClock): Promise<boolean> {
  if (!(await holdsLock(path, lease, now))) return false;
  await utimes(path, now() / 1000, (now() + lease.ms) / 1000);
  return true;
}

export async function unlock(path: string, lease: Lease, now: WallClock): Promise<void> {
  // What is about to end, ends by itself: it could be another's by the time it is removed.
  if (await holdsLock(path, lease, now)) await ignoringAbsence(unlink(path));
}

/** With time enough to write something. */
export async function holdsLock(path: string, { token }: Lease, now: WallClock): Promise<boolean> {
  const found = await ignoringAbsence(readFile(path, "utf8"));
  if (found !== token) return false;
  const stats = await ignoringAbsence(stat(path));
  return stats !== undefined && stats.mtimeMs > now() + MARGIN_MS;
}

async function make(path: string, { token, ms }: Lease, now: WallClock): Promise<boolean> {
  // Complete when it appears: whoever finds it finds its token and its end.
  const draft = `${path}.${token}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(token);
    await file.utimes(now() / 1000, (now() + ms) / 1000);
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

async function isOver(path: string, now: WallClock): Promise<boolean> {
  const stats = await ignoringAbsence(stat(path));
  return stats === undefined || stats.mtimeMs <= now();
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
    if (!(await isOver(path, now))) return false;
    await ignoringAbsence(unlink(path));
    return true;
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
