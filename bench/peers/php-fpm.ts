// php-fpm with opcache and a static pool, as fast as it was found to be behind this Apache (README.md).

import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APACHE_CONNECTIONS } from "../apache.ts";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";
import { which } from "../which.ts";

// A child belongs to a kept connection until that closes, so with fewer children than Apache may keep
// connections, requests would wait for a child that waits for another request.
const CHILDREN = APACHE_CONNECTIONS;

const program = () => which("php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2");

export const phpFpm: Peer = {
  ...DEFAULTS,
  id: "php-fpm",
  title: "php-fpm, opcache",
  path: "hello.php",
  base: ({ folder }) => `${folder}/`,
  missing: () => (program() === undefined ? "no php-fpm" : undefined),
  start({ folder, repository, user }, socket) {
    // Its user may not be able to read the repository.
    copyFileSync(join(repository, "bench/apps/hello.php"), join(folder, "hello.php"));
    const config = join(folder, "php-fpm.conf");
    writeFileSync(
      config,
      `[global]
error_log = ${join(folder, "php-fpm.log")}
daemonize = no
[bench]
${user === undefined ? "" : `user = ${user.name}\ngroup = ${user.group}`}
listen = ${socket}
listen.mode = 0666
listen.backlog = 4096
pm = static
pm.max_children = ${CHILDREN}
pm.max_requests = 0
php_admin_flag[expose_php] = off
php_admin_flag[opcache.enable] = on
php_admin_flag[opcache.validate_timestamps] = off
`,
    );
    return startChild(
      {
        command: program() ?? "php-fpm",
        args: ["--nodaemonize", "--fpm-config", config],
        logFile: join(folder, "php-fpm.out"),
        stopSignal: "SIGQUIT",
      },
      socket,
    );
  },
};
