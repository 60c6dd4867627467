// One supervisor takes the place of another without a socket being closed: the new one boots its pools
// beside the old ones, the old one lets go of the control socket, the new one listens, and the old one's
// pools drain and hand their connections over. Both ends of that are here, in order.

import type { Clock } from "../base/clock.ts";
import { Fault, toFaultData } from "../base/fault.ts";
import type { PassedSocket } from "../messages/succession.ts";
import type { Log } from "../telemetry/log.ts";
import type { Notifier } from "./notify.ts";
import type { Predecessor } from "./predecessor.ts";
import { Successor } from "./successor.ts";
import type { Supervisor } from "./supervisor.ts";

/** What the start of the program takes besides the boot of its pools, ms. */
const START_MARGIN_MS = 15_000;

export interface SuccessionOptions {
  readonly supervisor: Supervisor;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly sockets: () => readonly PassedSocket[];
  /** Resolves when no reload runs. */
  readonly idle: () => Promise<void>;
  /** Frees the control socket. */
  readonly letGo: () => void;
  /** Listens on it again. */
  readonly takeBack: () => Promise<void>;
}

export class Succession {
  readonly #options: SuccessionOptions;
  /** Process 1 has started us and hears nothing of MAINPID: an init of a container ends when we do. */
  readonly #endsWithUs: boolean;
  #running: Promise<void> | undefined;
  /** The part of `#running` for which nothing else may change. */
  #changing: Promise<void> | undefined;
  #isOver = false;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#endsWithUs = process.ppid === 1 && options.notifier.variables.NOTIFY_SOCKET === undefined;
  }

  /** Another supervisor serves in our place. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Resolves when none is under way: meanwhile nothing may be bound or started here that the successor
   * binds and starts as well. Throws BOOT when another supervisor has taken over.
   */
  async settled(): Promise<void> {
    await this.#changing?.catch(() => {}); // Whoever asked for it is told.
    if (this.#isOver) {
      throw new Fault("BOOT", "another supervisor has taken over", {
        hint: "ask again: it answers at the same socket",
      });
    }
  }

  /** Starts a successor, and resolves when it serves. Rejects with BOOT or USAGE; then nothing has changed. */
  begin(): Promise<void> {
    this.#running ??= this.#begin().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Our own beginning after `predecessor`: waits until it lets us listen, and takes its connections. */
  async follow(predecessor: Predecessor, listenForControl: () => Promise<void>): Promise<void> {
    const { supervisor } = this.#options;
    await Promise.race([supervisor.booted, supervisor.ready]);
    await predecessor.release();
    await listenForControl();
    supervisor.release();
    await supervisor.ready;
    await predecessor.serving((pool, connection) => supervisor.adopt(pool, connection));
  }

  async #begin(): Promise<void> {
    const { supervisor, idle } = this.#options;
    const isFirst = process.pid === 1;
    if (isFirst || this.#endsWithUs) {
      const who = isFirst ? "process 1" : "what process 1 has started";
      throw new Fault("USAGE", `${who} cannot be replaced: when it leaves, the container ends`, {
        hint: "reload for new code; for a new version of Holdfast start another container",
      });
    }
    await supervisor.ready;
    await idle();
    supervisor.mustNotEnd();
    this.#changing = this.#replace().finally(() => {
      this.#changing = undefined;
    });
    await this.#changing;
  }

  async #replace(): Promise<void> {
    const { supervisor, notifier, clock, log, sockets } = this.#options;
    log.info("starting the supervisor that is to take over");
    notifier.reloading();
    const bootTimeoutMs = supervisor.longestStartMs + START_MARGIN_MS;
    notifier.extend(bootTimeoutMs);
    let successor: Successor;
    try {
      successor = new Successor({ sockets: sockets(), variables: notifier.variables, bootTimeoutMs, clock });
      await this.#change(successor);
    } catch (error) {
      const { code, message, hint } = toFaultData(error, "BOOT");
      log.error("this supervisor stays", { code, message, hint });
      supervisor.tellReady();
      throw error;
    }
    log.info("another supervisor serves", { pid: successor.pid });
    this.#isOver = true;
    successor.leavePlace();
    // The manager believes only the main process: that the reload is over must be said before.
    supervisor.tellReady();
    notifier.mainPid(successor.pid);
    supervisor.succeededBy((pool) => successor.taker(pool));
  }

  /** On failure the successor has gone, and the control socket is ours again. */
  async #change(successor: Successor): Promise<void> {
    const { supervisor, letGo, takeBack } = this.#options;
    let isLetGo = false;
    try {
      await Promise.race([successor.booted, supervisor.ending]);
      supervisor.mustNotEnd();
      isLetGo = true;
      letGo();
      await successor.takeOver();
      // Who was told to stop meanwhile meant both.
      supervisor.mustNotEnd();
    } catch (error) {
      // First, because until then it may listen on the control socket.
      await successor.giveUp();
      if (isLetGo && !supervisor.ends) await takeBack();
      throw error;
    }
  }
}
