// The peers, and which of them each workload is asked of. What a workload leaves out would say the same as its
// trivial row, or cannot do it without the reader's trust in an app of our making.

import type { ApachePeer, Peer, Setting } from "../peer.ts";
import { WORKLOADS, type Workload } from "../workload.ts";
import { nodeCgi, pythonCgi } from "./cgi.ts";
import { floor } from "./floor.ts";
import { holdfast } from "./holdfast.ts";
import { libfcgi } from "./libfcgi.ts";
import { modFcgid } from "./mod-fcgid.ts";
import { modPython } from "./mod-python.ts";
import { modWsgi } from "./mod-wsgi.ts";
import { nodeFastcgi } from "./node-fastcgi.ts";
import { nodeHttp } from "./node-http.ts";
import { phpFpm, phpFpmFew } from "./php-fpm.ts";

type Make = (setting: Setting) => Peer | ApachePeer;

const TRIVIAL: readonly Workload[] = ["trivial"];
const SMALL: readonly Workload[] = ["trivial", "json", "mixed", "wait", "page"];

const PEERS: readonly { readonly make: Make; readonly workloads: readonly Workload[] }[] = [
  { make: () => floor, workloads: TRIVIAL },
  { make: () => libfcgi, workloads: TRIVIAL },
  { make: phpFpm, workloads: WORKLOADS },
  { make: phpFpmFew, workloads: ["mixed"] },
  { make: ownHttp, workloads: WORKLOADS },
  { make: expressHttp, workloads: SMALL },
  { make: () => nodeFastcgi, workloads: TRIVIAL },
  { make: modWsgi, workloads: WORKLOADS },
  { make: () => modPython, workloads: TRIVIAL },
  { make: () => modFcgid, workloads: TRIVIAL },
  { make: () => nodeCgi, workloads: TRIVIAL },
  { make: () => pythonCgi, workloads: TRIVIAL },
  { make: ownHoldfast, workloads: WORKLOADS },
  { make: expressHoldfast, workloads: SMALL },
];

export interface Invited {
  readonly peers: readonly (Peer | ApachePeer)[];
  /** Titles of those that the workload is not asked of. */
  readonly leftOut: readonly string[];
}

export function peersOf(setting: Setting): Invited {
  const asked = PEERS.filter(({ workloads }) => workloads.includes(setting.workload));
  const others = PEERS.filter((peer) => !asked.includes(peer) && peer.make !== phpFpmFew);
  return { peers: asked.map(({ make }) => make(setting)), leftOut: others.map(({ make }) => make(setting).title) };
}

const envOf = ({ database }: Setting) => (database === undefined ? {} : { DATABASE_URL: database });

function ownHoldfast(setting: Setting): Peer {
  const app = setting.workload === "trivial" ? "hello.ts" : "workloads.ts";
  return holdfast(`bench/apps/${app}`, { threads: setting.workers, env: envOf(setting) });
}

function expressHoldfast(setting: Setting): Peer {
  const id = "express-under-holdfast";
  const env = { NODE_ENV: "production", ...envOf(setting) };
  return {
    ...holdfast("bench/apps/express.ts", { id, title: "Express under Holdfast", threads: setting.workers, env }),
    setHandler: false,
    direct: undefined,
  };
}

function ownHttp(setting: Setting): Peer {
  const app = setting.workload === "trivial" ? "node-http.js" : "node-http-workloads.js";
  return nodeHttp(app, { workers: setting.workers, env: envOf(setting) });
}

function expressHttp(setting: Setting): Peer {
  const env = { NODE_ENV: "production", ...envOf(setting) };
  return nodeHttp("express-http.js", { id: "express", title: "Express", workers: setting.workers, env });
}
