// Who may connect: `allowed_clients` and the specification's FCGI_WEB_SERVER_ADDRS [FCGI §3.2].
// Unix sockets are guarded by owner, group and mode instead.

import net from "node:net";
import { Fault } from "../base/fault.ts";

/** True for sockets whose peer is in `allowed` (addresses or CIDR ranges); an empty list allows all. */
export function clientFilter(allowed: readonly string[]): (socket: net.Socket) => boolean {
  const specified = process.env.FCGI_WEB_SERVER_ADDRS?.split(",").filter((address) => address !== "") ?? [];
  const list = specified.length > 0 ? blockList(specified, "FCGI_WEB_SERVER_ADDRS") : undefined;
  const own = allowed.length > 0 ? blockList(allowed, "allowed_clients") : undefined;
  return (socket) => {
    const address = socket.remoteAddress;
    // A unix socket has no address; FCGI_WEB_SERVER_ADDRS refuses whatever is not TCP.
    if (address === undefined) return list === undefined;
    const family = net.isIPv6(address) ? "ipv6" : "ipv4";
    return (list?.check(address, family) ?? true) && (own?.check(address, family) ?? true);
  };
}

/** `option` names where `entries` come from. Throws Fault CONFIG. */
export function blockList(entries: readonly string[], option: string): net.BlockList {
  const list = new net.BlockList();
  for (const entry of entries) {
    const [address = "", prefix] = entry.trim().split("/");
    const family = net.isIP(address) === 6 ? "ipv6" : "ipv4";
    if (net.isIP(address) === 0) {
      throw new Fault("CONFIG", `${option}: ${JSON.stringify(entry)} is no address`, {
        hint: "Write IPv4 or IPv6 addresses or CIDR ranges, such as 127.0.0.1 or 10.0.0.0/8.",
      });
    }
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
