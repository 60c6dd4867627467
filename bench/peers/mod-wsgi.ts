// mod_wsgi in daemon mode, with the application in the first interpreter and none in Apache's own processes, as its
// manual advises; 15 threads in each process are its default.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moduleMissing } from "../apache.ts";
import { piece } from "../pattern.ts";
import type { ApachePeer, Setting } from "../peer.ts";

const THREADS = 15;
/** It takes the place of the path of the program, and is cut to its length. */
const DISPLAY_NAME = "bench-wsgi";

export const modWsgi = ({ workers, database }: Setting): ApachePeer => ({
  id: "mod_wsgi",
  title: `mod_wsgi, ${workers} × ${THREADS} threads`,
  detail: "daemon mode",
  path: (name) => name,
  processes: DISPLAY_NAME,
  missing: () => moduleMissing("wsgi", "libapache2-mod-wsgi-py3, python3-psycopg2"),
  additions({ folder, repository }) {
    const app = join(folder, "wsgi");
    mkdirSync(app, { mode: 0o755 });
    copyFileSync(join(repository, "bench/apps/workloads.wsgi"), join(app, "workloads.wsgi"));
    writeFileSync(join(app, "piece"), piece(0));
    return {
      modules: ["wsgi"],
      text: `WSGISocketPrefix "${join(folder, "wsgi-socket")}"
WSGIRestrictEmbedded On
WSGIDaemonProcess bench processes=${workers} threads=${THREADS} display-name=${DISPLAY_NAME} lang=C.UTF-8 locale=C.UTF-8
WSGIProcessGroup bench
WSGIApplicationGroup %{GLOBAL}
WSGIScriptAlias /mod_wsgi "${join(app, "workloads.wsgi")}"
${database === undefined ? "" : `SetEnv bench.database "${database}"`}
<Directory "${app}">
    Require all granted
</Directory>
`,
    };
  },
});
