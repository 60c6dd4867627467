// Named locks: each has one holder, and those who wait in the order in which they came. Nobody waits
// beyond its deadline, nobody holds for longer than it said while others wait, and whoever is gone holds and
// waits for nothing.

import type { Clock, Instant } from "../../base/clock.ts";
import { Fault } from "../../base/fault.ts";

/** So many may be held, and so many may wait for any, at one time. */
export const LOCKS_MAX = 65_536;
export const WAITERS_MAX = 65_536;
/** So many of both may be one worker's: the others are to have some, too. */
export const OWNED_MAX = 32_768;

/** Who asks: a worker's number, and the number of what it asked. */
export interface Claim {
  readonly owner: number;
  readonly id: number;
  readonly name: string;
  readonly waitMs: number;
  readonly holdMs: number;
  readonly granted: () => void;
  readonly refused: (fault: Fault) => void;
}

interface Waiter {
  readonly claim: Claim;
  readonly cancel: () => void;
}

interface Lock {
  holder: Claim;
  since: Instant;
  readonly waiting: Set<Waiter>;
  /** Cancels the look at whether it is held for too long; set while somebody waits. */
  cancelLook: (() => void) | undefined;
}

export interface LocksOptions {
  readonly clock: Clock;
  /** A lock was taken from who held it for longer than it said. */
  readonly overheld: (name: string, owner: number, heldMs: number) => void;
}

export class Locks {
  readonly #options: LocksOptions;
  readonly #locks = new Map<string, Lock>();
  /** What each owner holds, and what it waits for, by the numbers of its asks. */
  readonly #owners = new Map<number, Map<number, Lock | Waiter>>();
  #waiting = 0;

  constructor(options: LocksOptions) {
    this.#options = options;
  }

  get held(): number {
    return this.#locks.size;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Calls one of the claim's functions, now or by its deadline, unless its owner is forgotten before. */
  ask(claim: Claim): void {
    if (this.#owners.get(claim.owner)?.has(claim.id) === true) {
      // Of two with one number only one could ever be let go of.
      claim.refused(new Fault("HANDLER", `worker ${claim.owner} has asked for two locks as number ${claim.id}`));
      return;
    }
    if ((this.#owners.get(claim.owner)?.size ?? 0) >= OWNED_MAX) {
      const why = `worker ${claim.owner} holds, or waits for, ${OWNED_MAX} locks`;
      claim.refused(new Fault("OVERLOAD", `the lock ${claim.name} cannot be had: ${why}`));
      return;
    }
    const lock = this.#locks.get(claim.name);
    if (lock === undefined) this.#first(claim);
    else if (this.#isOver(lock)) {
      this.#takeAway(lock);
      // The one who waited first has it now, if there is one.
      this.ask(claim);
    } else if (claim.waitMs > 0) this.#wait(claim, lock);
    else claim.refused(this.#late(lock, claim));
  }

  /** False: it is not held by this ask, or no longer. */
  release(owner: number, id: number): boolean {
    const held = this.#owners.get(owner)?.get(id);
    if (held === undefined || "claim" in held) return false;
    this.#next(held);
    return true;
  }

  /** The owner is gone. */
  forget(owner: number): void {
    const all = this.#owners.get(owner);
    if (all === undefined) return;
    // What it waits for first: it must not be given what it lets go of.
    for (const each of all.values()) if ("claim" in each) this.#leave(each);
    for (const each of [...all.values()]) if (!("claim" in each)) this.#next(each);
  }

  /** Ends every wait with `fault`. */
  close(fault: Fault): void {
    for (const { waiting, cancelLook } of this.#locks.values()) {
      cancelLook?.();
      for (const waiter of waiting) {
        this.#leave(waiter);
        waiter.claim.refused(fault);
      }
    }
  }

  #first(claim: Claim): void {
    if (this.#locks.size >= LOCKS_MAX) {
      claim.refused(new Fault("OVERLOAD", `the lock ${claim.name} cannot be had: ${LOCKS_MAX} others are held`));
      return;
    }
    const lock: Lock = { holder: claim, since: 0, waiting: new Set(), cancelLook: undefined };
    this.#locks.set(claim.name, lock);
    this.#give(lock, claim);
  }

  #give(lock: Lock, claim: Claim): void {
    lock.holder = claim;
    lock.since = this.#options.clock.now();
    this.#of(claim.owner).set(claim.id, lock);
    this.#look(lock);
    claim.granted();
  }

  #wait(claim: Claim, lock: Lock): void {
    if (this.#waiting >= WAITERS_MAX) {
      claim.refused(new Fault("OVERLOAD", `the lock ${claim.name} cannot be had: ${WAITERS_MAX} wait for locks`));
      return;
    }
    const { clock } = this.#options;
    const waiter: Waiter = {
      claim,
      cancel: clock.at(clock.now() + claim.waitMs, () => {
        this.#leave(waiter);
        claim.refused(this.#late(lock, claim));
      }),
    };
    this.#waiting++;
    lock.waiting.add(waiter);
    this.#of(claim.owner).set(claim.id, waiter);
    this.#look(lock);
  }

  /** The waiter waits no more. */
  #leave(waiter: Waiter): void {
    const { owner, id, name } = waiter.claim;
    waiter.cancel();
    this.#waiting--;
    this.#disown(owner, id);
    const lock = this.#locks.get(name);
    lock?.waiting.delete(waiter);
    if (lock !== undefined) this.#look(lock);
  }

  /** Its holder holds it no more. */
  #next(lock: Lock): void {
    this.#disown(lock.holder.owner, lock.holder.id);
    const [waiter] = lock.waiting;
    if (waiter === undefined) {
      lock.cancelLook?.();
      this.#locks.delete(lock.holder.name);
      return;
    }
    this.#leave(waiter);
    this.#give(lock, waiter.claim);
  }

  #isOver({ holder, since }: Lock): boolean {
    return this.#options.clock.now() >= since + holder.holdMs;
  }

  #takeAway(lock: Lock): void {
    const { holder, since } = lock;
    this.#options.overheld(holder.name, holder.owner, this.#options.clock.now() - since);
    this.#next(lock);
  }

  /** Only while somebody waits does it matter how long it is held. */
  #look(lock: Lock): void {
    lock.cancelLook?.();
    lock.cancelLook = undefined;
    if (lock.waiting.size === 0) return;
    lock.cancelLook = this.#options.clock.at(lock.since + lock.holder.holdMs, () => this.#takeAway(lock));
  }

  #late({ holder, since, waiting }: Lock, { name, waitMs }: Claim): Fault {
    const heldMs = Math.round(this.#options.clock.now() - since);
    const others = waiting.size === 0 ? "" : `, and ${waiting.size} others wait for it`;
    return new Fault(
      "OVERLOAD",
      `the lock ${name} was not free within ${waitMs} ms: worker ${holder.owner} has held it for ${heldMs} ms${others}`,
      { hint: "Hold it for less time, or wait longer." },
    );
  }

  #of(owner: number): Map<number, Lock | Waiter> {
    const present = this.#owners.get(owner);
    if (present !== undefined) return present;
    const made = new Map<number, Lock | Waiter>();
    this.#owners.set(owner, made);
    return made;
  }

  #disown(owner: number, id: number): void {
    const all = this.#owners.get(owner);
    all?.delete(id);
    if (all?.size === 0) this.#owners.delete(owner);
  }
}
