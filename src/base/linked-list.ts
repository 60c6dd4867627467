// Values in the order in which they came, of which any may leave at any time, tens of thousands a second. Not a
// Set: that grows by a new table, the old one points to the new one, and to what it held. Once such a table
// has come to V8's old generation, everything in all that follow it survives until the next full collection.

/** What a value of a list carries for it; it is in one such list at most. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

export class LinkedList<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** At the end. `value` must not be in a list. */
  add(value: T): void {
    value.previous = this.#last;
    if (this.#last === undefined) this.#first = value;
    else this.#last.next = value;
    this.#last = value;
    this.#size++;
  }

  /** False: it was not here. */
  delete(value: T): boolean {
    const { previous, next } = value;
    if (previous === undefined && this.#first !== value) return false;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    value.previous = undefined;
    value.next = undefined;
    this.#size--;
    return true;
  }

  /** `visit` may delete what it is given, and no other. */
  each(visit: (value: T) => void): void {
    let value = this.#first;
    while (value !== undefined) {
      const { next } = value;
      visit(value);
      value = next;
    }
  }

  /** A copy, so that what is done with the values may change the list. */
  values(): T[] {
    const values: T[] = [];
    for (let value = this.#first; value !== undefined; value = value.next) values.push(value);
    return values;
  }
}
