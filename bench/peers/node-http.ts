// A cluster of node:http servers behind mod_proxy_http: the usual way to put Node behind Apache.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import { DEFAULTS, type Peer } from "../peer.ts";

const WORKERS = 2;

export interface NodeHttpOptions {
  readonly id?: string;
  readonly title?: string;
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export function nodeHttp(app = "node-http.js", options: NodeHttpOptions = {}): Peer {
  const { id = "node-http", title = "node:http", workers = WORKERS, env = {} } = options;
  return {
    ...DEFAULTS,
    id,
    title: `${title}, cluster of ${workers}`,
    protocol: "http",
    missing: () => undefined,
    start: ({ folder }, socket) =>
      startChild(
        {
          command: process.execPath,
          args: [fileURLToPath(new URL(`../apps/${app}`, import.meta.url)), socket, String(workers)],
          logFile: join(folder, `${id}.log`),
          env: { ...process.env, ...env },
        },
        socket,
      ),
  };
}
