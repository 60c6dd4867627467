// Connections on their way to another process, over its IPC channel.

import type { ChildProcess, SendHandle, Serializable } from "node:child_process";
import type { GivenConnection } from "./handover.ts";

export class Adoptions {
  readonly #child: Pick<ChildProcess, "connected" | "send">;
  readonly #underWay = new Set<() => void>();

  constructor(child: Pick<ChildProcess, "connected" | "send">) {
    this.#child = child;
  }

  /** Sends a connection with what is said about it. False: it will not get there, and the caller still owns it. */
  send(message: Serializable, { handle }: GivenConnection): Promise<boolean> {
    if (!this.#child.connected) return Promise.resolve(false);
    return new Promise((resolve) => {
      const lost = (): void => resolve(false);
      this.#underWay.add(lost);
      this.#child.send(message, handle as unknown as SendHandle, {}, (error) => {
        this.#underWay.delete(lost);
        resolve(error === null);
      });
    });
  }

  /** The process has ended: Node calls nobody back for what waited in its channel. */
  lost(): void {
    for (const lost of this.#underWay) lost();
  }
}
