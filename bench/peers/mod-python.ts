// mod_python: the interpreter in Apache's own processes, so what it takes cannot be told from what Apache takes.
// mod_wsgi refuses to be in one Apache with it.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { moduleMissing } from "../apache.ts";
import type { ApachePeer } from "../peer.ts";

export const modPython: ApachePeer = {
  id: "mod_python",
  title: "mod_python",
  detail: "in Apache's processes",
  path: (name) => name,
  processes: undefined,
  apart: true,
  missing: () => moduleMissing("python", "libapache2-mod-python"),
  additions({ folder, repository }) {
    const handlers = join(folder, "mod_python");
    mkdirSync(handlers, { mode: 0o755 });
    copyFileSync(join(repository, "bench/apps/mod_python_hello.py"), join(handlers, "mod_python_hello.py"));
    return {
      modules: ["python"],
      text: `<Location "/mod_python/">
    SetHandler mod_python
    PythonPath "['${handlers}'] + sys.path"
    PythonHandler mod_python_hello
    PythonAutoReload Off
    PythonDebug Off
</Location>
`,
    };
  },
};
