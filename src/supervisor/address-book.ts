// The bound sockets of all pools. A socket stays bound while any version of a pool wants its address,
// whichever pool that is, so a reload closes no socket that is wanted again.

import { formatAddress } from "../config/address.ts";
import type { PoolConfig } from "../config/schema.ts";
import type { PassedSocket } from "../messages/succession.ts";
import { type Address, bindAddress, passedAddress } from "./addresses.ts";

type Bind = (pool: PoolConfig) => Promise<Address>;

export class AddressBook {
  readonly #bind: Bind;
  readonly #bound = new Map<string, Address>();
  readonly #passed: ReadonlySet<string>;

  /** `passed`: what another supervisor has bound already. */
  constructor(bind: Bind = (pool) => bindAddress(pool), passed: readonly PassedSocket[] = []) {
    this.#bind = bind;
    this.#passed = new Set(passed.map(({ key }) => key));
    for (const socket of passed) this.#bound.set(socket.key, passedAddress(socket));
  }

  /** Everything that is bound, for another supervisor. */
  get sockets(): readonly PassedSocket[] {
    return [...this.#bound].map(([key, { listen, fd, owned }]) => ({ key, listen, fd, owned }));
  }

  /** The pool's address, bound now if it was not before. Rejects with LISTEN. */
  async open(pool: PoolConfig): Promise<Address> {
    const key = keyOf(pool);
    const address = this.#bound.get(key) ?? (await this.#bind(pool));
    this.#bound.set(key, address);
    return address;
  }

  /** Closes every socket that none of `pools` listens on. */
  keepOnly(pools: readonly PoolConfig[]): Promise<void> {
    return this.#keep(new Set(pools.map(keyOf)));
  }

  /** Closes what was bound here, and leaves alone what is another supervisor's. */
  keepPassed(): Promise<void> {
    return this.#keep(this.#passed);
  }

  async #keep(wanted: ReadonlySet<string>): Promise<void> {
    const unwanted = [...this.#bound].filter(([key]) => !wanted.has(key));
    for (const [key] of unwanted) this.#bound.delete(key);
    await Promise.all(unwanted.map(([, address]) => address.close()));
  }
}

/** The kernel chooses a port of its own for every pool that asks for port 0. */
function keyOf({ name, listen }: PoolConfig): string {
  const written = formatAddress(listen);
  return listen.kind === "tcp" && listen.port === 0 ? `${written} of ${name}` : written;
}
