// The gateway over our own codec: accepts, and keeps the set of connections. The other gateway
// differs only in what happens between a request's records and its exchange (`intake`).

import type net from "node:net";
import { Fault } from "../base/fault.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";
import { type Accepted, accept, type ConnectionHandle, createServer } from "./accept.ts";
import { clientFilter } from "./allowed-clients.ts";
import { Connection, type Intake } from "./connection.ts";
import type { Gateway, GatewayOptions, GiveAway } from "./gateway.ts";

/** Connections that may be on their way to another process at one time. */
const GIVING_MAX = 4;
/** One that nobody has taken by then keeps the others waiting no longer, ms. */
const GIVING_MS = 1000;

export class HoldfastGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #server: net.Server;
  readonly #connections = new Set<Connection>();
  readonly #allowed: (socket: net.Socket) => boolean;
  readonly #intake: Intake;
  readonly #emptied = Promise.withResolvers<void>();
  #draining = false;
  #giveAway: GiveAway | undefined;
  /** Idle ones that are to go to another process, in their order. */
  readonly #leavers = new Set<Connection>();
  /** Connections that are neither ours any more nor on their way yet. */
  #giving = 0;
  #acceptedCount = 0;

  constructor(options: GatewayOptions, intake: Intake = (request) => options.host.open(request)) {
    this.#options = options;
    this.#intake = intake;
    this.#allowed = clientFilter(options.allowedClients);
    this.#server = createServer((accepted) => this.#accept(accepted));
  }

  get accepted(): number {
    return this.#acceptedCount;
  }

  get connections(): number {
    return this.#connections.size;
  }

  listen(
    on: { readonly fd: number } | { readonly path: string } | { readonly port: number },
    backlog: number,
  ): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => reject(new Fault("LISTEN", `cannot listen: ${cause.message}`, { cause })));
      // With the backlog inside the options Node 20 to 26 listen with 511 on a descriptor.
      if ("fd" in on) this.#server.listen({ fd: on.fd }, backlog, resolve);
      else if ("path" in on) this.#server.listen(on.path, backlog, resolve);
      else this.#server.listen(on.port, "127.0.0.1", backlog, resolve);
    }).then(() => {
      // From now on: a connection that could not be accepted, as when descriptors run out.
      this.#server.removeAllListeners("error").on("error", (cause) => {
        this.#options.host.connectionFault(new Fault("LISTEN", `cannot accept: ${cause.message}`));
      });
    });
  }

  sweep(): void {
    const now = this.#options.host.clock.now();
    for (const connection of this.#connections) connection.sweep(now);
  }

  adopt(handle: ConnectionHandle, connection: KeptConnection): void {
    this.#accept(accept(handle), connection);
  }

  drain(giveAway?: GiveAway): Promise<void> {
    this.#draining = true;
    this.#giveAway = giveAway;
    this.#server.close();
    for (const connection of [...this.#connections]) this.#drain(connection);
    this.#left();
    return this.#emptied.promise;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const connection of [...this.#connections]) connection.destroy();
  }

  #accept(accepted: Accepted, kept?: KeptConnection): void {
    const { socket } = accepted;
    if (kept === undefined) this.#acceptedCount++;
    if (!this.#allowed(socket)) {
      this.#options.host.connectionFault(new Fault("PROTOCOL", `${socket.remoteAddress} is not in allowed_clients`));
      socket.destroy();
      return;
    }
    const closed = (): void => {
      this.#connections.delete(connection);
      this.#leavers.delete(connection);
      this.#left();
    };
    const connection = new Connection(accepted, this.#options, this.#intake, closed, kept);
    this.#connections.add(connection);
    if (this.#draining) this.#drain(connection);
  }

  #drain(connection: Connection): void {
    const giveAway = this.#giveAway;
    if (giveAway === undefined) {
      connection.drain();
      return;
    }
    connection.handOver({
      hasRoomFor: (leaver) => {
        if (this.#giving < GIVING_MAX) return true;
        this.#leavers.add(leaver);
        return false;
      },
      take: (handle, kept) => this.#give(giveAway(handle, kept)),
    });
  }

  /** A few at a time: until its turn comes a connection is served here, and does not wait unread on its way. */
  #give(given: Promise<void>): void {
    const { clock } = this.#options.host;
    this.#giving++;
    const settled = (): void => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      this.#giving--;
      for (const leaver of this.#leavers) {
        if (this.#giving >= GIVING_MAX) break;
        this.#leavers.delete(leaver);
        leaver.leaveNow();
      }
      this.#left();
    };
    let isSettled = false;
    const cancel = clock.at(clock.now() + GIVING_MS, settled);
    given.then(settled, settled);
  }

  #left(): void {
    if (this.#draining && this.#connections.size === 0 && this.#giving === 0) this.#emptied.resolve();
  }
}
