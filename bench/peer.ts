// A backend that the bench measures: how it is started, and how Apache reaches it.

import type { Child } from "./child.ts";
import type { Workload } from "./workload.ts";

/** Every peer answers with exactly this, as text/plain;charset=UTF-8 and with its length. */
export const BODY = "Hello, world\n";

export interface User {
  readonly name: string;
  readonly group: string;
}

export interface Surroundings {
  /** A folder for this run: sockets, logs, generated configuration. */
  readonly folder: string;
  /** The repository, where the sources of the peers' programs lie. */
  readonly repository: string;
  /** Who the programs that change their user become when the bench is root. */
  readonly user: User | undefined;
}

/** What a peer is to do in one part of a run. */
export interface Setting {
  readonly workload: Workload;
  readonly workers: number;
  /** The URL of PostgreSQL, where the workload asks it. */
  readonly database: string | undefined;
}

/** A program of its own that Apache passes requests on to. */
export interface Peer {
  readonly id: string;
  readonly title: string;
  readonly protocol: "fcgi" | "http";
  /** Where in the URL space of the peer the reply of this name is; after the mount's slash. */
  path(name: string): string;
  /** What stands between the worker's name and the path in ProxyPass: php-fpm wants the script's folder here. */
  base(around: Surroundings): string;
  /** Parameters of Apache's worker. */
  readonly worker: string;
  /** Measured mounted by SetHandler as well. */
  readonly setHandler: boolean;
  /** Measured without Apache as well, on connections of this kind. */
  readonly direct: "kept" | "fresh" | undefined;
  /** It counts although so many of its replies are failures; those do not. Default: none may be. */
  readonly failureShare?: number;
  /** Why it cannot be measured here, or undefined. */
  missing(): string | undefined;
  start(around: Surroundings, socket: string): Promise<Child>;
}

/** A peer that is a module of Apache, or that a module starts. */
export interface ApachePeer {
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  path(name: string): string;
  missing(): string | undefined;
  /** It cannot share an Apache with the others: it gets one of its own, configured the same. */
  readonly apart?: true;
  /** What the command lines of its processes contain; undefined where they come and go, or are Apache's own. */
  readonly processes: string | undefined;
  /** Writes what it needs into the folder; returns what Apache is to have for it. */
  additions(around: Surroundings): Additions;
}

/** What else an Apache is to have. */
export interface Additions {
  readonly modules: readonly string[];
  readonly text: string;
}

export const isApachePeer = (peer: Peer | ApachePeer): peer is ApachePeer => "additions" in peer;

export const DEFAULTS = {
  protocol: "fcgi",
  path: (name: string) => name,
  base: () => "/",
  worker: "enablereuse=on",
  setHandler: false,
  direct: undefined,
} as const;
