// Sessions in Redis or Valkey. What has to be one step is a script. A connection that is lost, or that does not answer,
// is given up, and whoever asks next makes another: nothing waits in a queue for a server that is not there.

import type { createClient } from "@redis/client";
import { systemClock } from "../../../src/base/clock.ts";
import { Fault, messageOf } from "../../../src/base/fault.ts";
import type { Lease, SessionStore, Stored, Written } from "../store.ts";
import type { WallClock, WallTime } from "../wall-clock.ts";
import { loadDriver } from "./driver.ts";
import type { StoreOptions } from "./index.ts";

type Client = ReturnType<typeof createClient>;

/** Commands that may be on their way on one connection. */
const QUEUE_MAX = 4096;

/** KEYS: session, lock. What is FINAL has no length, as what is not there. */
const SCRIPTS = {
  /** token, milliseconds → 0: none, 1: held, 2 with text and milliseconds that are left */
  claim: `if redis.call("EXISTS", KEYS[1]) == 0 then return {0} end
if not redis.call("SET", KEYS[2], ARGV[1], "NX", "PX", ARGV[2]) then return {1} end
return {2, redis.call("GET", KEYS[1]), redis.call("PTTL", KEYS[1])}`,
  read: `return {2, redis.call("GET", KEYS[1]), redis.call("PTTL", KEYS[1])}`,
  /** token, milliseconds → 1: held */
  renew: `if redis.call("GET", KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[2], ARGV[2])`,
  /** token */
  release: `if redis.call("GET", KEYS[2]) == ARGV[1] then redis.call("DEL", KEYS[2]) end`,
  /** text, milliseconds, token or "", milliseconds of the lock */
  create: `if ARGV[3] ~= "" then redis.call("SET", KEYS[2], ARGV[3], "PX", ARGV[4]) end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])`,
  /** text, milliseconds, token or "" → 0: gone, 1: written, 2: lost */
  update: `if redis.call("STRLEN", KEYS[1]) == 0 then return 0 end
if ARGV[3] ~= "" and redis.call("GET", KEYS[2]) ~= ARGV[3] then return 2 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`,
  /** milliseconds → 1: it is there */
  touch: `if redis.call("STRLEN", KEYS[1]) == 0 then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[1])`,
  destroy: `redis.call("DEL", KEYS[1], KEYS[2])`,
} as const;

export async function openRedisStore({ options, namespace, from, now, log }: StoreOptions): Promise<SessionStore> {
  const { url, storeTimeoutMs } = options;
  if (url === undefined) throw new Fault("CONFIG", "session.url names no Redis server");
  const driver = loadDriver("@redis/client", "redis", from) as { readonly createClient: typeof createClient };
  const connect = async (): Promise<Client> => {
    const common = { connectTimeout: storeTimeoutMs, reconnectStrategy: false } as const;
    const place = url.startsWith("unix:")
      ? { socket: { ...common, path: new URL(url).pathname, tls: false as const } }
      : { url, socket: common };
    const client = driver.createClient({
      ...place,
      disableOfflineQueue: true,
      commandsQueueMaxLength: QUEUE_MAX,
      maintNotifications: "disabled",
      name: `holdfast-sessions-${namespace}`,
    }) as Client;
    client.on("error", (error: unknown) =>
      log("debug", "the session store's connection", { reason: messageOf(error) }),
    );
    // A server that takes connections and says nothing would collect them.
    const cancel = systemClock.at(systemClock.now() + storeTimeoutMs, () => {
      if (client.isOpen) client.destroy();
    });
    try {
      await client.connect();
    } catch (error) {
      if (client.isOpen) client.destroy();
      throw error;
    } finally {
      cancel();
    }
    return client;
  };
  const store = new RedisStore(connect, namespace, now);
  await store.connected();
  return store;
}

class RedisStore implements SessionStore {
  readonly name = "redis";
  readonly #connect: () => Promise<Client>;
  readonly #namespace: string;
  readonly #now: WallClock;
  #client: Promise<Client> | undefined;

  constructor(connect: () => Promise<Client>, namespace: string, now: WallClock) {
    this.#connect = connect;
    this.#namespace = namespace;
    this.#now = now;
  }

  async read(key: string): Promise<Stored | undefined> {
    return this.#stored(await this.#run("read", key));
  }

  async claim(key: string, { token, ms }: Lease): Promise<Stored | "held" | undefined> {
    const said = await this.#run("claim", key, token, ms);
    const [state] = said as [number];
    if (state === 0) return undefined;
    return state === 1 ? "held" : this.#stored(said);
  }

  async renew(key: string, { token, ms }: Lease): Promise<boolean> {
    return (await this.#run("renew", key, token, ms)) === 1;
  }

  async release(key: string, { token }: Lease): Promise<void> {
    await this.#run("release", key, token);
  }

  async create(key: string, { text, expiresAt }: Stored, lease: Lease | undefined): Promise<void> {
    await this.#run("create", key, text, this.#left(expiresAt), lease?.token ?? "", lease?.ms ?? 0);
  }

  async update(key: string, { text, expiresAt }: Stored, lease: Lease | undefined): Promise<Written> {
    const said = await this.#run("update", key, text, this.#left(expiresAt), lease?.token ?? "");
    return said === 1 ? "written" : said === 0 ? "gone" : "lost";
  }

  async touch(key: string, expiresAt: WallTime): Promise<boolean> {
    return (await this.#run("touch", key, this.#left(expiresAt))) === 1;
  }

  async destroy(key: string): Promise<void> {
    await this.#run("destroy", key);
  }

  doubt(): void {
    if (this.#client !== undefined) this.#giveUp(this.#client);
  }

  async close(): Promise<void> {
    this.doubt();
  }

  /** The connection, shared by all who ask. */
  connected(): Promise<Client> {
    this.#client ??= this.#connect();
    const client = this.#client;
    client.catch(() => {
      if (this.#client === client) this.#client = undefined;
    });
    return client;
  }

  async #run(script: keyof typeof SCRIPTS, key: string, ...more: readonly (string | number)[]): Promise<unknown> {
    const connected = this.connected();
    let client = await connected;
    if (!client.isReady) {
      this.#giveUp(connected);
      client = await this.connected();
    }
    // The braces keep both in one slot of a cluster.
    const session = `holdfast:session:${this.#namespace}:{${key}}`;
    return client.eval(SCRIPTS[script], { keys: [session, `${session}:lock`], arguments: more.map(String) });
  }

  #giveUp(given: Promise<Client>): void {
    // Another may have noticed before, and have made a new one.
    if (this.#client === given) this.#client = undefined;
    given.then(
      (client) => client.isOpen && client.destroy(),
      () => {},
    );
  }

  #stored(said: unknown): Stored | undefined {
    const [, text, leftMs] = said as [number, string | null, number];
    return text === null ? undefined : { text, expiresAt: this.#now() + leftMs };
  }

  #left(expiresAt: WallTime): number {
    return Math.max(1, Math.ceil(expiresAt - this.#now()));
  }
}
