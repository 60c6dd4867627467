// A backend that the bench measures: how it is started, and how Apache reaches it.

import type { Child } from "./child.ts";

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

export interface Peer {
  readonly id: string;
  readonly title: string;
  readonly protocol: "fcgi" | "http";
  /** Where in the URL space of the peer the reply is; after the mount's slash. */
  readonly path: string;
  /** What stands between the worker's name and the path in ProxyPass: php-fpm wants the script's folder here. */
  base(around: Surroundings): string;
  /** Parameters of Apache's worker. */
  readonly worker: string;
  /** Measured mounted by SetHandler as well. */
  readonly setHandler: boolean;
  /** Measured without Apache as well, on connections of this kind. */
  readonly direct: "kept" | "fresh" | undefined;
  /** Why it cannot be measured here, or undefined. */
  missing(): string | undefined;
  start(around: Surroundings, socket: string): Promise<Child>;
}

export const DEFAULTS = {
  protocol: "fcgi",
  path: "hello",
  base: () => "/",
  worker: "enablereuse=on",
  setHandler: false,
  direct: undefined,
} as const;
