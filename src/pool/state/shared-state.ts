// What all workers of a process share: spaces of bytes, and locks. Takes what the workers ask, one after the
// other, in the pool's main thread; nothing that it does at once grows with what is kept.

import type { Clock } from "../../base/clock.ts";
import { Fault, toFaultData } from "../../base/fault.ts";
import type { FrameWriter } from "../../messages/batch.ts";
import type { EstateAddress } from "../../messages/lifecycle.ts";
import {
  ANSWERS,
  ASKS,
  ASKS_WINDOW,
  type Ask,
  readAsk,
  SPACE_BYTES_MAX,
  writeAnswer,
  writeNumberAnswer,
} from "../../messages/state.ts";
import type { Measured } from "../../telemetry/measured.ts";
import { Bequest } from "./bequest.ts";
import { type Heirloom, RECORD_GONE } from "./estate.ts";
import { type Inheritance, inherit } from "./inheritance.ts";
import { Locks } from "./locks.ts";
import { checkKey, notANumber, tooLong } from "./refusals.ts";
import { Store } from "./store.ts";

/** Spaces are ours: the cache, sessions. */
const SPACES_MAX = 16;
/** So many entries are looked at in one turn of the event loop by what has to look at all. */
const SLICE = 1000;
/** So many times one worker may clear at once: each goes on for as long as there is something to look at. */
export const CLEARS_MAX = ASKS_WINDOW;
/** Expired entries that a tick may drop. */
const SWEPT_PER_TICK = 2000;
/** Longest wait for a lock, and longest time to hold one, ms. */
const LOCK_MS_MAX = 24 * 60 * 60 * 1000;

/** A worker, as far as it asks. */
export interface Asker {
  readonly id: number;
  /** Where its answers go; undefined once it is gone. */
  readonly answers: FrameWriter | undefined;
}

export interface SharedStateOptions {
  readonly clock: Clock;
  /** What each space may hold. */
  readonly memoryBytes: number;
  readonly valueLimitBytes: number;
  /** The cache goes to the process that takes this one's place, too. */
  readonly persist: boolean;
  /** An answer was written outside of a worker's own turn. */
  readonly stirred: () => void;
  /** A lock was taken from a worker that held it for longer than it said. */
  readonly overheld: (name: string, worker: number, heldMs: number) => void;
  /** What came from the process before; `trouble`: and why not all did. */
  readonly inherited: (entries: number, trouble: string | undefined) => void;
  /** Calls `fn` in another turn of the event loop. */
  readonly later?: (fn: () => void) => void;
}

/** The app's, there from the beginning. */
const CACHE_SPACE = "cache";

export class SharedState {
  readonly #options: SharedStateOptions;
  readonly #later: (fn: () => void) => void;
  readonly #spaces = new Map<string, Store>();
  readonly #locks: Locks;
  /** What each worker has cleared and not been told of, by its number. */
  readonly #clears = new Map<number, number>();
  #bequest: Bequest | undefined;
  #inheritance: Inheritance | undefined;
  #inheriting = false;

  constructor(options: SharedStateOptions) {
    this.#options = options;
    this.#later = options.later ?? setImmediate;
    this.#locks = new Locks(options);
    this.#spaces.set(CACHE_SPACE, new Store(options.clock, options.memoryBytes));
  }

  /** What the status shows of it. */
  get counts(): Pick<Measured, "spaces" | "locks"> {
    const spaces = Object.fromEntries([...this.#spaces].map(([name, store]) => [name, store.counts]));
    return { spaces, locks: { held: this.#locks.held, waiting: this.#locks.waiting } };
  }

  /** `payload` is only lent. */
  asked(asker: Asker, payload: Buffer): void {
    if (asker.answers === undefined) return;
    const ask = readAsk(payload);
    try {
      this.#act(asker, asker.answers, ask);
    } catch (error) {
      this.#refuse(asker, ask.id, error);
    }
  }

  /** The worker is gone: others get its locks. */
  forget(worker: number): void {
    this.#locks.forget(worker);
  }

  /** To be called now and then: expired entries that nobody asks for. */
  tick(): void {
    for (const space of this.#spaces.values()) space.sweep(SWEPT_PER_TICK);
  }

  /** Gives what is there to another process; resolves with where it finds that, or undefined: there is nothing to give. */
  async bequeath(): Promise<EstateAddress | undefined> {
    const spaces = [...this.#spaces].filter(([name]) => this.#moves(name));
    // While it inherits itself, more may come at any time.
    if (!this.#inheriting && spaces.every(([, { counts }]) => counts.entries === 0)) return undefined;
    this.#bequest?.close();
    this.#bequest = new Bequest(this.#options.clock, spaces);
    return this.#bequest.open();
  }

  /** Takes what another process leaves; resolves within INHERIT_MS. */
  async inherit(estate: EstateAddress): Promise<void> {
    const { clock, inherited } = this.#options;
    this.#setInheriting(true);
    this.#inheritance = inherit(estate, {
      clock,
      take: (heirloom) => this.#take(heirloom),
      settled: inherited,
      ended: () => this.#setInheriting(false),
    });
    await this.#inheritance.ready;
  }

  /** No worker changes anything any more: the heir is told the rest, within this time. */
  async finish(withinMs: number): Promise<void> {
    await this.#bequest?.finish(withinMs);
  }

  /** Nobody waits any more. */
  close(): void {
    this.#bequest?.close();
    this.#inheritance?.close();
    this.#locks.close(new Fault("OVERLOAD", "the pool is stopping"));
  }

  #setInheriting(inheriting: boolean): void {
    this.#inheriting = inheriting;
    for (const space of this.#spaces.values()) space.inheriting = inheriting;
  }

  #moves(space: string): boolean {
    return space !== CACHE_SPACE || this.#options.persist;
  }

  #take({ kind, space: name, key, value, ttlMs }: Heirloom): void {
    if (!this.#moves(name)) return;
    const space = this.#open(name);
    if (kind === RECORD_GONE) space.disinherit(key);
    else if (value.length <= this.#options.valueLimitBytes) space.inherit({ key, value, ttlMs });
  }

  #act(asker: Asker, answers: FrameWriter, ask: Ask): void {
    const { id, operation, key, first, second, expected, value } = ask;
    switch (operation) {
      case ASKS.GET: {
        const found = this.#space(ask).get(key);
        if (found === undefined) writeAnswer(answers, id, ANSWERS.NOTHING);
        else writeAnswer(answers, id, ANSWERS.BYTES, found);
        return;
      }
      case ASKS.HAS:
        writeAnswer(answers, id, yesOrNo(this.#space(ask).has(key)));
        return;
      case ASKS.SET:
        this.#checkValue(ask);
        if (!this.#space(ask).set(key, value, first)) throw this.#tooLong(ask);
        writeAnswer(answers, id, ANSWERS.DONE);
        return;
      case ASKS.DELETE:
        writeAnswer(answers, id, yesOrNo(this.#space(ask).delete(key)));
        return;
      case ASKS.TOUCH:
        writeAnswer(answers, id, yesOrNo(this.#space(ask).touch(key, first)));
        return;
      case ASKS.ADD: {
        const total = this.#space(ask).add(key, first, second);
        if (total === undefined) throw notANumber(ask);
        writeNumberAnswer(answers, id, total);
        return;
      }
      case ASKS.SWAP:
        this.#checkValue(ask);
        writeAnswer(answers, id, yesOrNo(this.#space(ask).swap(key, expected, value, first)));
        return;
      case ASKS.CLEAR:
        this.#clear(asker, id, this.#space(ask).clear(key, SLICE));
        return;
      case ASKS.LOCK:
        this.#lock(asker, ask);
        return;
      case ASKS.UNLOCK:
        if (this.#locks.release(asker.id, first)) this.#options.stirred();
        return;
      default:
        throw new Fault("HANDLER", `a worker asked what is not known (${operation}, ${second})`);
    }
  }

  #space({ space, key }: Ask): Store {
    checkKey(key);
    return this.#open(space);
  }

  #open(name: string): Store {
    const present = this.#spaces.get(name);
    if (present !== undefined) return present;
    if (this.#spaces.size >= SPACES_MAX || name.length > SPACE_BYTES_MAX) {
      throw new Fault("HANDLER", `there are ${this.#spaces.size} spaces already`);
    }
    const { clock, memoryBytes } = this.#options;
    const made = new Store(clock, memoryBytes);
    made.inheriting = this.#inheriting;
    this.#spaces.set(name, made);
    if (this.#moves(name)) this.#bequest?.add(name, made);
    return made;
  }

  #checkValue(ask: Ask): void {
    if (ask.value.length > this.#options.valueLimitBytes) throw this.#tooLong(ask);
  }

  #tooLong(ask: Ask): Fault {
    const { valueLimitBytes, memoryBytes } = this.#options;
    return tooLong(ask, Math.min(valueLimitBytes, memoryBytes));
  }

  #clear(asker: Asker, id: number, steps: Generator<number>): void {
    const running = this.#clears.get(asker.id) ?? 0;
    if (running >= CLEARS_MAX) throw new Fault("OVERLOAD", `worker ${asker.id} clears ${running} times at once`);
    this.#clears.set(asker.id, running + 1);
    let cleared = 0;
    const step = (): void => {
      const { value, done } = steps.next();
      if (done !== true) {
        cleared = value;
        this.#later(step);
        return;
      }
      this.#cleared(asker.id);
      if (asker.answers === undefined) return;
      writeNumberAnswer(asker.answers, id, cleared);
      this.#options.stirred();
    };
    step();
  }

  #cleared(worker: number): void {
    const left = (this.#clears.get(worker) ?? 0) - 1;
    if (left > 0) this.#clears.set(worker, left);
    else this.#clears.delete(worker);
  }

  #lock(asker: Asker, { id, key: name, first, second }: Ask): void {
    checkKey(name);
    // A worker's own end asks for nothing else; what runs in it may.
    if (!(first >= 0 && second > 0)) throw new Fault("HANDLER", "a lock is asked for without times");
    this.#locks.ask({
      owner: asker.id,
      id,
      name,
      waitMs: Math.min(first, LOCK_MS_MAX),
      holdMs: Math.min(second, LOCK_MS_MAX),
      granted: () => {
        if (asker.answers === undefined) return;
        writeAnswer(asker.answers, id, ANSWERS.GRANTED);
        this.#options.stirred();
      },
      refused: (fault) => this.#refuse(asker, id, fault),
    });
  }

  #refuse({ answers }: Asker, id: number, error: unknown): void {
    if (answers === undefined) return;
    const { code, message, hint } = toFaultData(error, "HANDLER");
    writeAnswer(answers, id, ANSWERS.FAULT, Buffer.from(JSON.stringify({ code, message, hint })));
    this.#options.stirred();
  }
}

function yesOrNo(yes: boolean): number {
  return yes ? ANSWERS.YES : ANSWERS.NO;
}
