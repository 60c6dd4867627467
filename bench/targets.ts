// What a run measures: each peer by each way of reaching it.

import { proxyPassPath, setHandlerPath } from "./apache.ts";
import type { Child } from "./child.ts";
import type { Peer } from "./peer.ts";

/** The ways to a peer; rows are compared with the floor that is reached in the same way. */
export type Way = "ProxyPass" | "SetHandler" | "socket";

export interface RunningPeer {
  readonly peer: Peer;
  readonly socket: string;
  readonly child: Child;
}

export interface Target {
  readonly id: string;
  readonly title: string;
  readonly way: Way;
  readonly detail: string;
  readonly path: string;
  readonly peer: RunningPeer;
}

export function targetsOf(running: RunningPeer): Target[] {
  const { peer } = running;
  const targets: Target[] = [
    {
      id: peer.id,
      title: peer.title,
      way: "ProxyPass",
      detail: peer.worker,
      path: proxyPassPath(peer),
      peer: running,
    },
  ];
  if (peer.setHandler) {
    targets.push({
      id: `${peer.id}-sethandler`,
      title: peer.title,
      way: "SetHandler",
      detail: peer.worker,
      path: setHandlerPath(peer),
      peer: running,
    });
  }
  if (peer.direct !== undefined) {
    targets.push({
      id: `${peer.id}-socket`,
      title: peer.title,
      way: "socket",
      detail: peer.direct === "kept" ? "kept connections" : "a connection per request",
      path: "",
      peer: running,
    });
  }
  return targets;
}
