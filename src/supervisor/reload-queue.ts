// Reloads come in bursts: twenty-five signals within a moment, a deployment that asks while another
// runs. One runs at a time, and all that is asked for meanwhile is one reload afterwards, because the
// configuration and the code may have changed since the running one has read them.

import { joinScopes, type ReloadScope } from "./reload-scope.ts";

interface Pending<T> {
  scope: ReloadScope;
  readonly promise: Promise<T>;
  readonly start: () => void;
}

export class ReloadQueue<T> {
  readonly #run: (scope: ReloadScope) => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Pending<T> | undefined;

  constructor(run: (scope: ReloadScope) => Promise<T>) {
    this.#run = run;
  }

  /** Settles as the reload that began after this was called. */
  request(scope: ReloadScope): Promise<T> {
    if (this.#running === undefined) return this.#begin(scope);
    if (this.#next === undefined) this.#next = this.#pending(scope);
    else this.#next.scope = joinScopes(this.#next.scope, scope);
    return this.#next.promise;
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => {}); // Whoever asked for it is told.
  }

  #begin(scope: ReloadScope): Promise<T> {
    const running = this.#run(scope);
    this.#running = running;
    const over = (): void => {
      this.#running = undefined;
      const next = this.#next;
      this.#next = undefined;
      next?.start();
    };
    running.then(over, over);
    return running;
  }

  #pending(scope: ReloadScope): Pending<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const pending: Pending<T> = { scope, promise, start: () => resolve(this.#begin(pending.scope)) };
    return pending;
  }
}
