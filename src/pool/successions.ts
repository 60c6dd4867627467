// Workers that are to be replaced, in the order in which that was asked for, and the one successor
// that boots at a time. Decides who is next; starts and ends nobody.

/** What succession looks at in a worker. */
export interface Replaceable {
  readonly state: string;
  /** It may be given no more requests. */
  readonly spent: boolean;
}

export class Successions<W extends Replaceable> {
  readonly #asked = new Set<W>();
  #replaced: W | undefined;
  #successor: W | undefined;
  /** Who was replaced last: until it is gone there is one worker more than usual. */
  #leaving: W | undefined;

  /** False: it was asked for before. */
  ask(worker: W): boolean {
    if (this.#asked.has(worker)) return false;
    this.#asked.add(worker);
    return true;
  }

  has(worker: W): boolean {
    return this.#asked.has(worker);
  }

  get workers(): Iterable<W> {
    return this.#asked;
  }

  /**
   * Whose successor is to be started now. Undefined: nobody's, or one boots already. Who still serves
   * waits until the one before it has left; who may not, does not.
   */
  next(): W | undefined {
    if (this.#replaced !== undefined) return undefined;
    for (const worker of this.#asked) if (worker.spent) return worker;
    if (this.#leaving !== undefined && this.#leaving.state !== "gone") return undefined;
    const [first] = this.#asked;
    return first;
  }

  begin(worker: W, successor: W): void {
    this.#replaced = worker;
    this.#successor = successor;
  }

  /** The successor serves. False: whom it was to replace has died meanwhile. */
  succeeded(successor: W): boolean {
    const worker = this.#replaced;
    if (worker === undefined || this.#successor !== successor) return false;
    this.#forget(worker);
    this.#leaving = worker;
    return true;
  }

  /** The successor did not boot: who was to be replaced is the next again. */
  failed(successor: W): void {
    if (this.#successor !== successor) return;
    this.#replaced = undefined;
    this.#successor = undefined;
  }

  /** The worker is gone, or goes anyway. Returns who boots in its place, if somebody does. */
  gone(worker: W): W | undefined {
    const successor = this.#replaced === worker ? this.#successor : undefined;
    this.#forget(worker);
    return successor;
  }

  #forget(worker: W): void {
    this.#asked.delete(worker);
    if (this.#replaced !== worker) return;
    this.#replaced = undefined;
    this.#successor = undefined;
  }
}
