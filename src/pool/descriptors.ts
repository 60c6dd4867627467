// The descriptors that a pool's process lives by: its listening socket, its channel to the supervisor.
// All its threads share them, and an app that closes one that is not its own, or whose number was, makes
// the process deaf without a word from anybody. So they are looked at now and then.

import { fstatSync } from "node:fs";

/** How often they are looked at, ms. */
export const DESCRIPTORS_LOOK_MS = 500;

export class Descriptors {
  /** By descriptor: what it names. */
  readonly #kept: ReadonlyMap<number, string | undefined>;

  constructor(descriptors: readonly number[]) {
    this.#kept = new Map(descriptors.map((descriptor) => [descriptor, identityOf(descriptor)]));
  }

  /** Those that are closed, or name something else by now. */
  lost(): readonly number[] {
    return [...this.#kept]
      .filter(([descriptor, was]) => identityOf(descriptor) !== was)
      .map(([descriptor]) => descriptor);
  }
}

function identityOf(descriptor: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(descriptor);
    return `${dev}:${ino}`;
  } catch {
    // It is closed.
    return undefined;
  }
}
