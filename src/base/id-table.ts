// Values by their number, for the few that one connection has open at a time. A list is faster than a
// Map here: nearly always it holds one value, and nothing is hashed or allocated for it.

export class IdTable<T extends { readonly id: number }> {
  readonly #values: T[] = [];

  get size(): number {
    return this.#values.length;
  }

  get(id: number): T | undefined {
    for (const value of this.#values) if (value.id === id) return value;
    return undefined;
  }

  /** `value.id` must not be in the table. */
  add(value: T): void {
    this.#values.push(value);
  }

  delete(id: number): void {
    const at = this.#values.findIndex((value) => value.id === id);
    if (at < 0) return;
    const last = this.#values.pop();
    if (last !== undefined && at < this.#values.length) this.#values[at] = last;
  }

  clear(): void {
    this.#values.length = 0;
  }

  /** A copy, so that what is done with the values may change the table. */
  values(): T[] {
    return [...this.#values];
  }
}
