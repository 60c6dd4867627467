// mod_fcgid with the program of libfcgi: Apache starts processes as they are asked for, up to the module's own limits.

import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { moduleMissing } from "../apache.ts";
import type { ApachePeer } from "../peer.ts";
import { compileLibfcgi, libfcgiMissing } from "./libfcgi.ts";

export const modFcgid: ApachePeer = {
  id: "mod_fcgid",
  title: "mod_fcgid, C with libfcgi",
  detail: "fcgid-script",
  path: (name) => `${name}.fcgi`,
  processes: "hello.fcgi",
  missing: () => moduleMissing("fcgid", "libapache2-mod-fcgid") ?? libfcgiMissing(),
  additions(around) {
    const programs = join(around.folder, "fcgid");
    mkdirSync(programs, { mode: 0o755 });
    renameSync(compileLibfcgi(around, programs), join(programs, "hello.fcgi"));
    return {
      modules: ["alias", "mime", "fcgid"],
      // A process does not end after so many requests, nor after so long.
      text: `TypesConfig /dev/null
FcgidIPCDir "${join(around.folder, "fcgid-sockets")}"
FcgidProcessTableFile "${join(around.folder, "fcgid.shm")}"
FcgidMaxRequestsPerProcess 0
FcgidProcessLifeTime 0
Alias "/mod_fcgid/" "${programs}/"
<Directory "${programs}">
    Options +ExecCGI
    AddHandler fcgid-script .fcgi
    Require all granted
</Directory>
`,
    };
  },
};
