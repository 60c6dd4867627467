// Sessions as files: FOLDER/NAMESPACE/xx/KEY, of which nobody else can read anything. Written beside and renamed, so
// that each is whole, the old or the new; the time of change is when the session ends.

import { randomBytes } from "node:crypto";
import { chmod, lstat, open, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { Fault } from "../../../src/base/fault.ts";
import { makeFolder } from "../../../src/base/make-folder.ts";
import { FINAL, type Lease, type SessionStore, type Stored, type Written } from "../store.ts";
import type { WallClock, WallTime } from "../wall-clock.ts";
import { holdsLock, ignoringAbsence, lockFile, ownerOf, renewLock, unlock } from "./file-lock.ts";
import type { StoreOptions } from "./index.ts";
import { pause } from "./pause.ts";

/** `holdfast-session 1 CRC32\n`, before the text. */
const FRONT = /^holdfast-session 1 ([0-9a-f]{8})\n/;
/** A file whose text is FINAL. */
const FINAL_BYTES = frontOf(FINAL).length;
const SHARDS = 256;
/** Folders that one sweep looks at. */
const SHARDS_PER_SWEEP = 32;
/** Files that one sweep looks at in one folder; more than these wait for the next. */
const FILES_PER_SHARD = 2000;
/** Whoever changes a session without holding it does so between two breaths. */
const BRIEF: Omit<Lease, "token"> = { ms: 5000 };
const BRIEF_MARK = "brief-";
const BRIEF_ATTEMPTS = 200;
const BRIEF_PAUSE_MS = 5;
/** A lock that was made or renewed, or a draft that was begun, so long ago is nobody's, ms. */
const DRAFT_MS = 60 * 60 * 1000;

export async function openFileStore({ options, namespace, now, log }: StoreOptions): Promise<SessionStore> {
  const { path } = options;
  if (path === undefined) throw new Fault("CONFIG", "session.path names no folder for sessions");
  const folder = join(path, namespace);
  await makeFolder(folder, 0o700);
  await expectOwn(folder);
  const damaged = (key: string): void => {
    log("error", "a session's file is damaged, or not of this version; the visitor gets a new session", {
      file: join(folder, key.slice(0, 2), key),
    });
  };
  return new FileStore(folder, now, damaged);
}

/** [CWE-379] */
async function expectOwn(folder: string): Promise<void> {
  const stats = await lstat(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
    throw new Fault("HANDLER", `${folder} is no folder of this pool's user`, {
      status: 503,
      hint: "Give session.path a folder that belongs to it; pools of different users need one each.",
    });
  }
  if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

class FileStore implements SessionStore {
  readonly name = "file";
  readonly #folder: string;
  readonly #now: WallClock;
  readonly #damaged: (key: string) => void;
  #nextShard = Math.floor(Math.random() * SHARDS);

  constructor(folder: string, now: WallClock, damaged: (key: string) => void) {
    this.#folder = folder;
    this.#now = now;
    this.#damaged = damaged;
  }

  async read(key: string): Promise<Stored | undefined> {
    const file = await ignoringAbsence(open(this.#path(key), "r"));
    if (file === undefined) return undefined;
    try {
      // Fractions of a millisecond come from writing it as seconds.
      const { mtimeMs, size } = await file.stat();
      const expiresAt = Math.round(mtimeMs);
      if (expiresAt <= this.#now()) return undefined;
      // It never changes once it is there, so one look is enough.
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, 0);
      const text = contentOf(buffer.toString("utf8", 0, bytesRead));
      if (text === undefined) {
        this.#damaged(key);
        return undefined;
      }
      return { text, expiresAt };
    } finally {
      await file.close();
    }
  }

  async claim(key: string, lease: Lease): Promise<Stored | "held" | undefined> {
    // An id that nobody was given must leave nothing behind.
    if (!(await this.#isThere(key))) return undefined;
    if (!(await lockFile(this.#lock(key), lease, this.#now))) return "held";
    const stored = await this.read(key);
    if (stored === undefined) await this.release(key, lease);
    return stored;
  }

  renew(key: string, lease: Lease): Promise<boolean> {
    return renewLock(this.#lock(key), lease, this.#now);
  }

  release(key: string, lease: Lease): Promise<void> {
    return unlock(this.#lock(key), lease, this.#now);
  }

  async create(key: string, stored: Stored, lease: Lease | undefined): Promise<void> {
    try {
      await this.#make(key, stored, lease);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // The first one of its folder.
      await makeFolder(dirname(this.#path(key)), 0o700);
      await this.#make(key, stored, lease);
    }
  }

  async update(key: string, stored: Stored, lease: Lease | undefined): Promise<Written> {
    if (lease === undefined) {
      // Of what is not there no lock is to be left.
      return (await this.#mayChange(key)) ? this.#briefly(key, () => this.#replace(key, stored)) : "gone";
    }
    if (await holdsLock(this.#lock(key), lease, this.#now)) return this.#replace(key, stored);
    return (await this.#mayChange(key)) ? "lost" : "gone";
  }

  async touch(key: string, expiresAt: WallTime): Promise<boolean> {
    if (!(await this.#mayChange(key))) return false;
    const touched = await ignoringAbsence(
      utimes(this.#path(key), this.#now() / 1000, expiresAt / 1000).then(() => true),
    );
    return touched === true;
  }

  async destroy(key: string): Promise<void> {
    if (await this.#isThere(key)) await this.#lockBriefly(key, newBrief(), isBrief);
    await ignoringAbsence(unlink(this.#path(key)));
    await ignoringAbsence(unlink(this.#lock(key)));
  }

  async sweep(): Promise<boolean> {
    for (let count = 0; count < SHARDS_PER_SWEEP; count++) {
      const shard = (this.#nextShard++ % SHARDS).toString(16).padStart(2, "0");
      await this.#sweepShard(join(this.#folder, shard));
    }
    return false;
  }

  async close(): Promise<void> {}

  async #sweepShard(folder: string): Promise<void> {
    const names = (await ignoringAbsence(readdir(folder))) ?? [];
    // Each time others, where there are too many.
    const from = names.length > FILES_PER_SHARD ? Math.floor(Math.random() * names.length) : 0;
    const some = [...names.slice(from), ...names.slice(0, from)].slice(0, FILES_PER_SHARD);
    for (const name of some) {
      const path = join(folder, name);
      const stats = await ignoringAbsence(lstat(path));
      // All else is what somebody held, or was writing, when it died.
      const patience = /^[0-9a-f]{64}$/.test(name) ? 0 : DRAFT_MS;
      if (stats !== undefined && stats.mtimeMs + patience <= this.#now()) await ignoringAbsence(unlink(path));
    }
  }

  async #make(key: string, stored: Stored, lease: Lease | undefined): Promise<void> {
    if (lease !== undefined) await lockFile(this.#lock(key), lease, this.#now);
    await this.#write(key, stored);
  }

  async #replace(key: string, stored: Stored): Promise<Written> {
    if (!(await this.#mayChange(key))) return "gone";
    await this.#write(key, stored);
    return "written";
  }

  async #write(key: string, { text, expiresAt }: Stored): Promise<void> {
    const path = this.#path(key);
    const draft = `${path}.${randomBytes(8).toString("hex")}.new`;
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${frontOf(text)}${text}`);
      await file.utimes(this.#now() / 1000, expiresAt / 1000);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  }

  async #briefly<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lease = newBrief();
    await this.#lockBriefly(key, lease);
    try {
      return await work();
    } finally {
      await this.release(key, lease);
    }
  }

  /** Resolves without the lock where one has it who is not waited for. */
  async #lockBriefly(key: string, lease: Lease, isWaitedFor = (_token: string): boolean => true): Promise<void> {
    for (let attempt = 0; !(await lockFile(this.#lock(key), lease, this.#now)); attempt++) {
      const token = await ownerOf(this.#lock(key));
      if (token !== undefined && !isWaitedFor(token)) return;
      if (attempt === BRIEF_ATTEMPTS) throw new Fault("OVERLOAD", "a session's file is held by others");
      await pause(BRIEF_PAUSE_MS);
    }
  }

  async #isThere(key: string): Promise<boolean> {
    return (await this.#size(key)) !== undefined;
  }

  async #mayChange(key: string): Promise<boolean> {
    const size = await this.#size(key);
    return size !== undefined && size !== FINAL_BYTES;
  }

  /** Undefined: it is not there. */
  async #size(key: string): Promise<number | undefined> {
    const stats = await ignoringAbsence(stat(this.#path(key)));
    return stats !== undefined && stats.mtimeMs > this.#now() ? stats.size : undefined;
  }

  #path(key: string): string {
    return join(this.#folder, key.slice(0, 2), key);
  }

  #lock(key: string): string {
    return `${this.#path(key)}.lock`;
  }
}

function newBrief(): Lease {
  return { ...BRIEF, token: `${BRIEF_MARK}${randomBytes(16).toString("hex")}` };
}

/** Its holder is about to write. Whoever holds a session for long is the one who destroys it. */
function isBrief(token: string): boolean {
  return token.startsWith(BRIEF_MARK);
}

function frontOf(text: string): string {
  return `holdfast-session 1 ${crc32(text).toString(16).padStart(8, "0")}\n`;
}

/** Undefined: not written by us, or not to its end. */
function contentOf(written: string): string | undefined {
  const front = FRONT.exec(written);
  if (front === null) return undefined;
  const text = written.slice(front[0].length);
  return frontOf(text) === front[0] ? text : undefined;
}
