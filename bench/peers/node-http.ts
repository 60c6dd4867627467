// node:http in a cluster of two behind mod_proxy_http: the usual way to put Node behind Apache.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

const WORKERS = 2;

export const nodeHttp = (app = "node-http.js"): Peer => ({
  ...DEFAULTS,
  id: "node-http",
  title: "node:http, cluster of 2",
  protocol: "http",
  missing: () => undefined,
  start: ({ folder }, socket) =>
    startChild(
      {
        command: process.execPath,
        args: [fileURLToPath(new URL(`../apps/${app}`, import.meta.url)), socket, String(WORKERS)],
        logFile: join(folder, "node-http.log"),
      },
      socket,
    ),
});
