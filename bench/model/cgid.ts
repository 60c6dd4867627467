// The CGI script as Apache itself runs it: a process for each request.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Additions } from "../peer.ts";
import type { Run } from "../surroundings.ts";

export const CGID_PATH = "/cgi-bin/hello.cjs";

export function cgidAdditions({ folder, repository }: Run): Additions {
  const scripts = join(folder, "cgi-bin");
  const script = join(scripts, "hello.cjs");
  mkdirSync(scripts, { mode: 0o755 });
  const source = readFileSync(join(repository, "bench/apps/model/cgi/hello.cjs"), "utf8");
  // On the Node that runs Holdfast.
  writeFileSync(script, `#!${process.execPath}\n${source}`, { mode: 0o755 });
  return {
    modules: ["alias", "cgid"],
    text: `ScriptSock "${join(folder, "cgid.sock")}"
ScriptAlias "/cgi-bin/" "${scripts}/"
<Directory "${scripts}">
    Options +ExecCGI
    Require all granted
</Directory>
`,
  };
}
