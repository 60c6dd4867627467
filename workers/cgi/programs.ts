// Which files of a root are CGI programs: Node scripts by their extension, and anything else that the
// pool's user may execute and that the kernel knows how to run.

import { accessSync, closeSync, constants, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { isFile, isPrivateName } from "../file-names.ts";

/** Whether the file at this path answers requests by being run. */
export function isCgiProgram(path: string): boolean {
  if (/[^/]\.(?:[cm]?[jt]s|[jt]sx)$/.test(path)) return !/\.d\.[cm]?ts$/.test(path);
  return !isPrivateName(basename(path)) && isFile(path) && isExecutable(path);
}

function isExecutable(path: string): boolean {
  let fd: number | undefined;
  try {
    accessSync(path, constants.X_OK);
    fd = openSync(path, "r");
    const magic = Buffer.alloc(4);
    readSync(fd, magic, 0, magic.length, 0);
    // `#!`, ELF, Mach-O: a page or a picture that somebody made executable is none of these.
    return magic.toString("latin1", 0, 2) === "#!" || MAGIC.has(magic.toString("hex"));
  } catch {
    return false; // no permission, or gone: not for us
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const MAGIC: ReadonlySet<string> = new Set(["7f454c46", "cffaedfe", "feedfacf", "cafebabe"]);
