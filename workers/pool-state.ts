// The worker's end of what all workers of a process share: asks the pool's main thread over the lane. Bytes
// only. Nothing is asked twice, everything is answered, refused or given up by a deadline.

import type { Clock, Instant } from "../src/base/clock.ts";
import { systemClock } from "../src/base/clock.ts";
import { Fault, type FaultData, fromFaultData } from "../src/base/fault.ts";
import type { FrameWriter } from "../src/messages/batch.ts";
import {
  ANSWERS,
  type Answer,
  ASKS,
  ASKS_WINDOW,
  type Ask,
  KEY_BYTES_MAX,
  NO_BYTES,
  readAnswer,
  VALUE_BYTES_MAX,
  writeAsk,
} from "../src/messages/state.ts";

/** The pool's main thread answers within this, ms; a lock, within the time that its asker waits and this. */
export const ANSWER_MS = 5000;
/** How often deadlines are looked at while something is asked, ms. */
const LOOK_MS = 250;
/** So many may wait for a place among those that are on their way (ASKS_WINDOW), with so many bytes. */
export const WAITING_MAX = 16_384;
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** How long a lock may be held while others wait for it, if its holder does not say, ms. */
export const LOCK_HOLD_MS = 5 * 60 * 1000;

export interface LockOptions {
  /** How long to wait for it. */
  readonly waitMs: number;
  /** The pool takes it away after this time while others wait, and says so in its log. Default: LOCK_HOLD_MS. */
  readonly holdMs?: number;
}

/**
 * What the workers of one pool process share. Every space has a bound of its own (`cache.memory`); what was
 * used least recently makes room. A time to live is in ms; without one an entry stays until it has to make room.
 * All reject with a Fault: HANDLER for what may not be asked, OVERLOAD where there was no answer in time.
 */
export interface PoolState {
  /** A copy; undefined: there is nothing. */
  get(space: string, key: string): Promise<Uint8Array | undefined>;
  has(space: string, key: string): Promise<boolean>;
  set(space: string, key: string, value: Uint8Array, ttlMs?: number): Promise<void>;
  /** True: it was there. */
  delete(space: string, key: string): Promise<boolean>;
  /** Gives it a new time to live. False: it is not there. */
  touch(space: string, key: string, ttlMs: number): Promise<boolean>;
  /**
   * Adds to a number, kept as decimal text, and resolves with the sum. One that is not there is 0 and lives for
   * `ttlMs`; the time to live of one that is there stays.
   */
  add(space: string, key: string, delta: number, ttlMs?: number): Promise<number>;
  /** Puts `value` in the place of exactly `expected`; undefined: of nothing. False: something else was there. */
  compareAndSet(
    space: string,
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    ttlMs?: number,
  ): Promise<boolean>;
  /** Deletes what begins with `prefix`; resolves with how many these were. */
  clear(space: string, prefix: string): Promise<number>;
  /**
   * Resolves with the function that lets go of the lock. Who asked first is first; a worker that is gone holds
   * nothing. Not re-entrant.
   */
  lock(name: string, options: LockOptions): Promise<() => void>;
}

/** Where asks go. */
export interface AskLane {
  readonly writer: FrameWriter;
  stirred(): void;
}

interface Pending {
  readonly ask: Ask;
  readonly bytes: number;
  readonly deadline: Instant;
  readonly answered: (answer: Answer) => void;
  readonly failed: (fault: Fault) => void;
}

export class LanePoolState implements PoolState {
  readonly #lane: AskLane;
  readonly #clock: Clock;
  /** Asked and not answered, by id. */
  readonly #asked = new Map<number, Pending>();
  /** Not asked yet: those before it are to be answered first. */
  readonly #waiting = new Set<Pending>();
  #waitingBytes = 0;
  /** Of those asked, all but locks. */
  #window = 0;
  #nextId = 1;
  #looking = false;
  #closed: Fault | undefined;

  constructor(lane: AskLane, clock: Clock = systemClock) {
    this.#lane = lane;
    this.#clock = clock;
  }

  async get(space: string, key: string): Promise<Uint8Array | undefined> {
    const { kind, payload } = await this.#ask({ operation: ASKS.GET, space, key });
    return kind === ANSWERS.BYTES ? payload : undefined;
  }

  async has(space: string, key: string): Promise<boolean> {
    return isYes(await this.#ask({ operation: ASKS.HAS, space, key }));
  }

  async set(space: string, key: string, value: Uint8Array, ttlMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#ask({ operation: ASKS.SET, space, key, value, first: timeToLive(ttlMs) });
  }

  async delete(space: string, key: string): Promise<boolean> {
    return isYes(await this.#ask({ operation: ASKS.DELETE, space, key }));
  }

  async touch(space: string, key: string, ttlMs: number): Promise<boolean> {
    return isYes(await this.#ask({ operation: ASKS.TOUCH, space, key, first: timeToLive(ttlMs) }));
  }

  async add(space: string, key: string, delta: number, ttlMs = Number.POSITIVE_INFINITY): Promise<number> {
    if (!Number.isFinite(delta)) throw new Fault("HANDLER", `${delta} cannot be added`);
    const ask = { operation: ASKS.ADD, space, key, first: delta, second: timeToLive(ttlMs) };
    return (await this.#ask(ask)).payload.readDoubleLE(0);
  }

  async compareAndSet(
    space: string,
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array,
    ttlMs = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    return isYes(await this.#ask({ operation: ASKS.SWAP, space, key, expected, value, first: timeToLive(ttlMs) }));
  }

  async clear(space: string, prefix: string): Promise<number> {
    return (await this.#ask({ operation: ASKS.CLEAR, space, key: prefix })).payload.readDoubleLE(0);
  }

  async lock(name: string, { waitMs, holdMs = LOCK_HOLD_MS }: LockOptions): Promise<() => void> {
    if (!(waitMs >= 0 && holdMs > 0)) {
      throw new Fault("HANDLER", `a lock cannot be waited for ${waitMs} ms and held for ${holdMs} ms`);
    }
    const { id } = await this.#ask(
      { operation: ASKS.LOCK, space: "", key: name, first: waitMs, second: holdMs },
      waitMs,
    );
    let held = true;
    return () => {
      if (held) this.#unlock(id);
      held = false;
    };
  }

  /** What came for us; `payload` is only lent. */
  answered(payload: Buffer): void {
    const { id, kind, payload: lent } = readAnswer(payload);
    const pending = this.#asked.get(id);
    if (pending === undefined) {
      // It was given up.
      if (kind === ANSWERS.GRANTED) this.#unlock(id);
      return;
    }
    this.#settled(pending);
    // It may be part of what others were answered.
    const own = Buffer.allocUnsafeSlow(lent.length);
    own.set(lent);
    if (kind === ANSWERS.FAULT) pending.failed(fromFaultData(JSON.parse(own.toString()) as FaultData));
    else pending.answered({ id, kind, payload: own });
    this.#send();
  }

  /** Nothing is asked from now on, and nothing waited for. */
  close(fault: Fault): void {
    this.#closed = fault;
    for (const pending of [...this.#asked.values(), ...this.#waiting]) this.#giveUp(pending, fault);
  }

  #ask(said: Partial<Ask> & Pick<Ask, "operation" | "space" | "key">, patienceMs = 0): Promise<Answer> {
    const { key, value = NO_BYTES, expected } = said;
    const bytes = key.length + value.length + (expected?.length ?? 0);
    const refusal = this.#closed ?? this.#refusal(key, value, bytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    const ask: Ask = { id: this.#newId(), first: 0, second: 0, ...said, value, expected };
    return new Promise((answered, failed) => {
      const deadline = this.#clock.now() + patienceMs + ANSWER_MS;
      this.#waiting.add({ ask, bytes, deadline, answered, failed });
      this.#waitingBytes += bytes;
      this.#send();
      this.#look();
    });
  }

  #refusal(key: string, value: Uint8Array, bytes: number): Fault | undefined {
    if (!key.isWellFormed()) return new Fault("HANDLER", "a key holds half of a surrogate pair, so it has no bytes");
    if (key.length > KEY_BYTES_MAX) {
      const hint = "Use a digest of it.";
      return new Fault("HANDLER", `a key of ${key.length} characters is longer than ${KEY_BYTES_MAX} bytes`, { hint });
    }
    if (value.length > VALUE_BYTES_MAX) {
      return new Fault("HANDLER", `a value has ${value.length} bytes, and may have ${VALUE_BYTES_MAX}`);
    }
    if (
      this.#waiting.size >= WAITING_MAX ||
      (this.#waiting.size > 0 && this.#waitingBytes + bytes > WAITING_BYTES_MAX)
    ) {
      const hint = "Await what is asked before asking more.";
      return new Fault("OVERLOAD", `the pool's shared state is asked too much at once`, { hint });
    }
    return undefined;
  }

  /** Ids come round after 2³² asks; one of then may still wait for its lock. */
  #newId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#asked.has(this.#nextId));
    return this.#nextId;
  }

  #send(): void {
    for (const pending of this.#waiting) {
      if (this.#window >= ASKS_WINDOW) return;
      this.#waiting.delete(pending);
      this.#waitingBytes -= pending.bytes;
      if (pending.ask.operation !== ASKS.LOCK) this.#window++;
      this.#asked.set(pending.ask.id, pending);
      writeAsk(this.#lane.writer, pending.ask);
      this.#lane.stirred();
    }
  }

  // Not behind what waits: it is not answered, so nothing waits for it either.
  #unlock(id: number): void {
    if (this.#closed !== undefined) return;
    const ask = { id: 0, operation: ASKS.UNLOCK, space: "", key: "", first: id, second: 0 };
    writeAsk(this.#lane.writer, { ...ask, expected: undefined, value: NO_BYTES });
    this.#lane.stirred();
  }

  /** It is answered, or given up. */
  #settled(pending: Pending): void {
    if (this.#waiting.delete(pending)) this.#waitingBytes -= pending.bytes;
    if (this.#asked.delete(pending.ask.id) && pending.ask.operation !== ASKS.LOCK) this.#window--;
  }

  #giveUp(pending: Pending, fault: Fault): void {
    this.#settled(pending);
    pending.failed(fault);
  }

  #look(): void {
    if (this.#looking || this.#asked.size + this.#waiting.size === 0) return;
    this.#looking = true;
    this.#clock.at(this.#clock.now() + LOOK_MS, () => {
      this.#looking = false;
      const now = this.#clock.now();
      for (const pending of [...this.#asked.values(), ...this.#waiting]) {
        if (pending.deadline > now) continue;
        this.#giveUp(pending, new Fault("OVERLOAD", `the pool has not answered within ${ANSWER_MS} ms`));
      }
      this.#send();
      this.#look();
    });
  }
}

/** Where there is no pool. */
export const NO_POOL_STATE: PoolState = new LanePoolState({
  get writer(): never {
    throw new TypeError("nothing is asked of a pool that is not there");
  },
  stirred() {},
});
(NO_POOL_STATE as LanePoolState).close(new Fault("HANDLER", "this worker has no pool whose state it could share"));

function timeToLive(ms: number): number {
  if (ms > 0) return ms;
  throw new Fault("HANDLER", `${ms} ms is no time to live`, { hint: "Give more than 0, or nothing: then it stays." });
}

function isYes({ kind }: Answer): boolean {
  return kind === ANSWERS.YES;
}
