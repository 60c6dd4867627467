// What must hold between options, and between an option and this machine. schema.ts checks each value
// by itself; here is what one value cannot know.

import { type Stats, statSync } from "node:fs";
import { isIPv6 } from "node:net";
import { isAbsolute, relative, sep } from "node:path";
import { messageOf } from "../base/fault.ts";
import { formatAddress, type ListenAddress } from "./address.ts";
import type { KeyPath } from "./mistake.ts";
import { isTable } from "./read.ts";
import type { PoolConfig } from "./schema.ts";

/**
 * Apache copies a unix: path into 96 bytes with their NUL (mod_proxy's uds_path), so a longer socket
 * could be bound but never reached.
 */
export const APACHE_SOCKET_PATH_BYTES = 95;
/** sockaddr_un.sun_path is 108 bytes with its NUL on Linux; 104 elsewhere. */
const CONTROL_SOCKET_PATH_BYTES = 103;

/** Where a check puts what it finds; `path` begins at the pool. */
export interface Findings {
  error(path: KeyPath, message: string, hint?: string): void;
  warning(path: KeyPath, message: string, hint?: string): void;
}

/** A pool as far as its options were right, with absolute paths, and the options that were written. */
export interface PoolUnderCheck {
  readonly pool: Partial<PoolConfig>;
  readonly written: Readonly<Record<string, unknown>>;
}

export function checkPool({ pool, written }: PoolUnderCheck, findings: Findings): void {
  checkCode(pool, written, findings);
  checkListen(pool, written, findings);
  for (const option of ["group", "groups"] as const) {
    if (pool[option] !== undefined && pool.user === undefined) {
      findings.error([option], "has no effect without user", "set user too");
    }
  }
  if (written.chdir !== undefined && pool.chdir !== undefined) expectFile(pool.chdir, "folder", ["chdir"], findings);
  checkTimes(pool, findings);
  if (pool.liveReload === true && (pool.processes ?? 1) > 1) {
    findings.error(["live_reload"], "needs processes = 1: each process would take the others' pages for old ones");
  }
  checkSession(pool, written, findings);
}

function checkCode(pool: Partial<PoolConfig>, written: Readonly<Record<string, unknown>>, findings: Findings): void {
  const hasRoot = written.root !== undefined;
  const hasApp = written.app !== undefined;
  if (!hasRoot && !hasApp) {
    findings.error([], "has neither root nor app", "root is a folder of handlers, app is one module");
  }
  if (hasRoot && hasApp) findings.error(["app"], "root is set too", "remove one of the two");
  if (pool.root !== undefined) expectFile(pool.root, "folder", ["root"], findings);
  if (pool.app !== undefined) expectFile(pool.app, "file", ["app"], findings);
  if (!hasRoot && hasApp) {
    for (const option of ["index", "static"].filter((name) => written[name] !== undefined)) {
      findings.warning([option], "has no effect without root");
    }
  }
}

function expectFile(path: string, wanted: "file" | "folder", key: KeyPath, findings: Findings): void {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    findings.error(key, `${path} cannot be looked at: ${messageOf(error)}`);
    return;
  }
  if (stats === undefined) findings.error(key, `there is no ${path}`, "make it, or name another");
  else if (wanted === "folder" && !stats.isDirectory()) {
    findings.error(key, `${path} is not a folder`, key[0] === "root" ? "use app for one module" : undefined);
  } else if (wanted === "file" && !stats.isFile()) {
    findings.error(key, `${path} is not a file`, stats.isDirectory() ? "use root for a folder" : undefined);
  }
}

function checkListen(pool: Partial<PoolConfig>, written: Readonly<Record<string, unknown>>, findings: Findings): void {
  const { listen } = pool;
  if (listen === undefined) return;
  if (listen.kind === "unix") {
    expectFit(listen.path, APACHE_SOCKET_PATH_BYTES, ["listen"], findings);
    if (pool.allowedClients !== undefined && pool.allowedClients.length > 0) {
      findings.error(
        ["allowed_clients"],
        "has no effect on a unix socket",
        "use listen_owner, listen_group, listen_mode",
      );
    }
  } else if (listen.kind === "tcp") {
    for (const option of ["listen_owner", "listen_group", "listen_mode"]) {
      if (written[option] !== undefined) findings.error([option], "has no effect without a unix socket");
    }
    if (!isLoopback(listen.host) && pool.allowedClients?.length === 0) {
      findings.warning(
        ["listen"],
        "whoever reaches this port can send requests in anybody's name",
        "list the web servers in allowed_clients, or use a unix socket",
      );
    }
  }
}

function isLoopback(host: string): boolean {
  return isIPv6(host) ? host === "::1" : host.startsWith("127.");
}

function checkTimes(pool: Partial<PoolConfig>, findings: Findings): void {
  const { queue, request } = pool;
  if (queue?.timeoutMs === undefined || request?.timeoutMs === undefined) return;
  if (queue.timeoutMs > request.timeoutMs) {
    findings.warning(["queue", "timeout"], "a request may wait longer than it may run (request.timeout)");
  }
  if (request.graceMs > request.timeoutMs) {
    findings.warning(["request", "grace"], "is longer than request.timeout");
  }
}

/** Which option says where each store is, and by which schemes. */
const STORE_PLACES = {
  memory: undefined,
  file: { option: "path", schemes: [] },
  sqlite: { option: "path", schemes: [] },
  redis: { option: "url", schemes: ["redis:", "rediss:", "unix:"] },
  postgres: { option: "url", schemes: ["postgres:", "postgresql:"] },
} as const;

function checkSession(
  { session, processes, root, request }: Partial<PoolConfig>,
  written: Readonly<Record<string, unknown>>,
  findings: Findings,
): void {
  // With a mistake in the group, the store may be missing.
  if (session?.store === undefined) return;
  const { store, path, url } = session;
  const place = STORE_PLACES[store];
  for (const option of ["path", "url"] as const) {
    if (session[option] === undefined && place?.option === option) {
      const meant = store === "file" ? "a folder" : store === "sqlite" ? "a file" : `${place.schemes[0]}//…`;
      findings.error(["session", option], `is missing: store = "${store}" needs it`, `give ${meant}`);
    } else if (session[option] !== undefined && place?.option !== option) {
      findings.error(["session", option], `has no effect with store = "${store}"`);
    }
  }
  if (url !== undefined && place?.option === "url" && !isOneOf(place.schemes, new URL(url).protocol)) {
    findings.error(
      ["session", "url"],
      `is no address for store = "${store}"`,
      `begin with ${place.schemes.join(" or ")}`,
    );
  }
  if (path !== undefined && root !== undefined && isBelow(path, root)) {
    findings.error(["session", "path"], "is inside root, whose files are served", "keep sessions elsewhere");
  }
  const asked = isTable(written.session) && written.session.store !== undefined;
  if (store === "memory" && asked && processes !== undefined && processes > 1) {
    const hint = "choose another store, or processes = 1";
    findings.error(["session", "store"], "processes do not share their memory: each would have its own sessions", hint);
  }
  if (session.idleTimeoutMs > session.maxAgeMs) {
    findings.warning(["session", "idle_timeout"], "is longer than session.max_age");
  }
  if (request?.timeoutMs !== undefined && session.lockTimeoutMs >= request.timeoutMs) {
    findings.warning(["session", "lock_timeout"], "is as long as request.timeout: who waits gets 504 instead of 503");
  }
}

function isOneOf(list: readonly string[], text: string): boolean {
  return list.includes(text);
}

function isBelow(path: string, folder: string): boolean {
  const from = relative(folder, path);
  return from === "" || !(from === ".." || from.startsWith(`..${sep}`) || isAbsolute(from));
}

export function checkControl(path: string, findings: Findings): void {
  expectFit(path, CONTROL_SOCKET_PATH_BYTES, ["control"], findings);
}

function expectFit(path: string, most: number, key: KeyPath, findings: Findings): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > most) findings.error(key, `the path of a socket holds at most ${most} bytes; this has ${bytes}`);
}

/** Finds addresses that two pools want; `at` is called with the name of each later one. */
export function findDuplicates(
  pools: readonly { readonly name: string; readonly listen?: ListenAddress | undefined }[],
  control: string | undefined,
  report: (name: string, message: string) => void,
): void {
  const taken = new Map<string, string>();
  if (control !== undefined) taken.set(control, "supervisor.control");
  for (const { name, listen } of pools) {
    if (listen === undefined || (listen.kind === "tcp" && listen.port === 0)) continue;
    const key = formatAddress(listen);
    const owner = taken.get(key);
    if (owner !== undefined) report(name, `${owner} has the same address ${key}`);
    else taken.set(key, `pools.${name}.listen`);
  }
}
