// The options of sessions, `[pools.NAME.session]`: a part of schema.ts.

import * as kind from "./kinds.ts";
import { serverUrl } from "./secrets.ts";
import { option, optional } from "./table.ts";

export const SESSION = {
  store: option("store", kind.choice("memory", "file", "sqlite", "redis", "postgres"), {
    default: "memory",
    doc: "Where they are kept. `memory` is the pool process's own, shared by its workers; a reload keeps it, a restart does not. `redis` is Valkey, too.",
  }),
  path: optional("path", kind.path, {
    example: "/var/lib/holdfast/www/sessions",
    doc: "Of `file`: a folder. Of `sqlite`: a file. Made where it is missing; nobody but the pool's user can read it.",
  }),
  url: optional("url", serverUrl, {
    example: "redis://127.0.0.1:6379",
    doc: "Of `redis`: redis://, rediss:// or unix:///path/of/socket. Of `postgres`: postgres://.",
  }),
  namespace: optional("namespace", kind.word, {
    example: "shop",
    doc: "Pools with the same namespace, store and secrets share their sessions. Left out: the name of the pool.",
  }),
  idle_timeout: option("idleTimeoutMs", kind.duration("1s", "8760h"), {
    default: "30m",
    doc: "A session that is not used for so long ends.",
  }),
  max_age: option("maxAgeMs", kind.duration("1s", "8760h"), {
    default: "24h",
    doc: "A session ends so long after it began, however much it is used.",
  }),
  cookie: optional("cookie", kind.cookieName, {
    example: "__Host-shop",
    doc: "Name of the cookie; `__Host-` or `__Secure-` before it counts over HTTPS only. Left out: `__Host-session`; with a mount, the mount after it.",
  }),
  cookie_persistent: option("cookiePersistent", kind.flag, {
    default: false,
    doc: "The cookie outlives the browser's being closed, for as long as `max_age`.",
  }),
  same_site: option("sameSite", kind.choice("lax", "strict", "none"), {
    default: "lax",
    doc: "Which requests from other sites the cookie comes with. `none` needs HTTPS.",
  }),
  lock: option("lock", kind.flag, {
    default: true,
    doc: "Requests of one session wait for each other. Without it, the last one that saves wins.",
  }),
  lock_timeout: option("lockTimeoutMs", kind.duration("10ms", "10m"), {
    default: "15s",
    doc: "How long one waits for another. Longer: 503.",
  }),
  lock_lease: option("lockLeaseMs", kind.duration("1s", "10m"), {
    default: "10s",
    doc: "How long a session stays held when its worker dies or stands still. In `memory` one that dies lets go at once.",
  }),
  store_timeout: option("storeTimeoutMs", kind.duration("10ms", "10m"), {
    default: "5s",
    doc: "How long the store may take to answer. Longer: 503.",
  }),
  max_bytes: option("maxBytes", kind.size("1KiB", "16MiB"), {
    default: "64KiB",
    doc: "Longest session, as JSON. Longer: an error.",
  }),
};
