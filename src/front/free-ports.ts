// Ports for servers that are told theirs before they start.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Ports of `host` that were free a moment ago, all different. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, host);
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}
