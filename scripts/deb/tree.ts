// What a package installs, as data: one entry for each file, folder and link, written to a folder in
// one go. Folders that only lead to an entry are made on the way.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

export type Content =
  | { readonly kind: "text"; readonly text: string }
  /** Compressed as Debian's policy wants it: best, and without the time of day. */
  | { readonly kind: "gzip"; readonly text: string }
  /** A copy of a file of the checkout. */
  | { readonly kind: "copy"; readonly from: string }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "folder" };

export interface Entry {
  /** Where it is installed, without a slash in front: `usr/bin/holdfast`. */
  readonly path: string;
  /** Default 0644; 0755 for folders. A link has none. */
  readonly mode?: number;
  readonly content: Content;
}

export const text = (path: string, value: string, mode?: number): Entry => ({
  path,
  content: { kind: "text", text: value },
  ...(mode === undefined ? {} : { mode }),
});

export const gzip = (path: string, value: string): Entry => ({ path, content: { kind: "gzip", text: value } });

export const copy = (path: string, from: string, mode?: number): Entry => ({
  path,
  content: { kind: "copy", from },
  ...(mode === undefined ? {} : { mode }),
});

/** Writes the entries below `folder`, all of one modification time (seconds since 1970). */
export function writeTree(folder: string, entries: readonly Entry[], seconds: number): void {
  // Neither the umask nor the modes of the checkout get into a package.
  const umask = process.umask(0o022);
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    writeEntries(folder, entries, seconds);
  } finally {
    process.umask(umask);
  }
}

function writeEntries(folder: string, entries: readonly Entry[], seconds: number): void {
  for (const entry of entries) {
    const path = join(folder, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    const { content } = entry;
    if (content.kind === "link") {
      symlinkSync(content.target, path);
      continue;
    }
    if (content.kind === "folder") mkdirSync(path, { recursive: true });
    else if (content.kind === "copy") copyFileSync(content.from, path);
    else writeFileSync(path, bytesOf(content));
    chmodSync(path, entry.mode ?? (content.kind === "folder" ? 0o755 : 0o644));
    utimesSync(path, seconds, seconds);
  }
}

/** What a file holds. */
export function bytesOf(content: Exclude<Content, { kind: "link" | "folder" }>): Buffer {
  switch (content.kind) {
    case "text":
      return Buffer.from(content.text);
    case "gzip":
      return gzipSync(content.text, { level: 9 });
    case "copy":
      return readFileSync(content.from);
  }
}
