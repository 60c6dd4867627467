// The package node-fastcgi, alone.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

export const nodeFastcgi: Peer = {
  ...DEFAULTS,
  id: "node-fastcgi",
  title: "node-fastcgi",
  direct: "fresh",
  missing: () => undefined,
  start: ({ folder }, socket) =>
    startChild(
      {
        command: process.execPath,
        args: [fileURLToPath(new URL("../apps/node-fastcgi.js", import.meta.url)), socket],
        logFile: join(folder, "node-fastcgi.log"),
      },
      socket,
    ),
};
