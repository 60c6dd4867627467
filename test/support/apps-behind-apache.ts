// Pools under a supervisor inside the test's process, and a real Apache before them: for whole apps, whose
// failures are told in a log file.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import { type Lines, section } from "../../src/deploy/directives.ts";
import { type RunningSupervisor, startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { freePorts, removeFolders, startTestApache } from "./apache.ts";
import { type Answer, type Ask, ask } from "./http.ts";

export const PATIENCE_MS = 60_000;
/** 5 MiB, as the apps make them for /download. */
export const BLOCKS: readonly Buffer[] = Array.from({ length: 80 }, (_, made) => Buffer.alloc(64 * 1024, made));
export const SHA256 = hashOf(Buffer.concat(BLOCKS));

export interface AppsOptions {
  /** From `openFolder`. */
  readonly folder: string;
  /** As TOML names them; each has one thread and a socket below `folder`. */
  readonly pools: Readonly<Record<string, WrittenConfig["pools"][string]>>;
  /** Pools that share a virtual host, by their names. */
  readonly hosts: readonly (readonly string[])[];
  /** More directives of each virtual host. */
  readonly more?: Lines;
}

export interface AppsBehindApache {
  readonly supervisor: RunningSupervisor;
  /** Of the virtual host that this pool belongs to. */
  url(pool: string): string;
  ask(pool: string, path: string, options?: Ask): Promise<Answer>;
  /** What the supervisor, the pools and the apps have said. */
  log(): string;
  /** Removes all folders of `openFolder` too. */
  stop(): Promise<void>;
}

export async function startAppsBehindApache({
  folder,
  pools,
  hosts,
  more = [],
}: AppsOptions): Promise<AppsBehindApache> {
  const common = { listen_mode: "0666", allow_root: true, threads: 1 };
  const written = Object.entries(pools).map(([name, pool]) => [name, { ...common, listen: `./${name}.sock`, ...pool }]);
  const { config } = resolveConfig(
    {
      // Apps fail here on purpose: what the pools say of it is not for the terminal.
      supervisor: { control: "./control.sock", log: "./holdfast.log", log_format: "json" },
      pools: Object.fromEntries(written) as WrittenConfig["pools"],
    },
    folder,
  );
  const supervisor = await startSupervisor(config, { log: createLog("json", "info", () => {}) });
  const ports = await freePorts(hosts.length);
  const site = async (): Promise<Lines[]> => {
    await supervisor.ready;
    return hosts.flatMap((names, at) => {
      const own = config.pools.filter(({ name }) => names.includes(name));
      const address = `127.0.0.1:${ports[at]}`;
      return [`Listen ${address}`, ...section("VirtualHost", address, more, renderApache(own, { layout: "prefix" }))];
    });
  };
  const stopSupervisor = async (): Promise<void> => {
    await supervisor.stop("end of tests");
    removeFolders();
  };
  try {
    const apache = await startTestApache(folder, await site());
    const url = (pool: string): string => `http://127.0.0.1:${ports[hosts.findIndex((names) => names.includes(pool))]}`;
    return {
      supervisor,
      url,
      ask: (pool, path, options) => ask(url(pool), path, { deadlineMs: PATIENCE_MS, ...options }),
      log: () => readFileSync(join(folder, "holdfast.log"), "utf8"),
      async stop() {
        await apache.stop();
        await stopSupervisor();
      },
    };
  } catch (error) {
    await stopSupervisor();
    throw error;
  }
}

/** SHA-256, as hexadecimal digits. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
