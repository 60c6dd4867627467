// Users and groups by name or number, and who a pool is to run as. The uid itself is switched by
// setpriv(1) before Node starts, so that no code of ours or of the app runs as root in the child.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, exactly; undefined: those that the user database gives this user. */
  readonly groups: readonly number[] | undefined;
  /** undefined for a number without an entry in the user database. */
  readonly name: string | undefined;
  readonly home: string | undefined;
}

/** Who runs this process; injectable so that the rules can be tested by anybody. */
export interface Self {
  readonly uid: number;
  readonly gid: number;
}

const self = (): Self => ({ uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 });

/** Who the pool must become, or undefined if it stays who we are. Throws CONFIG when that is not allowed. */
export function poolIdentity(
  pool: Pick<PoolConfig, "name" | "user" | "group" | "groups" | "allowRoot">,
  { uid, gid }: Self = self(),
): Identity | undefined {
  const option = `pools.${pool.name}.user`;
  const wanted = pool.user === undefined ? undefined : wantedIdentity(pool, pool.user);
  if (uid !== 0) {
    const sameGroups = pool.groups === undefined && (pool.group === undefined || wanted?.gid === gid);
    if (wanted === undefined || (wanted.uid === uid && sameGroups)) return undefined;
    throw new Fault("CONFIG", `${option}: only root can run a pool as another user or group`, {
      hint: "start Holdfast as root, or leave user and group out",
    });
  }
  if (!pool.allowRoot && (wanted === undefined || isRoot(wanted))) {
    throw new Fault("CONFIG", `${option}: the app would run as root`, {
      hint: "name the user that it is to run as, or set allow_root = true",
    });
  }
  if (wanted === undefined || wanted.uid === 0) return undefined;
  findSetpriv();
  return wanted;
}

/**
 * By its full name, and never by PATH: root executes it, and the pool's environment may hold a PATH
 * into folders of the pool's user.
 */
function findSetpriv(): string {
  const found = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/local/bin/setpriv"].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Fault("CONFIG", "there is no setpriv, which runs a pool as another user", {
    hint: "install util-linux 2.31 or newer",
  });
}

function isRoot({ uid, gid, groups }: Identity): boolean {
  return uid === 0 || gid === 0 || groups?.includes(0) === true;
}

function wantedIdentity(
  { name, group, groups }: Pick<PoolConfig, "name" | "group" | "groups">,
  user: string,
): Identity {
  const identity = findUser(user, `pools.${name}.user`);
  return {
    ...identity,
    ...(group === undefined ? {} : { gid: groupId(group, `pools.${name}.group`) }),
    // A number that the user database does not know has no groups there.
    groups:
      groups?.map((each) => groupId(each, `pools.${name}.groups`)) ?? (identity.name === undefined ? [] : undefined),
  };
}

/** The command that runs `argv` as `identity`: groups, capabilities and no_new_privs are settled before it begins. */
export function asIdentity({ uid, gid, groups }: Identity, argv: readonly string[]): readonly [string, ...string[]] {
  return [
    findSetpriv(),
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups === undefined ? "--init-groups" : groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
    "--no-new-privs",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "--",
    ...argv,
  ];
}

export function userId(nameOrNumber: string, option: string): number {
  return findUser(nameOrNumber, option).uid;
}

export function groupId(nameOrNumber: string, option: string): number {
  if (/^\d+$/.test(nameOrNumber)) return Number(nameOrNumber);
  const gid = lookUp("group", nameOrNumber)?.[2];
  if (gid === undefined) throw unknown(option, "group", nameOrNumber);
  return Number(gid);
}

/** Why `start`, given by whoever runs this, would refuse the users and groups of a pool on this machine. */
export function accountFaults(
  pool: Pick<PoolConfig, "name" | "user" | "group" | "groups" | "allowRoot" | "listenOwner" | "listenGroup">,
): readonly Fault[] {
  const { name, user, group, groups = [], listenOwner, listenGroup } = pool;
  const written: readonly (readonly [find: typeof userId, account: string | undefined, option: string])[] = [
    [userId, user, "user"],
    [groupId, group, "group"],
    ...groups.map((each) => [groupId, each, "groups"] as const),
    [userId, listenOwner, "listen_owner"],
    [groupId, listenGroup, "listen_group"],
  ];
  const unknown = written.flatMap(([find, account, option]) =>
    account === undefined ? [] : faultOf(() => find(account, `pools.${name}.${option}`)),
  );
  // Nobody but root can become another user, but anybody may check a file that root starts.
  return unknown.length === 0 && self().uid === 0 ? faultOf(() => poolIdentity(pool)) : unknown;
}

function faultOf(look: () => unknown): readonly Fault[] {
  try {
    look();
    return [];
  } catch (fault) {
    if (fault instanceof Fault) return [fault];
    throw fault;
  }
}

function findUser(nameOrNumber: string, option: string): Omit<Identity, "groups"> {
  const entry = lookUp("passwd", nameOrNumber);
  if (entry !== undefined) {
    const [name, , uid, gid, , home] = entry;
    return { name, uid: Number(uid), gid: Number(gid), home };
  }
  if (!/^\d+$/.test(nameOrNumber)) throw unknown(option, "user", nameOrNumber);
  const uid = Number(nameOrNumber);
  return { name: undefined, uid, gid: uid, home: undefined };
}

const unknown = (option: string, what: string, name: string): Fault =>
  new Fault("CONFIG", `${option}: there is no ${what} ${JSON.stringify(name)}`, {
    hint: `see \`getent ${what === "user" ? "passwd" : "group"}\``,
  });

/** An entry of the user database, by name or number; getent(1) knows more of it than /etc does. */
function lookUp(database: "passwd" | "group", key: string): readonly string[] | undefined {
  const entries = readFileSync(`/etc/${database}`, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  // A name may consist of digits, and then it is meant [POSIX chown].
  const fields = entries.find(([name]) => name === key) ?? entries.find(([, , id]) => id === key);
  if (fields !== undefined) return fields;
  try {
    const line = execFileSync("getent", [database, "--", key], {
      encoding: "utf8",
      timeout: 5000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return line.trim().split(":");
  } catch {
    // Status 2: not found. No getent at all: then /etc was everything there is.
    return undefined;
  }
}
