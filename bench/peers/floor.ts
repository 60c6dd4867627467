// The floor: what Apache itself can do with FastCGI, with an application that costs nothing.

import { join } from "node:path";
import { startChild } from "../child.ts";
import { compile, compilerMissing } from "../compile.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

export const floor: Peer = {
  ...DEFAULTS,
  id: "floor",
  title: "floor (canned, in C)",
  setHandler: true,
  direct: "kept",
  missing: compilerMissing,
  start: ({ folder, repository }, socket) =>
    startChild(
      {
        command: compile(join(repository, "bench/responder.c"), folder),
        args: [`unix:${socket}`],
        logFile: join(folder, "floor.log"),
      },
      socket,
    ),
};
