// The supervisor that takes our place: the same program, from the files as they are now, as a child
// that inherits the bound sockets. Until it says that it serves, nothing here changes.

import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import {
  type FromSuccessor,
  type PassedSocket,
  SUCCESSION_VARIABLE,
  type ToSuccessor,
} from "../messages/succession.ts";
import { Adoptions } from "./adoptions.ts";
import type { Taker } from "./handover.ts";

/** The first descriptor after stdio and the IPC channel. */
const FIRST_SOCKET_FD = 4;
/** A successor that is told to take over only has to listen: it does so within this, ms. */
const TAKE_OVER_MS = 15_000;
/** One that is given up leaves within this; asked again, within as much more, ms. */
const LEAVE_MS = 5000;

export interface SuccessorOptions {
  /** Our sockets, by our descriptors. */
  readonly sockets: readonly PassedSocket[];
  /** Added to our environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** For all its pools to boot, ms. */
  readonly bootTimeoutMs: number;
  readonly clock: Clock;
}

export class Successor {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #booted = Promise.withResolvers<void>();
  readonly #serving = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #adoptions: Adoptions;
  /** By pool. */
  readonly #takers = new Map<string, Taker>();
  #cancelDeadline: () => void;

  constructor({ sockets, variables, bootTimeoutMs, clock }: SuccessorOptions) {
    this.#clock = clock;
    const passed: readonly PassedSocket[] = sockets.map((socket, index) => ({
      ...socket,
      fd: FIRST_SOCKET_FD + index,
    }));
    this.#child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ["inherit", "inherit", "inherit", "ipc", ...sockets.map(({ fd }) => fd)],
      env: { ...process.env, ...variables, [SUCCESSION_VARIABLE]: JSON.stringify(passed) },
    });
    this.#adoptions = new Adoptions(this.#child);
    this.#child.on("message", (message) => {
      if ((message as FromSuccessor).kind === "booted") this.#booted.resolve();
      else this.#serving.resolve();
    });
    this.#child.on("error", (error) => {
      // Also emitted when a signal cannot be sent.
      if (this.#child.pid === undefined) this.#ended(`cannot be started: ${error.message}`);
    });
    this.#child.on("exit", (code, signal) => this.#ended(`has ended (${signal ?? `exit code ${code}`})`));
    this.#cancelDeadline = this.#within(bootTimeoutMs, "has not booted in time");
    for (const promise of [this.#booted.promise, this.#serving.promise]) promise.catch(() => {}); // Whoever awaits it is told.
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it could serve. Rejects with BOOT; what it had to say is in its own output. */
  get booted(): Promise<void> {
    return this.#booted.promise;
  }

  /** Lets it listen; resolves when it does. Rejects with BOOT. */
  async takeOver(): Promise<void> {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#within(TAKE_OVER_MS, "does not serve");
    this.#send({ kind: "take-over" });
    await this.#serving.promise;
    this.#cancelDeadline();
  }

  /** Leaves our place to it, sockets and all: it serves. */
  leavePlace(): void {
    this.#send({ kind: "yours" });
  }

  /** The pool of that name in the successor; the same one each time. */
  taker(pool: string): Taker {
    const known = this.#takers.get(pool);
    if (known !== undefined) return known;
    const taker: Taker = {
      adopt: (connection) =>
        this.#adoptions.send({ kind: "connection", pool, used: connection.used } satisfies ToSuccessor, connection),
    };
    this.#takers.set(pool, taker);
    return taker;
  }

  /** Ends it: it is not to take over after all. Resolves when it has gone. */
  async giveUp(): Promise<void> {
    this.#cancelDeadline();
    let cancel = (): void => {};
    // The second TERM means "at once", so that it takes its pools along; KILL would leave them behind.
    const end = ([signal, ...more]: readonly NodeJS.Signals[]): void => {
      if (signal === undefined) return;
      this.#child.kill(signal);
      cancel = this.#clock.at(this.#clock.now() + LEAVE_MS, () => end(more));
    };
    end(["SIGTERM", "SIGTERM", "SIGKILL"]);
    await this.#gone.promise;
    cancel();
  }

  #send(message: ToSuccessor): void {
    // A closed channel means that it has ended, and its exit tells that.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #within(ms: number, what: string): () => void {
    return this.#clock.at(this.#clock.now() + ms, () => this.#failed(what));
  }

  #ended(what: string): void {
    this.#failed(what);
    this.#gone.resolve();
    this.#adoptions.lost();
  }

  #failed(what: string): void {
    this.#cancelDeadline();
    const fault = new Fault("BOOT", `the new supervisor ${what}`, { hint: "its output says why; this one serves on" });
    this.#booted.reject(fault);
    this.#serving.reject(fault);
  }
}
