// What a service of ours gives up [systemd.exec(5)]. One table for both layouts; what a pool's own paths
// need is left open. MemoryDenyWriteExecute is absent because V8 compiles at run time.

import type { PoolConfig } from "../config/schema.ts";
import { optionalPath, type Setting } from "./unit-file.ts";

/** What ProtectHome= hides. */
const HOMES: readonly string[] = ["/home", "/root", "/run/user"];

const isBelow = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";

/** What differs between the layouts. */
export interface Role {
  /** CapabilityBoundingSet= */
  readonly capabilities: readonly string[];
  readonly settings: readonly Setting[];
  /** Whether a service writes to `folder` without being let; folders of its own aside. */
  readonly writes: (folder: string) => boolean;
}

/**
 * Root, for becoming the pools' users (SETUID, SETGID, SETPCAP), for making and giving away sockets
 * (CHOWN, FOWNER, DAC_OVERRIDE), for ending processes of other users (KILL) and for giving those back the
 * priority without which they booted (SYS_NICE).
 */
export const SUPERVISOR_SERVICE: Role = {
  capabilities: [
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_CHOWN",
    "CAP_FOWNER",
    "CAP_DAC_OVERRIDE",
    "CAP_KILL",
    "CAP_SYS_NICE",
  ],
  settings: [
    ["ProtectSystem", "full"],
    // Pools have their own, by their option.
    ["UMask", "0027"],
  ],
  writes: (folder) => !isBelow(folder, [...HOMES, "/usr", "/boot", "/efi", "/etc"]),
};

/** One unprivileged user for the supervisor, the pool and the app. */
export const POOL_SERVICE: Role = {
  capabilities: [],
  settings: [
    ["ProtectSystem", "strict"],
    ["PrivateUsers", "yes"],
    ["PrivateIPC", "yes"],
    ["RemoveIPC", "yes"],
    ["UMask", "0027"],
  ],
  writes: (folder) => isBelow(folder, ["/dev", "/tmp", "/var/tmp"]),
};

/** `written`: files outside of the service's own folders that Holdfast itself writes. */
export function hardening(
  { capabilities, settings, writes }: Role,
  pools: readonly PoolConfig[],
  written: readonly string[],
): readonly Setting[] {
  const paths = [...pools.flatMap(pathsOf), ...written];
  const readOnly = [...new Set(written.map(folderOf))].filter((folder) => !writes(folder));
  return [
    ["CapabilityBoundingSet", capabilities.join(" ")],
    ["NoNewPrivileges", "yes"],
    ...settings,
    ...(paths.some((path) => isBelow(path, HOMES))
      ? (["A pool, a log or the control socket lies there.", ["ProtectHome", "read-only"]] as const)
      : ([["ProtectHome", "yes"]] as const)),
    ...(readOnly.length === 0 ? [] : ([["ReadWritePaths", readOnly.map(optionalPath).join(" ")]] as const)),
    ...(paths.some((path) => isBelow(path, ["/tmp", "/var/tmp"]))
      ? (["A pool, a log or the control socket lies in a temporary folder.", ["PrivateTmp", "no"]] as const)
      : ([["PrivateTmp", "yes"]] as const)),
    ["PrivateDevices", "yes"],
    ["PrivateMounts", "yes"],
    ["ProtectClock", "yes"],
    ["ProtectControlGroups", "yes"],
    ["ProtectHostname", "yes"],
    ["ProtectKernelLogs", "yes"],
    ["ProtectKernelModules", "yes"],
    ["ProtectKernelTunables", "yes"],
    ["ProtectProc", "invisible"],
    ["LockPersonality", "yes"],
    ["RestrictNamespaces", "yes"],
    ["RestrictRealtime", "yes"],
    ["RestrictSUIDSGID", "yes"],
    // Netlink is how the C library learns which address families there are.
    ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
    ["KeyringMode", "private"],
    ["SystemCallArchitectures", "native"],
    ["SystemCallFilter", "@system-service"],
    ["SystemCallErrorNumber", "EPERM"],
  ];
}

function pathsOf({ root, app, listen, chdir }: PoolConfig): readonly string[] {
  const socket = listen.kind === "unix" ? listen.path : undefined;
  return [root, app, chdir, socket].filter((path) => path !== undefined);
}
