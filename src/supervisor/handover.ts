// Connections on their way from a process that drains to one that serves. Between two requests a
// connection is a descriptor and nothing more: nobody here reads from it, so what the web server sends
// meanwhile waits in the kernel.

import type { Clock } from "../base/clock.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";

/** A connection that nobody reads; whoever holds it closes it or gives it on. */
export interface GivenConnection extends KeptConnection {
  readonly handle: { close(): void };
  /** Called once it has been taken, or is lost. */
  readonly settled?: () => void;
}

/** Who may take connections. */
export interface Taker {
  /** False: it was not taken, and is still the caller's; nor will the next one be. */
  adopt(connection: GivenConnection): Promise<boolean>;
}

/** How many wait for a taker, each of them an open descriptor. */
export const WAITING_MAX = 1024;
/** How long one waits; the web server has its own patience, ms. */
export const WAITING_MS = 60_000;

interface Waiting {
  readonly connection: GivenConnection;
  readonly cancel: () => void;
}

export interface HandoverOptions {
  readonly clock: Clock;
  /** Who takes connections now. */
  readonly takers: () => readonly Taker[];
  /** A connection was closed because nobody took it. */
  readonly lost: (reason: string) => void;
}

/** The connections of one pool. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #waiting = new Set<Waiting>();
  /** How many each taker was given, and whether one is on its way to it: they go one by one, and evenly. */
  readonly #given = new WeakMap<Taker, number>();
  readonly #busy = new Set<Taker>();
  /** Who did not take one: it is on its way out, and would be asked for ever. */
  readonly #refused = new WeakSet<Taker>();
  #whenSettled: (() => void)[] = [];
  #closed = false;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** Resolves when none waits and none is on its way. */
  get settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
      this.#look();
    });
  }

  /** Takes care of a connection. */
  give(connection: GivenConnection): void {
    const { clock } = this.#options;
    if (this.#closed) this.#lose(connection, "nobody serves any more");
    else if (this.#waiting.size >= WAITING_MAX) this.#lose(connection, `${WAITING_MAX} are waiting already`);
    else {
      const waiting: Waiting = {
        connection,
        cancel: clock.at(clock.now() + WAITING_MS, () => {
          this.#waiting.delete(waiting);
          this.#look();
          this.#lose(connection, `no process took it within ${WAITING_MS / 1000} s`);
        }),
      };
      this.#waiting.add(waiting);
      this.deliver();
    }
  }

  /** To be called when there may be somebody new to take them. */
  deliver(): void {
    for (const waiting of this.#waiting) {
      const taker = this.#nextTaker();
      if (taker === undefined) return;
      this.#waiting.delete(waiting);
      waiting.cancel();
      void this.#send(waiting.connection, taker);
    }
  }

  /** Closes what still waits, and what comes later. */
  close(): void {
    this.#closed = true;
    for (const { connection, cancel } of this.#waiting) {
      cancel();
      this.#lose(connection, "nobody serves any more");
    }
    this.#waiting.clear();
    this.#look();
  }

  #nextTaker(): Taker | undefined {
    const free = this.#options.takers().filter((taker) => !this.#busy.has(taker) && !this.#refused.has(taker));
    return free.reduce<Taker | undefined>(
      (least, taker) => (least === undefined || this.#count(taker) < this.#count(least) ? taker : least),
      undefined,
    );
  }

  async #send(connection: GivenConnection, taker: Taker): Promise<void> {
    this.#busy.add(taker);
    this.#given.set(taker, this.#count(taker) + 1);
    const taken = await taker.adopt(connection);
    this.#busy.delete(taker);
    // What was sent is the taker's; this is only our copy.
    if (taken) {
      connection.handle.close();
      connection.settled?.();
    } else {
      this.#refused.add(taker);
      this.give(connection);
    }
    this.deliver();
    this.#look();
  }

  #look(): void {
    if (this.#waiting.size > 0 || this.#busy.size > 0) return;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }

  #count(taker: Taker): number {
    return this.#given.get(taker) ?? 0;
  }

  #lose({ handle, settled }: GivenConnection, reason: string): void {
    handle.close();
    settled?.();
    this.#options.lost(reason);
  }
}
