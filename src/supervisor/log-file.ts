// A file that lines are appended to, and that is opened anew when it has been renamed. Written at once
// and whole: between two calls nothing is under way, so that a reopening loses and mixes nothing.

import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, type Stats, writeSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Fault, messageOf } from "../base/fault.ts";

/** Everybody else's business only through the file's group. */
const MODE = 0o640;
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface FileEvents {
  /** A write failed, after one that had not. */
  failing(path: string, error: unknown): void;
  /** Writing works again; `lines` are lost. */
  recovered(path: string, lines: number): void;
}

export class LogFile {
  readonly path: string;
  readonly #events: FileEvents;
  #fd: number;
  /** A write ended within a line. */
  #torn = false;
  #lost = 0;

  /** Throws CONFIG when it cannot be opened, or would not be safe to write as root. */
  constructor(path: string, events: FileEvents) {
    this.path = path;
    this.#events = events;
    this.#fd = open(path);
  }

  /** Appends whole lines. What cannot be written is counted, and told when writing works again. */
  write(lines: string | Uint8Array): void {
    const given = typeof lines === "string" ? Buffer.from(lines) : lines;
    const bytes = this.#torn ? Buffer.concat([NEWLINE, given]) : given;
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      if (at > 0) this.#torn = bytes[at - 1] !== NEWLINE[0];
      const first = this.#lost === 0;
      this.#lost += countLines(given.subarray(Math.max(0, at - (bytes.length - given.length))));
      if (first) this.#events.failing(this.path, error);
      return;
    }
    this.#torn = false;
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#events.recovered(this.path, lost);
  }

  /** Goes on in the file that now has the path. Throws CONFIG, and goes on in the old one, when that cannot be opened. */
  reopen(): void {
    const fd = open(this.path);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#torn = false;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const NEWLINE = Buffer.from("\n");

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE[0] as number); at !== -1; at = bytes.indexOf(NEWLINE[0] as number, at + 1)) {
    lines += 1;
  }
  return lines;
}

function open(path: string): number {
  let fd: number;
  try {
    if (isRoot()) refuseUnsafePlace(path);
    fd = openSync(path, FLAGS, MODE);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("CONFIG", `the log ${path} cannot be opened: ${messageOf(cause)}`, {
      hint: "it must be a file, no symbolic link, in a folder that exists",
      cause,
    });
  }
  try {
    refuseUnsafeFile(path, fstatSync(fd));
    return fd;
  } catch (fault) {
    closeSync(fd);
    throw fault;
  }
}

const isRoot = (): boolean => process.geteuid?.() === 0;

/** A chain of symbolic links that is longer goes in a circle [path_resolution(7)]. */
const MAX_LINKS = 40;

/**
 * Root must not append to what somebody else put in the log's place [CVE-2016-1247], nor in that of any
 * folder on the way to it: each has to be root's, and so has every symbolic link.
 */
function refuseUnsafePlace(path: string): void {
  let at = "/";
  let links = 0;
  const rest = dirname(path).split("/");
  refuseUnsafe(path, at, lstatSync(at));
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const place = join(at, name);
    const stats = lstatSync(place);
    refuseUnsafe(path, place, stats);
    if (!stats.isSymbolicLink()) {
      at = place;
      continue;
    }
    links++;
    if (links > MAX_LINKS) throw new Fault("CONFIG", `the log ${path}: too many symbolic links`);
    const target = readlinkSync(place);
    if (isAbsolute(target)) at = "/";
    rest.unshift(...target.split("/"));
  }
}

function refuseUnsafe(path: string, place: string, stats: Stats): void {
  // In a sticky folder nobody renames what is root's.
  const isShared = stats.isDirectory() && (stats.mode & 0o002) !== 0 && (stats.mode & 0o1000) === 0;
  if (stats.uid === 0 && !isShared) return;
  throw new Fault("CONFIG", `the log ${path} lies in a folder in which others may replace it`, {
    hint: `${place} is not root's alone; use a folder that is, such as /var/log/holdfast`,
  });
}

function refuseUnsafeFile(path: string, stats: Stats): void {
  if (stats.isCharacterDevice()) return;
  if (!stats.isFile()) throw new Fault("CONFIG", `the log ${path} is not a file`);
  if (isRoot() && (stats.uid !== 0 || stats.nlink > 1)) {
    throw new Fault("CONFIG", `the log ${path} is not root's alone`, {
      hint: "have it created by Holdfast, or by logrotate with `create 0640 root adm`",
    });
  }
}
