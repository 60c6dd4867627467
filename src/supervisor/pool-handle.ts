// One pool process as the supervisor sees it; the process itself is src/pool/main.ts. Spawns it,
// speaks lifecycle messages with it and reports what becomes of it. Decides nothing: plan.ts does.

import type { ChildProcess } from "node:child_process";
import type { Clock, Instant } from "../base/clock.ts";
import type { FaultData } from "../base/fault.ts";
import type { EstateAddress, FromPool, PoolStatus } from "../messages/lifecycle.ts";
import { causeOfDeath, notStarted, toldToLeave } from "./endings.ts";
import type { GivenConnection } from "./handover.ts";
import type { Life } from "./history.ts";
import type { ProcessState, ProcessView } from "./plan.ts";
import { PoolChannel } from "./pool-channel.ts";
import { configuration, type PoolProcess, spawnPool } from "./pool-process.ts";
import { Unhurried } from "./unhurried.ts";

/** The pool reports its own boot timeout; only when it cannot do we notice, this much later, ms. */
const BOOT_MARGIN_MS = 2000;
/** A pool that may listen does so within this, however busy the machine is, ms. */
const LISTEN_MS = 30_000;
/** What a process has said before it ended is read within this, ms. */
const LAST_WORDS_MS = 1000;
/** A pool that said why it failed, or let go of its channel, leaves by itself within this, ms. */
const LEAVE_MS = 5000;
/** The pool is to be done this much before it would be killed, at most, ms. */
const DRAIN_MARGIN_MS = 500;

export interface PoolHandleOptions extends PoolProcess {
  readonly id: number;
  readonly clock: Clock;
  /** Called once, when it serves. */
  readonly ready: (handle: PoolHandle) => void;
  /** Called once, when it asks to be replaced. */
  readonly outgoing: (handle: PoolHandle, reason: string) => void;
  /** It has given a connection away; whoever is called owns it now. undefined: it did not arrive, and is closed. */
  readonly gave: (connection: GivenConnection | undefined) => void;
  /** It serves with less of the processor than it should have. */
  readonly held: (reason: string) => void;
  /** Called after every change of the view. */
  readonly changed: () => void;
}

export class PoolHandle {
  readonly #options: PoolHandleOptions;
  readonly #child: ChildProcess;
  readonly spawnedAt: Instant;
  #state: ProcessState = "starting";
  #deadline: Instant;
  #asked = false;
  #killed = false;
  #outgoing = false;
  #proven = false;
  #handsOver = false;
  #bequeaths = false;
  #readyAt: Instant | undefined;
  #goneAt: Instant | undefined;
  #workers = 0;
  #fault: FaultData | undefined;
  #unhurried: Unhurried | undefined;
  #ending = "";
  readonly #channel: PoolChannel;

  constructor(options: PoolHandleOptions) {
    this.#options = options;
    this.spawnedAt = options.clock.now();
    this.#deadline = this.spawnedAt + options.pool.bootTimeoutMs + BOOT_MARGIN_MS;
    this.#child = spawnPool(options);
    this.#channel = new PoolChannel(this.#child, options.clock);
    const { pid } = this.#child;
    if (options.replaces && pid !== undefined) {
      this.#unhurried = new Unhurried({ pid, clock: options.clock, failed: options.held });
    }
    this.#child.on("message", (message, handle) => this.#receive(message as FromPool, handle));
    // Without its channel it cannot be asked for anything: it is on its way out, or it is stuck.
    this.#child.on("disconnect", () => this.#mustLeave());
    this.#child.on("exit", (code, signal) => this.#exited(signal ?? `exit code ${code}`));
    this.#child.on("error", (error) => {
      // Also emitted when a signal cannot be sent; only without a process does it end this life.
      if (this.#child.pid === undefined) this.#gone(notStarted(options.pool, error));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Worker threads that were ready when the process was. */
  get workers(): number {
    return this.#workers;
  }

  get view(): ProcessView {
    const { id, pool, generation } = this.#options;
    return {
      id,
      pool: pool.name,
      generation,
      state: this.#state,
      deadline: this.#deadline,
      killed: this.#killed,
      outgoing: this.#outgoing,
      handsOver: this.#handsOver,
    };
  }

  /** How it ended; undefined while it has not. */
  get life(): Life | undefined {
    if (this.#goneAt === undefined) return undefined;
    return {
      readyAt: this.#readyAt,
      goneAt: this.#goneAt,
      proven: this.#proven,
      asked: this.#asked,
      fault: this.#fault,
    };
  }

  /** "SIGKILL", "exit code 1"; empty while it runs. */
  get ending(): string {
    return this.#ending;
  }

  /** Lets it listen, once it has booted, with what `former`, whose place it takes, leaves it. */
  serve(former: PoolHandle | undefined): void {
    this.#deadline = this.#options.clock.now() + LISTEN_MS;
    if (former === undefined) this.#channel.send({ kind: "serve" });
    else void former.#bequeath().then((estate) => this.#channel.send({ kind: "serve", ...estate }));
    this.#change("opening");
  }

  /** It has something to leave, and nobody has it yet. */
  get bequeaths(): boolean {
    return this.#bequeaths;
  }

  /** To one process only: others begin with nothing. */
  async #bequeath(): Promise<{ readonly estate?: EstateAddress }> {
    this.#bequeaths = false;
    const estate = await this.#channel.bequest();
    return estate === undefined ? {} : { estate };
  }

  /** Asks it to finish what is open and to leave by `by`; again with an earlier time to hurry it, or to change the way. */
  drain(by: Instant, handOver: boolean): void {
    const left = Math.max(0, by - this.#options.clock.now());
    this.#asked = true;
    this.#handsOver = handOver;
    this.#deadline = by;
    this.#channel.send({ kind: "drain", withinMs: Math.round(left - Math.min(DRAIN_MARGIN_MS, left / 10)), handOver });
    this.#change("draining");
  }

  /** Lets go of pages that wait for a change. */
  releasePages(): void {
    this.#channel.send({ kind: "release-pages" });
  }

  /** Gives it a connection. False: it will not get it, and the caller still owns it. */
  adopt(connection: GivenConnection): Promise<boolean> {
    if (this.#state !== "ready") return Promise.resolve(false);
    return this.#channel.give(connection);
  }

  kill(): void {
    this.#killed = true;
    this.#child.kill("SIGKILL");
  }

  /** Resolves with the milliseconds until its main thread answered; undefined: it did not. */
  ping(withinMs: number): Promise<number | undefined> {
    return this.#channel.ping(withinMs);
  }

  status(withinMs: number): Promise<PoolStatus | undefined> {
    return this.#channel.status(withinMs);
  }

  #receive(message: FromPool, handle: unknown): void {
    switch (message.kind) {
      case "hello":
        // A process that is to leave again is not given work first.
        if (this.#state === "starting") this.#channel.send(configuration(this.#options));
        return;
      case "booted":
        if (this.#state !== "starting") return;
        this.#workers = message.workers;
        this.#unhurried?.end();
        this.#deadline = Number.POSITIVE_INFINITY;
        this.#change("booted");
        return;
      case "ready":
        if (this.#state !== "opening") return;
        this.#readyAt = this.#options.clock.now();
        this.#deadline = Number.POSITIVE_INFINITY;
        this.#state = "ready";
        this.#bequeaths = message.bequeaths === true;
        this.#options.ready(this);
        this.#options.changed();
        return;
      case "proven":
        this.#proven = true;
        return;
      case "boot-failed":
        this.#fault = message.fault;
        this.#mustLeave();
        return;
      case "draining":
        this.#leaves(message.withinMs);
        return;
      case "replace-me":
        if (this.#outgoing) return;
        this.#outgoing = true;
        this.#options.outgoing(this, message.reason);
        this.#options.changed();
        return;
      case "connection":
        this.#gave(handle as GivenConnection["handle"] | undefined, message.used);
        return;
      case "bequest":
      case "status":
      case "pong":
        this.#channel.answered(message);
        return;
    }
  }

  #gave(handle: GivenConnection["handle"] | undefined, used: boolean): void {
    const settled = (): void => this.#channel.send({ kind: "given" });
    if (handle === undefined) settled();
    this.#options.gave(handle === undefined ? undefined : { handle, used, settled });
  }

  /** A signal told it to: it serves no more, and for the pool's health it is one that was lost. */
  #leaves(withinMs: number): void {
    if (this.#state === "draining" || this.#state === "gone") return;
    const { pool, clock } = this.#options;
    this.#fault ??= toldToLeave(pool, this.pid);
    this.#deadline = clock.now() + withinMs + DRAIN_MARGIN_MS;
    this.#change("draining");
  }

  #mustLeave(): void {
    this.#deadline = Math.min(this.#deadline, this.#options.clock.now() + LEAVE_MS);
    this.#options.changed();
  }

  /** It is gone when what it has said last is heard as well. */
  #exited(ending: string): void {
    const { clock } = this.#options;
    this.#unhurried?.forget();
    const cancel = clock.at(clock.now() + LAST_WORDS_MS, () => this.#gone(ending));
    const heard = (): void => {
      cancel();
      this.#gone(ending);
    };
    if (this.#child.connected) this.#child.once("disconnect", heard);
    else heard();
  }

  #gone(ending: string): void {
    if (this.#state === "gone") return;
    this.#goneAt = this.#options.clock.now();
    this.#ending = ending;
    if (!this.#asked) this.#fault ??= this.#causeOfDeath();
    this.#channel.close();
    this.#change("gone");
  }

  #causeOfDeath(): FaultData {
    const { pool } = this.#options;
    const wasReady = this.#readyAt !== undefined;
    return causeOfDeath({ pool, pid: this.pid, ending: this.#ending, wasReady, killed: this.#killed });
  }

  #change(state: ProcessState): void {
    this.#state = state;
    this.#options.changed();
  }
}
