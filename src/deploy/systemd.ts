// Config → systemd's units: the supervisor as one service, or a service for each pool under a user of
// its own; in both cases a socket unit for each pool, whose backlog outlives every restart. Pure text.

import { formatAddress } from "../config/address.ts";
import type { Config, PoolConfig, SupervisorConfig } from "../config/schema.ts";
import { hardening, POOL_SERVICE, SUPERVISOR_SERVICE } from "./systemd-hardening.ts";
import { commandLine, literalValue, type Setting, seconds, unitSection } from "./unit-file.ts";

export const UNIT_LAYOUTS = ["supervisor", "pool"] as const;
export type UnitLayout = (typeof UNIT_LAYOUTS)[number];

export interface UnitOptions {
  readonly layout: UnitLayout;
  /** Absolute path of the configuration. */
  readonly configFile: string;
  /** What runs Holdfast: a program and the arguments before its command, absolute paths. */
  readonly program: readonly string[];
  /** Major version of the systemd that will read the units. */
  readonly systemdVersion: number;
  /** Whether this Node tells systemd things in its own name (`NotifyAccess=main`). */
  readonly notifiesAsItself: boolean;
}

/** A file for /etc/systemd/system. */
export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

/** From here on systemd has Type=notify-reload [systemd NEWS, 253]. */
const NOTIFY_RELOAD_SINCE = 253;
/** From here on restarts can slow down [systemd NEWS, 254]. */
const RESTART_STEPS_SINCE = 254;
/** Beyond what the pools may take by their own limits, ms. */
const MARGIN_MS = 10_000;
/** Two signs of life are sent in this time; a supervisor that sends none is restarted, ms. */
const WATCHDOG_MS = 30_000;

/** Throws Fault CONFIG for paths that no unit file can hold. */
export function renderUnits(config: Config, options: UnitOptions): readonly UnitFile[] {
  const { supervisor, pools } = config;
  if (options.layout === "supervisor") {
    const service = supervisorService(supervisor, pools, options);
    return [service, ...pools.filter(hasSocketUnit).map((pool) => socketUnit(pool, service.name))];
  }
  return pools.flatMap((pool) => {
    const service = poolService(pool, supervisor, options);
    return hasSocketUnit(pool) ? [service, socketUnit(pool, service.name)] : [service];
  });
}

/** Where a pool can be reached that gets its socket from systemd: what Apache is told too. */
export function socketPath(pool: Pick<PoolConfig, "name">): string {
  return `/run/holdfast/${pool.name}.sock`;
}

/** A port that is chosen when it is bound cannot be told beforehand. */
const hasSocketUnit = ({ listen }: PoolConfig): boolean => listen.kind !== "tcp" || listen.port !== 0;

const socketName = (pool: PoolConfig): string => `holdfast-${pool.name}.socket`;

function supervisorService(supervisor: SupervisorConfig, pools: readonly PoolConfig[], options: UnitOptions): UnitFile {
  return serviceFile("holdfast.service", "Holdfast, worker pools behind Apache", [
    ...running({ supervisor, pools, options, extra: [] }),
    "",
    "Sockets, also those of the units below, lie here, so that a restart leaves them alone.",
    ["RuntimeDirectory", "holdfast"],
    ["RuntimeDirectoryPreserve", "yes"],
    ["LogsDirectory", "holdfast"],
    "",
    "Pools run as their own users; the capabilities are for becoming those, and for giving them sockets.",
    ...hardening(
      SUPERVISOR_SERVICE,
      pools,
      outside(
        ["/run/holdfast", "/var/log/holdfast"],
        [...logsOf(supervisor, pools), ...sessionsOf(pools), supervisor.control],
      ),
    ),
  ]);
}

function poolService(pool: PoolConfig, supervisor: SupervisorConfig, options: UnitOptions): UnitFile {
  const folder = `holdfast/${pool.name}`;
  const control = `/run/${folder}/control.sock`;
  const identity: Setting[] =
    pool.user === undefined
      ? ["A user that exists only while the service does.", ["DynamicUser", "yes"]]
      : [
          ["User", literalValue(pool.user)],
          ...(pool.group === undefined ? [] : ([["Group", literalValue(pool.group)]] as const)),
        ];
  return serviceFile(`holdfast-${pool.name}.service`, `Holdfast pool ${pool.name}`, [
    ...running({ supervisor, pools: [pool], options, extra: ["--control", control] }),
    "",
    `holdfast status --control ${control}`,
    ["RuntimeDirectory", folder],
    `What the app may write: /var/lib/${folder}`,
    ["StateDirectory", folder],
    ["LogsDirectory", folder],
    "",
    ...identity,
    ...hardening(
      POOL_SERVICE,
      [pool],
      outside([`/var/log/${folder}`, `/var/lib/${folder}`], [...logsOf(supervisor, [pool]), ...sessionsOf([pool])]),
    ),
  ]);
}

/** The files among `paths` that lie in none of the service's own `folders`. */
function outside(folders: readonly string[], paths: readonly string[]): readonly string[] {
  return paths.filter((path) => !folders.some((folder) => path.startsWith(`${folder}/`)));
}

/** Files of sessions; of a folder of them, one that stands for all. */
function sessionsOf(pools: readonly PoolConfig[]): readonly string[] {
  return pools.flatMap(({ session: { store, path } }) => {
    if (path === undefined) return [];
    return [store === "file" ? `${path}/session` : path];
  });
}

function logsOf({ log }: SupervisorConfig, pools: readonly PoolConfig[]): readonly string[] {
  return [log, ...pools.map(({ accessLog }) => accessLog)].flatMap((target) =>
    target?.kind === "file" ? [target.path] : [],
  );
}

function serviceFile(name: string, description: string, service: readonly Setting[]): UnitFile {
  const unit: Setting[] = [
    ["Description", description],
    ["After", "network.target"],
    "A service that cannot start is tried again for ever: what waits in its sockets is answered when it can.",
    ["StartLimitIntervalSec", "0"],
  ];
  return {
    name,
    text: `${[
      unitSection("Unit", unit),
      unitSection("Service", service),
      unitSection("Install", [["WantedBy", "multi-user.target"]]),
    ].join("\n\n")}\n`,
  };
}

/** How the service is started, told to reload, watched and stopped. */
function running(facts: {
  readonly supervisor: SupervisorConfig;
  readonly pools: readonly PoolConfig[];
  readonly options: UnitOptions;
  /** Arguments of every command. */
  readonly extra: readonly string[];
}): readonly Setting[] {
  const { supervisor, pools, options, extra } = facts;
  const { systemdVersion, configFile, program, layout } = options;
  const command = (name: string, ...rest: readonly string[]): string =>
    commandLine([...program, name, "-c", configFile, ...extra, ...rest]);
  const [only] = pools;
  const chosen = layout === "pool" && only !== undefined ? ["--pool", only.name] : [];
  const bootMs = Math.max(0, ...pools.map(({ bootTimeoutMs }) => bootTimeoutMs));
  const isReloadByNotice = systemdVersion >= NOTIFY_RELOAD_SINCE;
  const notifyAccess: readonly Setting[] = options.notifiesAsItself
    ? [["NotifyAccess", "main"]]
    : ["systemd-notify(1) speaks for this Node; from Node 26.1 on it can be main.", ["NotifyAccess", "all"]];
  return [
    ["Type", isReloadByNotice ? "notify-reload" : "notify"],
    ...notifyAccess,
    ["ExecStart", command("start", ...chosen)],
    ...(isReloadByNotice ? [] : ([["ExecReload", command("reload")]] as const)),
    ...pools.filter(hasSocketUnit).map((pool) => ["Sockets", socketName(pool)] as const),
    "",
    "TERM goes to the supervisor only, and its pools finish what is open.",
    ["KillMode", "mixed"],
    ["TimeoutStartSec", seconds(bootMs + MARGIN_MS)],
    ["TimeoutStopSec", seconds(supervisor.stopTimeoutMs + MARGIN_MS)],
    ["WatchdogSec", seconds(WATCHDOG_MS)],
    ["Restart", "on-failure"],
    ["RestartSec", "2s"],
    ...(systemdVersion >= RESTART_STEPS_SINCE
      ? ([
          ["RestartSteps", "5"],
          ["RestartMaxDelaySec", "30s"],
        ] as const)
      : []),
    "A process that the kernel ends for its memory is replaced by the supervisor.",
    ["OOMPolicy", "continue"],
    ["LimitNOFILE", "65536"],
  ];
}

function socketUnit(pool: PoolConfig, service: string): UnitFile {
  const { listen } = pool;
  const address =
    listen.kind === "tcp" ? formatAddress(listen) : listen.kind === "unix" ? listen.path : socketPath(pool);
  const access: Setting[] =
    listen.kind === "tcp"
      ? []
      : [
          ...(pool.listenOwner === undefined ? [] : ([["SocketUser", literalValue(pool.listenOwner)]] as const)),
          ...(pool.listenGroup === undefined ? [] : ([["SocketGroup", literalValue(pool.listenGroup)]] as const)),
          ["SocketMode", `0${pool.listenMode.toString(8).padStart(3, "0")}`],
          ["RemoveOnStop", "yes"],
        ];
  const text = [
    unitSection("Unit", [["Description", `Socket of the Holdfast pool ${pool.name}`]]),
    unitSection("Socket", [
      ["ListenStream", literalValue(address)],
      ["FileDescriptorName", listen.kind === "systemd" ? literalValue(listen.name) : pool.name],
      ["Service", service],
      ["Backlog", String(pool.listenBacklog)],
      ...access,
    ]),
    unitSection("Install", [["WantedBy", "sockets.target"]]),
  ].join("\n\n");
  return { name: socketName(pool), text: `${text}\n` };
}
