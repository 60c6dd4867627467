// A gateway turns a listening socket into exchanges. Two implement this interface, and one suite
// (test/contracts/gateway.ts) tests both: our own (gateway-holdfast.ts) and one over the package
// node-fastcgi (gateway-node-fastcgi.ts).

import type { Clock } from "../base/clock.ts";
import type { Fault } from "../base/fault.ts";
import type { Role } from "../fastcgi/record.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";
import type { ConnectionHandle } from "./accept.ts";
import type { Exchange, Peer } from "./exchange.ts";

/** A request whose params are complete; its body may still be on its way. */
export interface IncomingRequest {
  readonly role: Role;
  readonly params: Buffer;
  readonly peer: Peer;
}

/** Where the rest of a request goes after its params. An exchange is one. */
export interface RequestIntake {
  /** Nothing of the request is wanted any more. */
  readonly closed: boolean;
  stdin(bytes: Buffer): void;
  stdinEnd(): void;
  data(bytes: Buffer): void;
  dataEnd(): void;
  /** The peer closed its sending half. */
  peerEnded(): void;
  /** Nothing can be written to the peer any more, or it wants nothing [FCGI §5.4]. */
  peerGone(): void;
}

/** What a gateway is connected to. */
export interface GatewayHost {
  readonly clock: Clock;
  open(request: IncomingRequest): Exchange;
  /** A request was refused before it became an exchange. */
  refused(fault: Fault): void;
  /** A connection was ended because its peer broke the protocol or was not allowed. */
  connectionFault(fault: Fault): void;
}

export interface GatewayLimits {
  readonly paramsBytes: number;
  readonly paramsCount: number;
  readonly openRequests: number;
  /** From a connection's first byte of a request to the end of its params. */
  readonly receiveTimeoutMs: number;
  /** Longest wait for the web server to take a byte of what was written to it. */
  readonly stallTimeoutMs: number;
}

export interface GatewayOptions {
  readonly limits: GatewayLimits;
  /** Addresses or CIDR ranges that may connect over TCP; empty: all. */
  readonly allowedClients: readonly string[];
  readonly host: GatewayHost;
}

/** Gives a connection to another process. Resolves when that has it, or it is lost. */
export type GiveAway = (handle: ConnectionHandle, connection: KeptConnection) => Promise<void>;

export interface Gateway {
  /** Listens on an inherited descriptor, or on an address in tests. */
  listen(
    on: { readonly fd: number } | { readonly path: string } | { readonly port: number },
    backlog: number,
  ): Promise<void>;
  /** Open connections, idle ones included. */
  readonly connections: number;
  /** Connections that were ever accepted here; those that another process gave away are not. */
  readonly accepted: number;
  /** Ends connections that passed a deadline; called about once a second. */
  sweep(): void;
  /** Takes a connection that another process accepted and gave away. */
  adopt(handle: ConnectionHandle, connection: KeptConnection): void;
  /**
   * Accepts nothing new; each connection ends once its open requests are answered, or is given away
   * then, the idle ones spread over `overMs`. The latest call decides which. Resolves when none is left.
   */
  drain(giveAway?: GiveAway, overMs?: number): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

/** After the last byte of a connection was taken: how long what the peer still sends is read and dropped. */
export const LINGER_MS = 10_000;
/**
 * A drain waits no longer than this for a peer that sends nothing: a web server looks at a connection that
 * it keeps only before its next request, so every stop would take all of LINGER_MS.
 */
export const QUIET_LINGER_MS = 1000;
