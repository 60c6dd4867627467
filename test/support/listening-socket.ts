// A socket that somebody listens on and nobody accepts from, as a service manager keeps it between two
// lives of its service.

import { spawnSync } from "node:child_process";
import type { ListenAddress } from "../../src/config/schema.ts";
import { type Address, bindAddress } from "../../src/supervisor/addresses.ts";

/** Node cannot listen without accepting; the socket keeps what this process does to it. */
const LISTEN = 'open(my $socket, "+<&=", 3) or die; listen($socket, 4096) or die "listen: $!"';

export async function listeningSocket(listen: ListenAddress): Promise<Address> {
  const address = await bindAddress({ listen, listenMode: 0o660 });
  const { status, stderr } = spawnSync("perl", ["-e", LISTEN], {
    stdio: ["ignore", "ignore", "pipe", address.fd],
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status === 0) return address;
  await address.close();
  throw new Error(`perl ended with ${status}: ${stderr}`);
}

/** Call it in a `describe`: the returned function opens sockets that are closed after each test. */
export function listeningSockets(): (listen: ListenAddress) => Promise<Address> {
  const opened: Address[] = [];
  afterEach(async () => {
    for (const address of opened.splice(0)) await address.close();
  });
  return async (listen) => {
    const address = await listeningSocket(listen);
    opened.push(address);
    return address;
  };
}
