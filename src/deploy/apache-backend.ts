// A pool as mod_proxy_fcgi sees it: where its socket is, what its worker is called and how long
// Apache waits for it. The one place where Apache's numbers are made to agree with ours.

import type { PoolConfig } from "../config/schema.ts";
import { comment, quote, section } from "./directives.ts";
import { socketPath } from "./systemd.ts";

/** Time beyond everything that the pool itself allows, so that its own 503 or 504 is what clients see. */
const MARGIN_SECONDS = 5;

/**
 * The worker's address for `<Proxy>` and ProxyPass. Apache knows a worker by the part after the bar
 * only, not by its socket: two pools behind one name would both be sent to the first one's socket.
 */
export function backendUrl(pool: PoolConfig): string {
  const { listen } = pool;
  switch (listen.kind) {
    case "unix":
      return `unix:${listen.path}|fcgi://holdfast-${pool.name}`;
    case "systemd":
      return `unix:${socketPath(pool)}|fcgi://holdfast-${pool.name}`;
    case "tcp":
      return `fcgi://${listen.host.includes(":") ? `[${loopbackFor(listen.host)}]` : loopbackFor(listen.host)}:${listen.port}`;
  }
}

/** The same as a handler. No slash at the end: it would be put before the file's own. */
export function backendHandler(pool: PoolConfig): string {
  return `proxy:${backendUrl(pool)}`;
}

/** A pool that listens on every address is reached over loopback. */
function loopbackFor(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** Seconds without a byte from the pool until Apache gives up. */
export function backendTimeoutSeconds(pool: PoolConfig): number {
  const { queue, request } = pool;
  return Math.ceil((queue.timeoutMs + request.timeoutMs + request.graceMs) / 1000) + MARGIN_SECONDS;
}

/** Declares the worker; without this Apache would close its connection after every request. */
export function backendDeclaration(pool: PoolConfig): string[] {
  const tcp = pool.listen.kind === "tcp" ? ["ProxySet connectiontimeout=5 keepalive=on"] : [];
  return [
    ...(pool.listen.kind === "systemd" ? comment("The path is ListenStream= of the socket unit.") : []),
    ...section(
      "Proxy",
      quote(backendUrl(pool)),
      comment(
        "Kept connections; output that pauses for 10 ms is flushed; longer than the pool's own queue and",
        "request timeouts, so that clients see its answers; tried again at once after a failure.",
      ),
      `ProxySet enablereuse=on flushpackets=auto timeout=${backendTimeoutSeconds(pool)} retry=0`,
      tcp,
    ),
  ];
}
