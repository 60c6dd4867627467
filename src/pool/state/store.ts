// One space of keys and their bytes: each with a time to live, all within a number of bytes. What was used
// least recently makes room. Every step costs the same however much is kept; what has to look at every
// entry does so in slices.

import type { Clock, Instant } from "../../base/clock.ts";
import type { SpaceCounts } from "../../telemetry/measured.ts";
import { isSame, type Kept, keep } from "./kept.ts";

/** What an entry takes beside its key and its value: 170 to 320 bytes of the heap on Node 26, by the value's length. */
export const ENTRY_BYTES = 256;
/** Each write looks whether so many others have expired, in turn. */
const SWEPT_PER_WRITE = 2;

interface Entry {
  readonly key: string;
  value: Kept;
  expiresAt: Instant;
  /** Which write made it; rises. */
  written: number;
  /** It came from the process before, and nobody here has changed it. */
  inherited: boolean;
  /** Neighbours in the order of use. */
  newer: Entry | undefined;
  older: Entry | undefined;
}

/** So many keys that are gone are known while entries come from the process before; then no more are taken. */
const GONE_MAX = 20_000;

/** An entry on its way to another store. */
export interface Moved {
  readonly key: string;
  readonly value: Kept;
  /** Infinity: for ever. */
  readonly ttlMs: number;
}

export class Store {
  /**
   * Is told of every key that somebody here, or in the process before, has changed. `isNews`: it came in anew from
   * the process before, so that whoever walks comes to it.
   */
  changed: ((key: string, isNews: boolean) => void) | undefined;
  readonly #clock: Clock;
  readonly #limitBytes: number;
  readonly #entries = new Map<string, Entry>();
  #newest: Entry | undefined;
  #oldest: Entry | undefined;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #writes = 0;
  #sweep: Iterator<Entry> | undefined;
  /** What was deleted, or has expired, here while entries come from the process before, which may still bring it. */
  #gone: Set<string> | undefined;

  constructor(clock: Clock, limitBytes: number) {
    this.#clock = clock;
    this.#limitBytes = limitBytes;
  }

  get counts(): SpaceCounts {
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  /** What is there counts as used. */
  get(key: string): Kept | undefined {
    const entry = this.#live(key);
    if (entry === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#use(entry);
    return entry.value;
  }

  has(key: string): boolean {
    return this.#live(key) !== undefined;
  }

  /** `ttlMs` Infinity: until it has to make room. False: it is longer than all that there is room for. */
  set(key: string, value: Uint8Array, ttlMs: number): boolean {
    return this.#put(key, keep(value), this.#clock.now() + ttlMs);
  }

  delete(key: string): boolean {
    this.#noteGone(key);
    const entry = this.#live(key);
    if (entry === undefined) return false;
    this.#drop(entry);
    this.changed?.(key, false);
    return true;
  }

  touch(key: string, ttlMs: number): boolean {
    const entry = this.#live(key);
    if (entry === undefined) return false;
    entry.expiresAt = this.#clock.now() + ttlMs;
    entry.inherited = false;
    this.#use(entry);
    this.changed?.(key, false);
    return true;
  }

  /**
   * Adds to the decimal number that is there, or to 0, which then lives for `ttlMs`. undefined: what is
   * there is no number, or the sum is none.
   */
  add(key: string, delta: number, ttlMs: number): number | undefined {
    const entry = this.#live(key);
    const sum = (entry === undefined ? 0 : numberOf(entry.value)) + delta;
    if (!Number.isFinite(sum)) return undefined;
    this.#put(key, String(sum), entry?.expiresAt ?? this.#clock.now() + ttlMs);
    return sum;
  }

  /** Puts `value` in the place of exactly `expected` (undefined: nothing). */
  swap(key: string, expected: Uint8Array | undefined, value: Uint8Array, ttlMs: number): boolean {
    const entry = this.#live(key);
    const isThere =
      entry === undefined ? expected === undefined : expected !== undefined && isSame(entry.value, expected);
    return isThere && this.set(key, value, ttlMs);
  }

  /** Looks at up to `most` entries in turn and drops those whose time is over. */
  sweep(most: number): void {
    const now = this.#clock.now();
    for (let n = Math.min(most, this.#entries.size); n > 0; n--) {
      let next = this.#sweep?.next();
      if (next === undefined || next.done === true) {
        this.#sweep = this.#entries.values();
        next = this.#sweep.next();
      }
      if (next.done !== true && next.value.expiresAt <= now) this.#drop(next.value);
    }
  }

  /**
   * Deletes what begins with `prefix` and is there now, `slice` entries a step; what is written meanwhile
   * stays. Yields how many it has deleted.
   */
  *clear(prefix: string, slice: number): Generator<number> {
    const before = this.#writes;
    const now = this.#clock.now();
    let cleared = 0;
    let looked = 0;
    for (const entry of this.#entries.values()) {
      if (++looked % slice === 0) yield cleared;
      if (entry.written > before || !entry.key.startsWith(prefix)) continue;
      if (entry.expiresAt > now) cleared++;
      this.#noteGone(entry.key);
      this.#drop(entry);
      this.changed?.(entry.key, false);
    }
    yield cleared;
  }

  /** What is there, without counting as use. */
  entry(key: string): Moved | undefined {
    const entry = this.#live(key);
    return entry && { key, value: entry.value, ttlMs: entry.expiresAt - this.#clock.now() };
  }

  /** Whether entries come from the process before. */
  set inheriting(inheriting: boolean) {
    this.#gone = inheriting ? new Set() : undefined;
  }

  /** Takes an entry of the process before, unless somebody here has set or deleted it since. */
  inherit({ key, value, ttlMs }: Moved): void {
    const present = this.#live(key);
    if (present?.inherited === false) return;
    if (this.#gone !== undefined && (this.#gone.has(key) || this.#gone.size >= GONE_MAX)) return;
    const kept = keep(typeof value === "string" ? Buffer.from(value, "latin1") : value);
    this.#put(key, kept, this.#clock.now() + ttlMs, true);
  }

  /** The process before has deleted it. */
  disinherit(key: string): void {
    const present = this.#live(key);
    if (present?.inherited !== true) return;
    this.#drop(present);
    this.changed?.(key, false);
  }

  /** Everything that is there for as long as it takes to walk, without expired entries. */
  *entries(): Generator<Moved> {
    for (const { key, value, expiresAt } of this.#entries.values()) {
      const ttlMs = expiresAt - this.#clock.now();
      if (ttlMs > 0) yield { key, value, ttlMs };
    }
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.#clock.now()) return entry;
    this.#drop(entry);
    return undefined;
  }

  #put(key: string, value: Kept, expiresAt: Instant, inherited = false): boolean {
    const present = this.#entries.get(key);
    this.changed?.(key, inherited && present === undefined);
    if (ENTRY_BYTES + key.length + value.length > this.#limitBytes) {
      // An older value would now be wrong.
      if (present !== undefined) this.#drop(present);
      return false;
    }
    if (present === undefined)
      this.#add({ key, value, expiresAt, written: ++this.#writes, inherited, newer: undefined, older: undefined });
    else {
      this.#bytes += value.length - present.value.length;
      present.value = value;
      present.expiresAt = expiresAt;
      present.written = ++this.#writes;
      present.inherited = inherited;
      this.#use(present);
    }
    this.sweep(SWEPT_PER_WRITE);
    this.#evict();
    return true;
  }

  #evict(): void {
    while (this.#bytes > this.#limitBytes && this.#oldest !== undefined) {
      if (this.#oldest.expiresAt > this.#clock.now()) this.#evictions++;
      this.#drop(this.#oldest);
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#bytes += costOf(entry);
    this.#link(entry);
  }

  #drop(entry: Entry): void {
    if (!entry.inherited) this.#noteGone(entry.key);
    this.#entries.delete(entry.key);
    this.#bytes -= costOf(entry);
    this.#unlink(entry);
  }

  #noteGone(key: string): void {
    if (this.#gone !== undefined && this.#gone.size < GONE_MAX) this.#gone.add(key);
  }

  #use(entry: Entry): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#link(entry);
  }

  #link(entry: Entry): void {
    entry.newer = undefined;
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ newer, older }: Entry): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}

function costOf({ key, value }: Entry): number {
  return ENTRY_BYTES + key.length + value.length;
}

/** NaN for what is no decimal number. */
function numberOf(value: Kept): number {
  const text = typeof value === "string" ? value : "";
  return /^-?\d/.test(text) ? Number(text) : Number.NaN;
}
