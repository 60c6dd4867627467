// The supervisor whose place we take, if there is one: it started us, has passed its bound sockets on,
// and serves until we say that we could.

import { Fault } from "../base/fault.ts";
import {
  type FromSuccessor,
  type PassedSocket,
  SUCCESSION_VARIABLE,
  type ToSuccessor,
} from "../messages/succession.ts";
import type { GivenConnection } from "./handover.ts";

export class Predecessor {
  readonly sockets: readonly PassedSocket[];
  readonly #released = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  #stays = true;
  #gave: (pool: string, connection: GivenConnection) => void = (_, { handle }) => handle.close();

  private constructor(sockets: readonly PassedSocket[]) {
    this.sockets = sockets;
    this.#released.promise.catch(() => {}); // Whoever awaits it is told.
    process.on("message", (message, handle) => {
      const given = message as ToSuccessor;
      if (given.kind === "take-over") this.#released.resolve();
      else if (given.kind === "yours") this.#leaves();
      // Without descriptors to spare the kernel delivers the message alone.
      else if (handle !== undefined) {
        this.#gave(given.pool, { handle: handle as unknown as GivenConnection["handle"], used: given.used });
      }
    });
    process.on("disconnect", () => {
      this.#leaves();
      this.#released.reject(new Fault("BOOT", "the supervisor that was to be replaced has ended first"));
    });
  }

  /** Who started us to take its place, or undefined. Takes its variable out of `env`. */
  static find(env: Record<string, string | undefined>): Predecessor | undefined {
    const written = env[SUCCESSION_VARIABLE];
    delete env[SUCCESSION_VARIABLE];
    if (written === undefined || process.send === undefined) return undefined;
    return new Predecessor(JSON.parse(written) as PassedSocket[]);
  }

  /** Says that we could serve; resolves when we may. Rejects when it has ended before. */
  async release(): Promise<void> {
    this.#send({ kind: "booted" });
    await this.#released.promise;
  }

  /**
   * Says that we serve; resolves when it leaves its place to us. From now on `gave` is called with each
   * connection that it keeps.
   */
  serving(gave: (pool: string, connection: GivenConnection) => void): Promise<void> {
    this.#gave = gave;
    this.#send({ kind: "serving" });
    return this.#left.promise;
  }

  /** It may yet go on without us: what it has bound is still its own. */
  get stays(): boolean {
    return this.#stays;
  }

  /** Nothing more is to be said: its channel does not keep this process any longer. */
  letGo(): void {
    if (process.connected) process.disconnect?.();
  }

  #leaves(): void {
    this.#stays = false;
    this.#left.resolve();
  }

  #send(message: FromSuccessor): void {
    if (process.connected) process.send?.(message);
  }
}
