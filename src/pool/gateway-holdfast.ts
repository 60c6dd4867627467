// The gateway over our own codec: accepts, and keeps the set of connections. The other gateway
// differs only in what happens between a request's records and its exchange (`intake`).

import type net from "node:net";
import { Fault } from "../base/fault.ts";
import { LinkedList } from "../base/linked-list.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";
import { type Accepted, accept, type ConnectionHandle, createServer } from "./accept.ts";
import { clientFilter } from "./allowed-clients.ts";
import { Connection, type Intake } from "./connection.ts";
import type { Gateway, GatewayOptions, GiveAway } from "./gateway.ts";
import { HandOver } from "./hand-over.ts";

export class HoldfastGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #server: net.Server;
  readonly #connections = new LinkedList<Connection>();
  readonly #allowed: (socket: net.Socket) => boolean;
  readonly #intake: Intake;
  readonly #emptied = Promise.withResolvers<void>();
  #draining = false;
  #handOver: HandOver | undefined;
  #givesAway = false;
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
    this.#connections.each((connection) => connection.sweep(now));
  }

  adopt(handle: ConnectionHandle, connection: KeptConnection): void {
    this.#accept(accept(handle), connection);
  }

  drain(giveAway?: GiveAway, overMs = 0): Promise<void> {
    this.#draining = true;
    this.#server.close();
    this.#givesAway = giveAway !== undefined;
    if (giveAway !== undefined) this.#handOver ??= this.#begin(giveAway, overMs);
    else this.#handOver?.stop();
    for (const connection of this.#connections.values()) this.#drain(connection);
    this.#left();
    return this.#emptied.promise;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const connection of this.#connections.values()) connection.destroy();
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
      this.#handOver?.forget(connection);
      this.#left();
    };
    const connection = new Connection(accepted, this.#options, this.#intake, closed, kept);
    this.#connections.add(connection);
    if (this.#draining) this.#drain(connection);
  }

  #drain(connection: Connection): void {
    if (this.#givesAway && this.#handOver !== undefined) connection.handOver(this.#handOver);
    else connection.drain();
  }

  #begin(giveAway: GiveAway, overMs: number): HandOver {
    return new HandOver({
      clock: this.#options.host.clock,
      giveAway,
      connections: this.#connections.size,
      overMs,
      settled: () => this.#left(),
    });
  }

  #left(): void {
    const underWay = this.#handOver?.underWay ?? 0;
    if (this.#draining && this.#connections.size === 0 && underWay === 0) this.#emptied.resolve();
  }
}
