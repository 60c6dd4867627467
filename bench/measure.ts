// Measures one target once: load from outside, and what the processes behind it used meanwhile.

import type { Apache } from "./apache.ts";
import type { Options } from "./options.ts";
import { cpuMicros, processTree, residentBytes } from "./proc.ts";
import type { Load, Sample } from "./sample.ts";
import { socketLoad } from "./socket-load.ts";
import type { Target } from "./targets.ts";
import { httpLoad } from "./wrk.ts";

export type Measurer = (target: Target, seconds: number) => Promise<Sample>;

export interface Equipment {
  readonly apache: Apache;
  /** The compiled load.c. */
  readonly loader: string;
  readonly options: Options;
  readonly repository: string;
}

export function measurer({ apache, loader, options, repository }: Equipment): Measurer {
  const load = (target: Target, seconds: number): Promise<Load> =>
    target.way === "socket"
      ? socketLoad({
          program: loader,
          socket: target.peer.socket,
          connections: options.connections,
          seconds,
          kind: target.peer.peer.direct ?? "fresh",
        })
      : httpLoad({ port: apache.port, path: target.path, clients: options.clients, seconds, repository });

  return async (target, seconds) => {
    const peerPids = processTree(target.peer.child.pid);
    const apachePids = processTree(apache.pid);
    const peerBefore = cpuMicros(peerPids);
    const apacheBefore = cpuMicros(apachePids);
    const { requests, seconds: took, p50Us, p99Us, errors } = await load(target, seconds);
    return {
      requestsPerSecond: requests / took,
      requests,
      p50Us,
      p99Us,
      cpuMicrosPerRequest: (cpuMicros(peerPids) - peerBefore) / requests,
      apacheMicrosPerRequest: target.way === "socket" ? undefined : (cpuMicros(apachePids) - apacheBefore) / requests,
      residentBytes: residentBytes(peerPids),
      errors,
    };
  };
}
