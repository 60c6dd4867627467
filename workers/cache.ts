// The cache as an author uses it: values, over the bytes that the pool keeps.

import { isDeepStrictEqual } from "node:util";
import { DefaultDeserializer } from "node:v8";
import type { Cache, CacheOptions, RememberOptions } from "../src/app/shared.ts";
import { systemClock } from "../src/base/clock.ts";
import { Fault } from "../src/base/fault.ts";
import { encode } from "./cached-value.ts";
import { milliseconds } from "./duration.ts";
import { isHeld, LOCK_WAIT_MS, underLock } from "./locks.ts";
import type { PoolState } from "./pool-state.ts";

const SPACE = "cache";
/** compareAndSet tries again so often, where what is there changes meanwhile from equal to equal. */
const TRIES = 100;

export class PoolCache implements Cache {
  readonly #state: PoolState;
  /** What requests of this worker are about to make, as bytes, or undefined where it is not kept. */
  readonly #making = new Map<string, Promise<Made>>();

  constructor(state: PoolState) {
    this.#state = state;
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    const bytes = await this.#state.get(SPACE, checked(key));
    return bytes === undefined ? undefined : (decode(bytes) as T);
  }

  async has(key: string): Promise<boolean> {
    return this.#state.has(SPACE, checked(key));
  }

  async set(key: string, value: unknown, options?: CacheOptions): Promise<void> {
    await this.setBytes(key, encode(key, value), options);
  }

  /** As `set`, with the bytes of the value. */
  async setBytes(key: string, bytes: Uint8Array, options: CacheOptions = {}): Promise<void> {
    await this.#state.set(SPACE, checked(key), bytes, lifeOf(options));
  }

  async delete(key: string): Promise<boolean> {
    return this.#state.delete(SPACE, checked(key));
  }

  async increment(key: string, by = 1, options: CacheOptions = {}): Promise<number> {
    return this.#state.add(SPACE, checked(key), by, lifeOf(options));
  }

  async compareAndSet(key: string, expected: unknown, value: unknown, options?: CacheOptions): Promise<boolean> {
    const next = encode(key, value);
    return this.compareAndSetBytes(key, expected === undefined ? undefined : encode(key, expected), next, options);
  }

  /** As `compareAndSet`, with the bytes of both values. */
  async compareAndSetBytes(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array,
    options: CacheOptions = {},
  ): Promise<boolean> {
    const ttlMs = lifeOf(options);
    if (expected === undefined) return this.#state.compareAndSet(SPACE, checked(key), undefined, next, ttlMs);
    // The same value need not have the same bytes; and what is kept is a plain copy.
    const plain = decode(expected);
    for (let tries = 0; tries < TRIES; tries++) {
      const present = await this.#state.get(SPACE, checked(key));
      if (present === undefined || !isDeepStrictEqual(decode(present), plain)) return false;
      if (await this.#state.compareAndSet(SPACE, key, present, next, ttlMs)) return true;
    }
    throw new Fault("OVERLOAD", `${JSON.stringify(key)} in the cache was changed by others ${TRIES} times meanwhile`);
  }

  async remember<T>(key: string, options: RememberOptions, make: () => T | PromiseLike<T>): Promise<T> {
    const ttlMs = lifeOf(options);
    const waitMs = milliseconds(options.wait ?? LOCK_WAIT_MS, "wait", 0);
    const present = await this.#state.get(SPACE, checked(key));
    if (present !== undefined) return decode(present) as T;
    const name = `remember:${key}`;
    if (isHeld(name)) {
      throw new Fault("HANDLER", `what makes ${JSON.stringify(key)} for the cache waits for itself`, {
        hint: "Call remember with another key inside of make.",
      });
    }
    const others = this.#making.get(key);
    if (others !== undefined) {
      const made = await within(others, waitMs, key);
      return (made.bytes === undefined ? made.value : decode(made.bytes)) as T;
    }
    const making = underLock(this.#state, name, () => this.#make(key, make, ttlMs), { wait: waitMs });
    this.#making.set(key, making);
    try {
      return (await making).value as T;
    } finally {
      this.#making.delete(key);
    }
  }

  async clear(prefix = ""): Promise<number> {
    return this.#state.clear(SPACE, checked(prefix));
  }

  async #make(key: string, make: () => unknown, ttlMs: number | undefined): Promise<Made> {
    // Another worker may have made it while this one waited for the lock.
    const present = await this.#state.get(SPACE, key);
    if (present !== undefined) return { bytes: present, value: decode(present) };
    const value = await make();
    if (value === undefined) return { bytes: undefined, value };
    const bytes = encode(key, value);
    try {
      await this.#state.set(SPACE, key, bytes, ttlMs);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // Whoever asked is better served with it than with an error.
      console.warn(`a value is made anew each time: ${error.message}. ${error.hint ?? ""}`);
    }
    return { bytes, value };
  }
}

/** For who made it the value itself, for the others its bytes. */
interface Made {
  readonly bytes: Uint8Array | undefined;
  readonly value: unknown;
}

/** Rejects with OVERLOAD where that takes longer. */
function within<T>(promise: Promise<T>, ms: number, key: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = systemClock.at(systemClock.now() + ms, () => {
      reject(new Fault("OVERLOAD", `${JSON.stringify(key)} for the cache was not made within ${ms} ms`));
    });
    promise.then(resolve, reject).finally(cancel);
  });
}

function checked(key: string): string {
  if (typeof key === "string") return key;
  throw new Fault("HANDLER", `a key of the cache is text, not ${typeof key}`);
}

function lifeOf({ ttl }: CacheOptions): number | undefined {
  return ttl === undefined ? undefined : milliseconds(ttl, "ttl");
}

/** What V8 writes begins with this byte, and the text of a number never does. */
const V8_HEADER = 0xff;

function decode(bytes: Uint8Array): unknown {
  if (bytes[0] !== V8_HEADER) return Number(Buffer.from(bytes).toString("latin1"));
  const reader = new Reader(bytes);
  reader.readHeader();
  return reader.readValue();
}

// Documented (v8.html#deserializer_readhostobject), and missing from its types.
const Deserializer = DefaultDeserializer as unknown as new (
  bytes: Uint8Array,
) => DefaultDeserializer & { _readHostObject(): ArrayBufferView<ArrayBuffer> };

/** Gives typed arrays memory of their own: Node's are views of what is read, or of the memory that all small buffers share. */
class Reader extends Deserializer {
  override _readHostObject(): ArrayBufferView<ArrayBuffer> {
    const view = super._readHostObject();
    const own = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    if (Buffer.isBuffer(view)) return Buffer.from(own);
    return new (view.constructor as new (memory: ArrayBuffer) => ArrayBufferView<ArrayBuffer>)(own);
  }
}
