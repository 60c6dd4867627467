// A part of a form → a file that is either complete under its name, or not there at all.

import { randomBytes } from "node:crypto";
import { constants, type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { SavedFile } from "../../src/app/uploads.ts";
import { Refusal } from "../refusal.ts";

/** Nobody can foresee such a name and be there first. */
const RANDOM_BYTES = 16;
const UNFINISHED_PREFIX = ".upload-";
/** A new file of ours, never one that somebody put there, nor what a symbolic link leads to. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface Save {
  /** Pieces are only lent. */
  readonly read: () => Promise<Uint8Array | undefined>;
  readonly target: string;
  readonly mode: number;
  readonly maxBytes: number;
  readonly tooLong: () => Error;
  readonly saved: SavedFiles;
}

/** Rejects with what the file system says, but 507 when there is no room; and with what broke the body. */
export async function saveFile({ read, target, mode, maxBytes, tooLong, saved }: Save): Promise<SavedFile> {
  const path = (await isFolder(target)) ? join(resolve(target), randomName()) : resolve(target);
  const unfinished = join(dirname(path), UNFINISHED_PREFIX + randomName());
  let size = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let piece = await read(); piece !== undefined; piece = await read()) {
      size += piece.length;
      if (size > maxBytes) throw tooLong();
      yield piece;
    }
  }
  let handle: FileHandle | undefined;
  try {
    handle = await open(unfinished, FLAGS, mode);
    await handle.writeFile(pieces());
    await handle.close();
    await rename(unfinished, path);
  } catch (error) {
    await handle?.close();
    if (handle !== undefined) await unlink(unfinished);
    throw withoutRoom(error) ?? error;
  }
  saved.add(path);
  return { path, size };
}

/** Files of one request, which go when it fails. */
export class SavedFiles {
  readonly #paths: string[] = [];

  add(path: string): void {
    this.#paths.push(path);
  }

  /** Removes all that are still there. Rejects with the first failure, after it has tried every one. */
  async remove(): Promise<void> {
    const failures: unknown[] = [];
    for (const path of this.#paths.splice(0)) {
      await unlink(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") failures.push(error);
      });
    }
    if (failures.length > 0) throw failures[0];
  }
}

function randomName(): string {
  return randomBytes(RANDOM_BYTES).toString("hex");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function withoutRoom(error: unknown): Error | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== "ENOSPC" && code !== "EDQUOT") return undefined;
  return new Refusal("HANDLER", "there is no room on disk for an upload", { status: 507, cause: error });
}
