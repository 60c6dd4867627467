// C with libfcgi: threads that accept, one for every connection that Apache may keep, because a thread belongs to a kept
// connection until that closes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { APACHE_CONNECTIONS } from "../apache.ts";
import { startChild } from "../child.ts";
import { compile, compilerMissing } from "../compile.ts";
import { DEFAULTS, type Peer, type Surroundings } from "../peer.ts";

export const libfcgiMissing = () =>
  compilerMissing() ?? (existsSync("/usr/include/fcgiapp.h") ? undefined : "no fcgiapp.h (libfcgi-dev)");

export const compileLibfcgi = ({ repository }: Surroundings, folder: string): string =>
  compile(join(repository, "bench/apps/libfcgi.c"), folder, ["fcgi", "pthread"]);

export const libfcgi: Peer = {
  ...DEFAULTS,
  id: "libfcgi",
  title: `C with libfcgi, ${APACHE_CONNECTIONS} threads`,
  direct: "kept",
  missing: libfcgiMissing,
  start: (around, socket) =>
    startChild(
      {
        command: compileLibfcgi(around, around.folder),
        args: [socket, String(APACHE_CONNECTIONS)],
        logFile: join(around.folder, "libfcgi.log"),
      },
      socket,
    ),
};
