// Measures one target once: load from outside, and what the processes behind it used meanwhile.

import { bodyLoad, mixedLoad } from "./loads.ts";
import { cpuMicros, processTree, residentBytes } from "./proc.ts";
import type { Load, Sample } from "./sample.ts";
import { socketLoad } from "./socket-load.ts";
import type { Target } from "./targets.ts";
import { DOWNLOAD_MIB, UPLOAD_MIB, WORK, type Workload } from "./workload.ts";
import { httpLoad } from "./wrk.ts";

export type Measurer = (target: Target, seconds: number) => Promise<Sample>;

export interface Equipment {
  readonly workload: Workload;
  /** HTTP connections to Apache. */
  readonly clients: number;
  readonly connections: "kept" | "new";
  /** Kept FastCGI connections when Apache is left out. */
  readonly direct: number;
  /** The compiled load.c. */
  readonly loader: string;
  readonly repository: string;
}

export function measurer(equipment: Equipment): Measurer {
  return async (target, seconds) => {
    const { apache, pids } = target.running;
    const apacheBefore = micros(processTree(apache.pid));
    const peerBefore = micros(pids());
    const { requests, failed = 0, seconds: took, p50Us, p99Us, errors } = await loadOf(equipment, target, seconds);
    const peerPids = pids();
    const known = peerPids.length > 0;
    // What Apache starts is not what Apache takes.
    const ownPids = processTree(apache.pid).filter((pid) => !peerPids.includes(pid));
    return {
      requestsPerSecond: requests / took,
      requests,
      failed,
      p50Us,
      p99Us,
      cpuMicrosPerRequest: known ? used(peerBefore, peerPids) / requests : Number.NaN,
      apacheMicrosPerRequest: target.way === "socket" ? undefined : used(apacheBefore, ownPids) / requests,
      residentBytes: known ? residentBytes(peerPids) : Number.NaN,
      errors,
    };
  };
}

const micros = (pids: readonly number[]) => new Map(pids.map((pid) => [pid, cpuMicros([pid])]));

/** By these processes, some of which may have been started meanwhile. */
function used(before: ReadonlyMap<number, number>, pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMicros([pid]) - (before.get(pid) ?? 0), 0);
}

function loadOf(equipment: Equipment, target: Target, seconds: number): Promise<Load> {
  const { workload, clients, connections, direct, loader, repository } = equipment;
  const { peer, socket, apache } = target.running;
  const { port } = apache;
  if (target.way === "socket") {
    const kind = ("direct" in peer ? peer.direct : undefined) ?? "fresh";
    return socketLoad({ program: loader, socket, connections: direct, seconds, kind });
  }
  const { name, expected } = WORK[workload];
  const path = target.path(name);
  switch (workload) {
    case "mixed":
      return mixedLoad({ port, light: path, heavy: target.path("heavy"), clients, seconds });
    case "download":
      return bodyLoad({ direction: "down", url: urlOf(port, path), mib: DOWNLOAD_MIB, clients, seconds });
    case "upload":
      return bodyLoad({ direction: "up", url: urlOf(port, path), mib: UPLOAD_MIB, clients, seconds });
    default: {
      const request = { close: connections === "new" };
      const failureShare = "failureShare" in peer ? peer.failureShare : undefined;
      const asked = { port, path, clients, seconds, repository, request };
      return httpLoad({ ...asked, ...(failureShare && { failureShare }), ...(expected && { expected }) });
    }
  }
}

const urlOf = (port: number, path: string) => `http://127.0.0.1:${port}${path}`;
