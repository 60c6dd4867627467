// Who may see the status and the metrics: whom `status.allow` names. Everybody else is told that there is
// no such page. Fails closed: a client that is not known is a stranger.

import { isIP, isIPv6 } from "node:net";
import type { Params } from "../../fastcgi/name-values.ts";
import { blockList } from "../allowed-clients.ts";

/** A proxy has said whom it speaks for: then the web server's peer is that proxy, and not who asks. */
const FORWARDED = ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"] as const;

/** Returns why a request is refused, for the log; undefined: it may see it. */
export function accessJudge(allow: readonly string[]): (params: Params) => string | undefined {
  const list = blockList(allow, "status.allow");
  return (params) => {
    const forwarded = FORWARDED.find((name) => params.get(name) !== undefined);
    if (forwarded !== undefined) {
      return `it came through a proxy (${forwarded}); let mod_remoteip set REMOTE_ADDR, or ask without the proxy`;
    }
    // A scope belongs to the address of an interface, and no list names one.
    const address = (params.get("REMOTE_ADDR") ?? "").split("%", 1)[0] ?? "";
    if (isIP(address) === 0) return "the web server does not say who asks (REMOTE_ADDR)";
    if (list.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return undefined;
    return `${address} is not in status.allow`;
  };
}
