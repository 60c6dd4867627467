// What a supervisor and the one that takes its place say to each other over Node's IPC channel: plain
// JSON data. The bound sockets are inherited as descriptors, named in the successor's environment.

import type { ListenAddress } from "../config/schema.ts";
import type { KeptConnection } from "./lifecycle.ts";

/** The environment variable that tells a supervisor that it is a successor: `PassedSocket[]` as JSON. */
export const SUCCESSION_VARIABLE = "HOLDFAST_SUCCESSION";

/** A bound socket that outlives its supervisor. */
export interface PassedSocket {
  /** For which address of the configuration it was bound. */
  readonly key: string;
  readonly listen: ListenAddress;
  /** Descriptor in the successor. */
  readonly fd: number;
  /** Whether its unix path was made by us, and is to be removed with it. */
  readonly owned: boolean;
}

export type ToSuccessor =
  /** The control socket is free, and every process may listen. */
  | { readonly kind: "take-over" }
  /** It does serve: from now on the sockets are its own, and it removes their paths when it ends. */
  | { readonly kind: "yours" }
  /** A connection that a pool of the predecessor gave away; its handle comes with the message. */
  | ({ readonly kind: "connection"; readonly pool: string } & KeptConnection);

export type FromSuccessor =
  /** Every pool could serve. */
  | { readonly kind: "booted" }
  /** Every pool serves: the predecessor says that it agrees, and drains. */
  | { readonly kind: "serving" };
