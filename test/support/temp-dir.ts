// Folders for tests, removed when the test is over. Their paths are short, because the path of a
// unix socket holds at most 95 bytes.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TempDir {
  readonly path: string;
  /** Writes a file below it, with the folders that it needs; returns its path. */
  write(name: string, text: string): string;
  remove(): void;
}

export function makeTempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "hf-"));
  return {
    path,
    write(name, text) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs `use` with a folder of its own, which is gone afterwards. */
export async function withTempDir<T>(use: (dir: TempDir) => Promise<T> | T): Promise<T> {
  const dir = makeTempDir();
  try {
    return await use(dir);
  } finally {
    dir.remove();
  }
}

/** Call it in a `describe`: the returned function makes folders that are removed after each test. */
export function tempDirs(): () => TempDir {
  const made: TempDir[] = [];
  afterEach(() => {
    for (const dir of made.splice(0)) dir.remove();
  });
  return () => {
    const dir = makeTempDir();
    made.push(dir);
    return dir;
  };
}
