// What a service of ours gives up [systemd.exec(5)]. One table for both layouts; what a pool's own paths
// need is left open. MemoryDenyWriteExecute is absent because V8 compiles at run time.

import type { PoolConfig } from "../config/schema.ts";
import type { Setting } from "./unit-file.ts";

/** What differs between the layouts. */
export interface Role {
  /** CapabilityBoundingSet= */
  readonly capabilities: readonly string[];
  readonly settings: readonly Setting[];
}

/**
 * Root, for becoming the pools' users (SETUID, SETGID, SETPCAP), for making and giving away sockets
 * (CHOWN, FOWNER, DAC_OVERRIDE) and for ending processes of other users (KILL).
 */
export const SUPERVISOR_SERVICE: Role = {
  capabilities: ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE", "CAP_KILL"],
  settings: [["ProtectSystem", "full"]],
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
};

export function hardening({ capabilities, settings }: Role, pools: readonly PoolConfig[]): readonly Setting[] {
  const paths = pools.flatMap(pathsOf);
  const isBelow = (...folders: readonly string[]): boolean =>
    paths.some((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
  return [
    ["CapabilityBoundingSet", capabilities.join(" ")],
    ["NoNewPrivileges", "yes"],
    ...settings,
    ...(isBelow("/home", "/root", "/run/user")
      ? (["A pool lives there.", ["ProtectHome", "read-only"]] as const)
      : ([["ProtectHome", "yes"]] as const)),
    ...(isBelow("/tmp", "/var/tmp")
      ? (["A pool lives in a temporary folder.", ["PrivateTmp", "no"]] as const)
      : ([["PrivateTmp", "yes"]] as const)),
    ["PrivateDevices", "yes"],
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
