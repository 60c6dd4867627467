// Which Fastify instance a server belongs to: one that called `listen()` is known to us only by its
// server, and to be closed it must be asked itself.

import { subscribe } from "node:diagnostics_channel";
import type { Server } from "node:http";
import type { Fastify } from "./shapes.ts";

const instances: WeakRef<Fastify & { readonly server: Server }>[] = [];

/** To be called before any app is loaded: an instance is announced as it is made. */
export function followFastify(): void {
  subscribe("fastify.initialization", (message) => {
    const { fastify } = message as { fastify: Fastify & { readonly server: Server } };
    instances.push(new WeakRef(fastify));
  });
}

export function instanceOf(server: Server): Fastify | undefined {
  return instances.map((each) => each.deref()).find((each) => each?.server === server);
}
