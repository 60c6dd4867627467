// The slots of a lane: which exchange each of them names, which the worker has not begun, and which
// may not be used again yet. What is said about them is worker-handle.ts's.

import { Assignment, type Side } from "./assignment.ts";
import type { Exchange } from "./exchange.ts";
import type { Lane } from "./lane.ts";

/** What slots need of their lane. */
export type SlotWords = Pick<Lane, "offer" | "begun" | "takeBack" | "metTakenBack">;

export class Slots {
  readonly #words: () => SlotWords;
  /** By slot. */
  readonly #open: (Assignment | undefined)[] = [];
  #openCount = 0;
  #free: number[] = [];
  /** Their offers were taken back, and the worker has not met them. */
  #takenBack: number[] = [];
  /** Given and not known to be begun, oldest first. */
  #offered: Assignment[] = [];

  constructor(count: number, words: () => SlotWords) {
    this.#words = words;
    for (let slot = count - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  get open(): number {
    return this.#openCount;
  }

  get free(): number {
    return this.#free.length;
  }

  get exchanges(): Exchange[] {
    return this.#open.flatMap((open) => (open === undefined ? [] : [open.exchange]));
  }

  /** The worker has not met something that was taken back from it. */
  get unmet(): boolean {
    this.#reclaim();
    return this.#takenBack.length > 0;
  }

  at(slot: number): Assignment | undefined {
    return this.#open[slot];
  }

  offer(exchange: Exchange, side: Side): Assignment {
    const slot = this.#free.pop();
    if (slot === undefined) throw new RangeError("a worker was given more than it has room for");
    const open = new Assignment(exchange, slot, side);
    this.#open[slot] = open;
    this.#openCount++;
    this.#offered.push(open);
    this.#words().offer(slot);
    return open;
  }

  /** The worker has answered: the slot is free. */
  finish(slot: number): Assignment | undefined {
    const open = this.#open[slot];
    if (open === undefined) return undefined;
    this.#close(open);
    this.#free.push(slot);
    open.exchange.carrierDone();
    return open;
  }

  /** The worker has given an offer back of itself: the slot is free. Undefined: it had been taken back already. */
  giveBack(slot: number): Assignment | undefined {
    const open = this.#open[slot];
    if (open === undefined) return undefined;
    this.#close(open);
    this.#free.push(slot);
    return open;
  }

  /** Takes an offer back; the slot is free once the worker has met it. False: it is too late. */
  withdraw(open: Assignment): boolean {
    if (open.finished || !this.#words().takeBack(open.slot)) return false;
    this.#close(open);
    this.#takenBack.push(open.slot);
    return true;
  }

  /** As `withdraw`, everything that the worker has not begun; the oldest first. */
  withdrawAll(withdraw: (open: Assignment) => boolean): Assignment[] {
    const back: Assignment[] = [];
    const kept: Assignment[] = [];
    // From the newest: the worker comes from the other end.
    for (const open of this.offered.toReversed()) (withdraw(open) ? back : kept).push(open);
    this.#offered = kept.reverse();
    return back.reverse();
  }

  /** What the worker is not known to have begun, the oldest first. */
  get offered(): readonly Assignment[] {
    const offered = this.#offered;
    if (offered.length === 0) return offered;
    let begun = 0;
    // In order: the worker begins them one after the other.
    while (begun < offered.length && this.#isBegun(offered[begun])) begun++;
    if (begun > 0) offered.splice(0, begun);
    return offered;
  }

  /** The worker is dead: nothing is open any more. Returns what was. */
  abandon(): Exchange[] {
    const { exchanges } = this;
    for (const exchange of exchanges) exchange.carrierDone();
    this.#open.length = 0;
    this.#openCount = 0;
    this.#offered = [];
    return exchanges;
  }

  #close(open: Assignment): void {
    this.#open[open.slot] = undefined;
    this.#openCount--;
    open.finished = true;
  }

  #isBegun(open: Assignment | undefined): boolean {
    return open === undefined || open.finished || this.#words().begun(open.slot);
  }

  #reclaim(): void {
    if (this.#takenBack.length === 0) return;
    const unmet: number[] = [];
    for (const slot of this.#takenBack) (this.#words().metTakenBack(slot) ? this.#free : unmet).push(slot);
    this.#takenBack = unmet;
  }
}
