// What is said to a pool process, and asked of it, over its IPC channel. A process that leaves lets go of the
// channel: what was said then is lost, what was asked is answered with undefined.

import type { ChildProcess } from "node:child_process";
import type { Clock } from "../base/clock.ts";
import type { EstateAddress, FromPool, PoolStatus, ToPool } from "../messages/lifecycle.ts";
import { Adoptions } from "./adoptions.ts";
import type { GivenConnection } from "./handover.ts";
import { Questions } from "./questions.ts";

/** A process says within this where what it leaves is to be had, ms. */
const BEQUEST_MS = 1000;

export class PoolChannel {
  readonly #child: Pick<ChildProcess, "connected" | "send">;
  readonly #clock: Clock;
  readonly #adoptions: Adoptions;
  readonly #questions: Questions;
  #closed = false;

  constructor(child: Pick<ChildProcess, "connected" | "send">, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    this.#adoptions = new Adoptions(child);
    this.#questions = new Questions(clock);
  }

  send(message: ToPool): void {
    // A closed channel means that the process is leaving: its exit tells the rest.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Gives it a connection. False: it will not get it, and the caller still owns it. */
  give(connection: GivenConnection): Promise<boolean> {
    return this.#adoptions.send({ kind: "connection", used: connection.used } satisfies ToPool, connection);
  }

  /** Resolves with the milliseconds until its main thread answered; undefined: it did not. */
  async ping(withinMs: number): Promise<number | undefined> {
    const from = this.#clock.now();
    const answer = await this.#ask((id) => ({ kind: "ping", id }), withinMs);
    return answer === undefined ? undefined : this.#clock.now() - from;
  }

  async status(withinMs: number): Promise<PoolStatus | undefined> {
    const answer = await this.#ask((id) => ({ kind: "status", id }), withinMs);
    return answer?.kind === "status" ? answer.status : undefined;
  }

  /** Where what it leaves is to be had. */
  async bequest(): Promise<EstateAddress | undefined> {
    const answer = await this.#ask((id) => ({ kind: "bequeath", id }), BEQUEST_MS);
    return answer?.kind === "bequest" ? answer.estate : undefined;
  }

  /** It has answered a question. */
  answered(answer: Extract<FromPool, { readonly id: number }>): void {
    this.#questions.answered(answer.id, answer);
  }

  /** The process is gone: nobody answers any more, and nothing arrives. */
  close(): void {
    this.#closed = true;
    this.#questions.close();
    this.#adoptions.lost();
  }

  #ask(question: (id: number) => ToPool, withinMs: number): Promise<FromPool | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return this.#questions.ask((id) => this.send(question(id)), withinMs);
  }
}
