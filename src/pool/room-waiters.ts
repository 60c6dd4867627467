// Of whose request bodies something waits for room on a worker's lane: they take turns when there may be some.

import type { Assignment } from "./assignment.ts";

export class RoomWaiters {
  /** In the order in which it came to that. */
  #waiting: Assignment[] = [];

  get any(): boolean {
    return this.#waiting.length > 0;
  }

  add(assignment: Assignment): void {
    if (assignment.awaitsRoom) return;
    assignment.awaitsRoom = true;
    this.#waiting.push(assignment);
  }

  /** Each sends what finds room now, and waits again with the rest. */
  pump(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const assignment of waiting) {
      assignment.awaitsRoom = false;
      if (!assignment.finished) assignment.exchange.pump();
    }
  }
}
