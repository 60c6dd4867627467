// The package node-fastcgi, alone. It closes connections that it was asked to keep, and Apache answers
// 503 where it meets one that is being closed, so it is mounted without reuse. It also closes one before it has read
// the empty FCGI_STDIN behind a request without a body; where Apache has not sent that yet, the answer is 503 as well:
// one of some 50,000.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

export const nodeFastcgi: Peer = {
  ...DEFAULTS,
  id: "node-fastcgi",
  title: "node-fastcgi",
  worker: "enablereuse=off",
  direct: "fresh",
  failureShare: 1 / 1000,
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
