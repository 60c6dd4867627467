// Scripts under mod_cgid: a process for every request.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moduleMissing } from "../apache.ts";
import type { ApachePeer } from "../peer.ts";
import { which } from "../which.ts";

const PYTHON = "/usr/bin/python3";

interface Script {
  readonly id: string;
  readonly title: string;
  readonly file: string;
  readonly interpreter: string;
  readonly missing: () => string | undefined;
}

const cgi = ({ id, title, file, interpreter, missing }: Script): ApachePeer => ({
  id,
  title,
  detail: "mod_cgid",
  path: () => file,
  processes: undefined,
  missing: () => missing() ?? moduleMissing("cgid", "apache2-bin"),
  additions({ folder, repository }) {
    const scripts = join(folder, id);
    mkdirSync(scripts, { mode: 0o755 });
    const source = readFileSync(join(repository, "bench/apps/cgi", file), "utf8");
    writeFileSync(join(scripts, file), `#!${interpreter}\n${source}`, { mode: 0o755 });
    return {
      modules: ["alias", "cgid"],
      text: `ScriptSock "${join(folder, "cgid.sock")}"
ScriptAlias "/${id}/" "${scripts}/"
<Directory "${scripts}">
    Options +ExecCGI
    Require all granted
</Directory>
`,
    };
  },
});

/** On the Node that runs Holdfast. */
export const nodeCgi = cgi({
  id: "node-cgi",
  title: "Node CGI",
  file: "hello.cjs",
  interpreter: process.execPath,
  missing: () => undefined,
});

/** On the system's Python, as mod_wsgi. */
export const pythonCgi = cgi({
  id: "python-cgi",
  title: "Python CGI",
  file: "hello.py",
  interpreter: PYTHON,
  missing: () => (which("python3") === undefined ? "no python3" : undefined),
});
