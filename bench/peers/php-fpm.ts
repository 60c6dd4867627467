// php-fpm with opcache and a static pool, as fast as it was found to be behind this Apache (README.md).

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APACHE_CONNECTIONS } from "../apache.ts";
import { startChild } from "../child.ts";
import { piece } from "../pattern.ts";
import { DEFAULTS, type Peer, type Setting } from "../peer.ts";
import { which } from "../which.ts";

const program = () => which("php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2");

/**
 * A child belongs to a kept connection until that closes, so with fewer children than Apache may keep
 * connections, requests would wait for a child that waits for another request.
 */
export const phpFpm = (setting: Setting): Peer => {
  const id = "php-fpm";
  return { ...common, id, title: "php-fpm, opcache", start: start({ id, children: APACHE_CONNECTIONS, setting }) };
};

/** With as many children as the others have workers, and so without kept connections. */
export const phpFpmFew = (setting: Setting): Peer => {
  const id = "php-fpm-few";
  const title = `php-fpm, ${setting.workers} children`;
  return { ...common, id, title, worker: "enablereuse=off", start: start({ id, children: setting.workers, setting }) };
};

const common = {
  ...DEFAULTS,
  path: (name: string) => `${name}.php`,
  base: ({ folder }: { folder: string }) => `${folder}/php/`,
  missing: () => (program() === undefined ? "no php-fpm (php-fpm, php-pgsql)" : undefined),
};

interface Start {
  readonly id: string;
  readonly children: number;
  readonly setting: Setting;
}

function start({ id, children, setting: { database } }: Start): Peer["start"] {
  return ({ folder, repository, user }, socket) => {
    // Its user may not be able to read the repository.
    cpSync(join(repository, "bench/apps/php"), join(folder, "php"), { recursive: true });
    writeFileSync(join(folder, "php/piece"), piece(0));
    const config = join(folder, `${id}.conf`);
    writeFileSync(
      config,
      `[global]
error_log = ${join(folder, `${id}.log`)}
daemonize = no
[bench]
${user === undefined ? "" : `user = ${user.name}\ngroup = ${user.group}`}
listen = ${socket}
listen.mode = 0666
listen.backlog = 4096
pm = static
pm.max_children = ${children}
pm.max_requests = 0
php_admin_flag[expose_php] = off
php_admin_flag[opcache.enable] = on
php_admin_flag[opcache.validate_timestamps] = off
php_admin_value[post_max_size] = 0
${database === undefined ? "" : `env[DATABASE_URL] = "${database}"`}
`,
    );
    return startChild(
      {
        command: program() ?? "php-fpm",
        args: ["--nodaemonize", "--fpm-config", config],
        logFile: join(folder, `${id}.out`),
        stopSignal: "SIGQUIT",
      },
      socket,
    );
  };
}
