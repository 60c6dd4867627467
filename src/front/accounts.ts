// Who Apache's own processes run as when it is started by root, and what they can reach. Apache
// refuses to serve as root, and takes an account only if the user database knows it.

import { readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Account {
  readonly user: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
}

/** Accounts that distributions make for Apache, then the one that may nothing. */
const USUAL = ["www-data", "apache", "http", "httpd", "daemon", "nobody"];
/** Files of a folder that are looked at before it is taken as readable. */
const SCAN_LIMIT = 2000;

/** The owner of what is served, if that is a real user, else the usual account of this distribution. */
export function apacheAccount(ownerUid: number, accounts: readonly Account[] = readAccounts()): Account | undefined {
  const owner = ownerUid === 0 ? undefined : accounts.find(({ uid }) => uid === ownerUid);
  const usual = USUAL.map((name) => accounts.find(({ user }) => user === name));
  return [owner, ...usual].find((account) => account !== undefined && account.uid !== 0);
}

export function readAccounts(): readonly Account[] {
  const groups = new Map(
    entries("/etc/group").map(([name, , gid]) => [Number(gid), name ?? ""] satisfies [number, string]),
  );
  return entries("/etc/passwd").flatMap(([user = "", , uid, gid]) => {
    const group = groups.get(Number(gid));
    return group === undefined ? [] : [{ user, uid: Number(uid), group, gid: Number(gid) }];
  });
}

function entries(path: string): string[][] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/** Whose rights are asked about. */
export type Reader = Pick<Account, "uid" | "gid">;

/** The owner of a file as a reader; a group of the same number if the user database does not know it. */
export function readerOf(uid: number, accounts: readonly Account[] = readAccounts()): Reader {
  return accounts.find((account) => account.uid === uid) ?? { uid, gid: uid };
}

/** Whether `reader` can enter `folder` and read the files below it, by owner, group and mode. */
export function canReadFolder(reader: Reader, folder: string): boolean {
  return canEnterAbove(reader, folder) && canReadTree(reader, folder);
}

/** The same for one file. */
export function canReadFile(reader: Reader, file: string): boolean {
  return canEnterAbove(reader, file) && allows(reader, statSync(file), 0o4);
}

/** Whether `reader` can make `folder` its working folder. */
export function canEnterFolder(reader: Reader, folder: string): boolean {
  return canEnterAbove(reader, folder) && allows(reader, statSync(folder), 0o1);
}

function canEnterAbove(reader: Reader, path: string): boolean {
  for (let above = dirname(path); ; above = dirname(above)) {
    if (!allows(reader, statSync(above), 0o1)) return false;
    if (above === dirname(above)) return true;
  }
}

function canReadTree(reader: Reader, folder: string): boolean {
  const waiting = [folder];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined && seen < SCAN_LIMIT; next = waiting.pop()) {
    if (!allows(reader, statSync(next), 0o5)) return false;
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      seen += 1;
      // Names that are never served, and packages, which Apache does not read.
      if (/^[._]/.test(entry.name) || entry.name === "node_modules") continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && !allows(reader, statSync(path), 0o4)) return false;
    }
  }
  return true;
}

function allows(account: Reader, { mode, uid, gid }: Stats, bits: number): boolean {
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}
