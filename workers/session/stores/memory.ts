// Sessions in the memory of the pool's main thread: all workers of a process share them, and they outlive each
// of these. Its locks are connections, as it were: a worker that dies holds nothing.

import { Fault } from "../../../src/base/fault.ts";
import type { PoolState } from "../../pool-state.ts";
import { FINAL, type Lease, type SessionStore, type Stored, type Written } from "../store.ts";
import type { WallClock, WallTime } from "../wall-clock.ts";
import type { StoreOptions } from "./index.ts";

/** Of the pool's shared state. */
const SPACE = "session";
/** The request's own deadline is what ends it; this is only there because a lock has to have one, ms. */
const HOLD_MS = 24 * 60 * 60 * 1000;
/** Expiry, before the text. */
const FRONT_BYTES = 8;
/** Somebody else may have written in between, so many times in a row. */
const ATTEMPTS = 16;

export function openMemoryStore({ namespace, processes, poolState, now }: StoreOptions): SessionStore {
  if (poolState === undefined) throw new Fault("HANDLER", "there is no pool that could keep sessions in memory");
  if (processes > 1) {
    throw new Fault("HANDLER", `sessions in memory are not shared by the ${processes} processes of this pool`, {
      hint: 'Set session.store to "file", "sqlite", "redis" or "postgres", or processes = 1.',
    });
  }
  return new MemoryStore(poolState, namespace, now);
}

class MemoryStore implements SessionStore {
  readonly name = "memory";
  readonly #state: PoolState;
  readonly #namespace: string;
  readonly #now: WallClock;
  /** What lets go, by the lease's token. Undefined: its lock is asked for. */
  readonly #held = new Map<string, (() => void) | undefined>();

  constructor(state: PoolState, namespace: string, now: WallClock) {
    this.#state = state;
    this.#namespace = namespace;
    this.#now = now;
  }

  async read(key: string): Promise<Stored | undefined> {
    return this.#live(await this.#state.get(SPACE, this.#at(key)));
  }

  claim(key: string, lease: Lease): Promise<Stored | "held" | undefined> {
    return this.wait(key, lease, 0);
  }

  async wait(key: string, lease: Lease, waitMs: number): Promise<Stored | "held" | undefined> {
    try {
      await this.#hold(key, lease, waitMs);
    } catch (error) {
      if (error instanceof Fault && error.code === "OVERLOAD") return "held";
      throw error;
    }
    try {
      const stored = await this.read(key);
      if (stored === undefined) await this.release(key, lease);
      return stored;
    } catch (error) {
      await this.release(key, lease);
      throw error;
    }
  }

  async release(_key: string, { token }: Lease): Promise<void> {
    this.#held.get(token)?.();
    this.#held.delete(token);
  }

  async create(key: string, stored: Stored, lease: Lease | undefined): Promise<void> {
    if (lease !== undefined) await this.#hold(key, lease, 0);
    await this.#state.set(SPACE, this.#at(key), encode(stored), this.#ttl(stored.expiresAt));
  }

  async update(key: string, stored: Stored, lease: Lease | undefined): Promise<Written> {
    if (lease !== undefined && this.#held.get(lease.token) === undefined) return "lost";
    return (await this.#replace(key, () => stored)) ? "written" : "gone";
  }

  touch(key: string, expiresAt: WallTime): Promise<boolean> {
    return this.#replace(key, ({ text }) => ({ text, expiresAt }));
  }

  async destroy(key: string): Promise<void> {
    await this.#state.delete(SPACE, this.#at(key));
  }

  async close(): Promise<void> {
    for (const release of this.#held.values()) release?.();
    this.#held.clear();
  }

  /** Only what is there, whoever writes at the same time. */
  async #replace(key: string, change: (stored: Stored) => Stored): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = await this.#state.get(SPACE, this.#at(key));
      const stored = this.#live(present);
      if (stored === undefined || stored.text === FINAL) return false;
      const next = change(stored);
      const ttlMs = this.#ttl(next.expiresAt);
      if (await this.#state.compareAndSet(SPACE, this.#at(key), present, encode(next), ttlMs)) return true;
    }
    throw new Fault("OVERLOAD", `a session was changed by others ${ATTEMPTS} times while it was to be written`);
  }

  #live(bytes: Uint8Array | undefined): Stored | undefined {
    if (bytes === undefined) return undefined;
    const stored = decode(bytes);
    return stored.expiresAt > this.#now() ? stored : undefined;
  }

  async #hold(key: string, { token }: Lease, waitMs: number): Promise<void> {
    this.#held.set(token, undefined);
    try {
      const release = await this.#state.lock(`${SPACE}:${this.#at(key)}`, { waitMs, holdMs: HOLD_MS });
      // Whoever asked may have given it up by now.
      if (this.#held.has(token)) this.#held.set(token, release);
      else release();
    } catch (error) {
      this.#held.delete(token);
      throw error;
    }
  }

  #at(key: string): string {
    return `${this.#namespace}:${key}`;
  }

  #ttl(expiresAt: WallTime): number {
    return Math.max(1, expiresAt - this.#now());
  }
}

function encode({ text, expiresAt }: Stored): Uint8Array {
  const bytes = Buffer.allocUnsafe(FRONT_BYTES + Buffer.byteLength(text));
  bytes.writeDoubleLE(expiresAt, 0);
  bytes.write(text, FRONT_BYTES, "utf8");
  return bytes;
}

function decode(bytes: Uint8Array): Stored {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { expiresAt: buffer.readDoubleLE(0), text: buffer.toString("utf8", FRONT_BYTES) };
}
