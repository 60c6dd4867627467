// Idle connections on their way to another process. They leave a few at a time and spread over a moment:
// one that is on its way is served by nobody, and a process that has just started is slow at first.

import type { Clock, Instant } from "../base/clock.ts";
import { settledWithin } from "../base/settled-within.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";
import type { ConnectionHandle } from "./accept.ts";
import type { GiveAway } from "./gateway.ts";

/** Connections that may be on their way at one time. */
const UNDER_WAY_MAX = 4;
/** One that nobody has taken by then keeps the others waiting no longer, ms. */
const TAKEN_MS = 1000;

export interface Leaver {
  /** Leaves if it is idle, by `hasRoomFor` and `take`; otherwise when it is. */
  leave(): void;
}

export interface HandOverOptions {
  readonly clock: Clock;
  readonly giveAway: GiveAway;
  /** How many there are when it begins. */
  readonly connections: number;
  /** Over which time they are spread, ms. */
  readonly overMs: number;
  /** One has arrived, or is lost. */
  readonly settled: () => void;
}

export class HandOver {
  readonly #options: HandOverOptions;
  readonly #everyMs: number;
  #nextAt: Instant;
  #underWay = 0;
  /** Idle ones, in the order in which they go. */
  readonly #waiting = new Set<Leaver>();
  #cancelTurn: (() => void) | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#everyMs = options.overMs / Math.max(1, options.connections);
    this.#nextAt = options.clock.now();
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** False: not now. The connection serves on, and is asked to leave when its turn comes. */
  hasRoomFor(leaver: Leaver): boolean {
    if (this.#hasRoom()) return true;
    this.#waiting.add(leaver);
    this.#takeTurns();
    return false;
  }

  take(handle: ConnectionHandle, connection: KeptConnection): void {
    const { clock, giveAway, settled } = this.#options;
    this.#underWay++;
    this.#nextAt += this.#everyMs;
    void settledWithin(clock, giveAway(handle, connection), TAKEN_MS).then(() => {
      this.#underWay--;
      this.#takeTurns();
      settled();
    });
  }

  /** It has ended where it was. */
  forget(leaver: Leaver): void {
    this.#waiting.delete(leaver);
  }

  /** None that waits is given away; what is under way arrives. */
  stop(): void {
    this.#waiting.clear();
    this.#cancelTurn?.();
  }

  #hasRoom(): boolean {
    return this.#underWay < UNDER_WAY_MAX && this.#options.clock.now() >= this.#nextAt;
  }

  #takeTurns(): void {
    this.#cancelTurn?.();
    this.#cancelTurn = undefined;
    for (const leaver of this.#waiting) {
      if (!this.#hasRoom()) break;
      this.#waiting.delete(leaver);
      leaver.leave();
    }
    // With all of them under way, the one that arrives is followed by the next.
    if (this.#waiting.size === 0 || this.#underWay >= UNDER_WAY_MAX) return;
    this.#cancelTurn = this.#options.clock.at(this.#nextAt, () => this.#takeTurns());
  }
}
