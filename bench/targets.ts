// What a run measures: each peer by each way of reaching it.

import { type Apache, proxyPassPath, setHandlerPath } from "./apache.ts";
import { type ApachePeer, isApachePeer, type Peer } from "./peer.ts";

/** The ways to a peer; rows are compared with the floor that is reached in the same way. */
export type Way = "ProxyPass" | "SetHandler" | "socket" | "module";

export interface RunningPeer {
  readonly peer: Peer | ApachePeer;
  /** Of Apache's own peers: none. */
  readonly socket: string;
  /** The Apache through which it is reached. */
  readonly apache: Apache;
  /** Its processes; empty where they cannot be told. */
  pids(): readonly number[];
}

export interface Target {
  readonly id: string;
  readonly title: string;
  readonly way: Way;
  readonly detail: string;
  /** In Apache's URL space, of the reply of this name. */
  path(name: string): string;
  readonly running: RunningPeer;
}

export function targetsOf(running: RunningPeer, workload: string): Target[] {
  const { peer } = running;
  const { id, title } = peer;
  const path = (name: string) => proxyPassPath(peer, name);
  if (isApachePeer(peer)) return [{ id, title, way: "module", detail: peer.detail, path, running }];
  const detail = peer.worker;
  const targets: Target[] = [{ id, title, way: "ProxyPass", detail, path, running }];
  if (workload !== "trivial") return targets;
  if (peer.setHandler) {
    const byFile = () => setHandlerPath(peer);
    targets.push({ id: `${id}-sethandler`, title, way: "SetHandler", detail, path: byFile, running });
  }
  if (peer.direct !== undefined) {
    const how = peer.direct === "kept" ? "kept connections" : "a connection per request";
    targets.push({ id: `${id}-socket`, title, way: "socket", detail: how, path, running });
  }
  return targets;
}
