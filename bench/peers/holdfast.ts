// Holdfast, as `holdfast start` runs it from a configuration file.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

const THREADS = 2;

export interface HoldfastOptions {
  readonly id?: string;
  readonly title?: string;
  readonly threads?: number;
  /** What the app finds in its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder whose files answer, in the place of the app. */
  readonly root?: string;
  /** Further lines of the pool's table. */
  readonly settings?: readonly string[];
}

export function holdfast(app = "bench/apps/hello.ts", options: HoldfastOptions = {}): Peer {
  const { id = "holdfast", title = "Holdfast", threads = THREADS, env = {}, root, settings = [] } = options;
  return {
    ...DEFAULTS,
    id,
    title: `${title}, ${threads} thread${threads === 1 ? "" : "s"}`,
    setHandler: true,
    direct: "kept",
    missing: () => undefined,
    start({ folder, repository }, socket) {
      const config = join(folder, `${id}.toml`);
      writeFileSync(
        config,
        `[supervisor]
control = "${controlSocket(folder, id)}"
log_format = "json"
[pools.bench]
listen = "${socket}"
listen_mode = "0666"
${root === undefined ? `app = "${join(repository, app)}"` : `root = "${root}"`}
threads = ${threads}
allow_root = true
${settings.join("\n")}
[pools.bench.env]
${Object.entries(env)
  .map(([name, value]) => `${name} = "${value}"`)
  .join("\n")}
[pools.bench.request]
body_limit = "2GiB"
timeout = "10m"
`,
      );
      return startChild(
        {
          command: process.execPath,
          args: [join(repository, "bin/holdfast.js"), "start", "-c", config],
          logFile: join(folder, `${id}.log`),
        },
        socket,
      );
    },
  };
}

/** Where the supervisor of a peer is asked and told. */
export function controlSocket(folder: string, id: string): string {
  return join(folder, `${id}-control.sock`);
}
