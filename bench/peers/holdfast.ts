// Holdfast, as `holdfast start` runs it from a configuration file.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

const THREADS = 2;

export function holdfast(app = "bench/apps/hello.ts"): Peer {
  return {
    ...DEFAULTS,
    id: "holdfast",
    title: "Holdfast, 2 threads",
    setHandler: true,
    direct: "kept",
    missing: () => undefined,
    start({ folder, repository }, socket) {
      const config = join(folder, "holdfast.toml");
      writeFileSync(
        config,
        `[supervisor]
control = "${join(folder, "control.sock")}"
log_format = "json"
[pools.bench]
listen = "${socket}"
listen_mode = "0666"
app = "${join(repository, app)}"
threads = ${THREADS}
allow_root = true
[pools.bench.request]
body_limit = "2GiB"
timeout = "10m"
`,
      );
      return startChild(
        {
          command: process.execPath,
          args: [join(repository, "bin/holdfast.js"), "start", "-c", config],
          logFile: join(folder, "holdfast.log"),
        },
        socket,
      );
    },
  };
}
