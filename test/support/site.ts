// One pool of files behind a real Apache, mounted in all three ways at once.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import { type ApacheLayout, LAYOUTS, renderApache } from "../../src/deploy/apache.ts";
import { section } from "../../src/deploy/directives.ts";
import { startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { freePorts, openFolder, removeFolders, startTestApache } from "./apache.ts";
import { type Answer, type Ask, ask } from "./http.ts";

export interface Site {
  /** The folder that is the pool's root. */
  readonly root: string;
  /** What was logged, parsed. */
  lines(): Record<string, unknown>[];
  /** Without a slash at its end. */
  url(layout: ApacheLayout): string;
  ask(layout: ApacheLayout, path: string, options?: Ask): Promise<Answer>;
  stop(): Promise<void>;
}

/** `files` are written below the root; `options` are the pool's, as TOML names them. */
export async function startSite(
  files: Readonly<Record<string, string>>,
  options: WrittenConfig["pools"][string] = {},
): Promise<Site> {
  const folder = openFolder();
  const root = join(folder, "www");
  mkdirSync(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  chmodSync(root, 0o755);
  const pool = { root, allow_root: true, threads: 1, listen: "./site.sock", listen_mode: "0666", ...options };
  const logFile = join(folder, "holdfast.log");
  const written = { supervisor: { control: "./control.sock", log: logFile }, pools: { site: pool } };
  const { config } = resolveConfig(written, folder);
  const log = createLog("json", "info", () => {});
  const supervisor = await startSupervisor(config, { log });
  try {
    await supervisor.ready;
    const ports = await freePorts(LAYOUTS.length);
    const apache = await startTestApache(
      folder,
      LAYOUTS.flatMap((layout, at) => [
        `Listen 127.0.0.1:${ports[at]}`,
        ...section("VirtualHost", `127.0.0.1:${ports[at]}`, renderApache(config.pools, { layout })),
      ]),
    );
    const url = (layout: ApacheLayout): string => `http://127.0.0.1:${ports[LAYOUTS.indexOf(layout)]}`;
    return {
      root,
      lines: () => linesOf(logFile),
      url,
      ask: (layout, path, asked) => ask(url(layout), path, asked),
      async stop() {
        await apache.stop();
        await supervisor.stop("end of tests");
        removeFolders();
      },
    };
  } catch (error) {
    await supervisor.stop("end of tests");
    removeFolders();
    throw error;
  }
}

function linesOf(file: string): Record<string, unknown>[] {
  const complete = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return complete.map((line) => JSON.parse(line) as Record<string, unknown>);
}
