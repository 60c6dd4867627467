// Admission, queue, deadlines, and who gets the next exchange. Knows neither bytes nor threads nor
// timers of its own: the pool calls `turn` once per turn of its loop and `sweep` now and then.
//
// Warmest worker first: workers stand in an order, and the first that keeps turning gets the next
// exchange, because work that is batched on one warm thread costs a fraction of work that is spread
// (docs/decisions/0002-lanes.md). What was given and not begun is taken back from a worker that
// stalls, and given to another: it is never lost, and never run twice.

import type { Clock, Instant } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { LinkedList } from "../base/linked-list.ts";
import type { Exchange } from "./exchange.ts";

/** A worker that has not begun what it was given for this long has stalled. */
export const STALL_MS = 1;
/** A worker that was woken for an exchange begins it within this time, if it gets a core. */
const WAKING_MS = 0.3;
/** How long an exchange may wait for the first byte of its body before a worker begins without it. */
export const BODY_PATIENCE_MS = 50;

/** What the dispatcher needs of a worker. */
export interface DispatchWorker {
  readonly room: number;
  readonly spare: number;
  readonly waitingSince: Instant | undefined;
  /** What it is given now would wait for something long. */
  readonly computing: boolean;
  give(exchange: Exchange): void;
  takeBack(): Exchange[];
  post(): void;
}

export interface DispatcherOptions {
  /** Exchanges that may wait beyond what the workers have room for. */
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A handler that takes longer is noted in the log; 0: none is. */
  readonly slowMs: number;
  /** Longest wait for a byte of a request body that the web server owes. */
  readonly bodyTimeoutMs: number;
  /** Longest wait for the web server to take a byte of the reply. */
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

export class Dispatcher<W extends DispatchWorker = DispatchWorker> {
  readonly #options: DispatcherOptions;
  readonly #clock: Clock;
  #workers: W[] = [];
  #queue: Exchange[] = [];
  /** Everything that is not closed, oldest first. */
  readonly #open = new LinkedList<Exchange>();
  /** Set while nobody serves and nobody will soon. */
  #refusal: Fault | undefined;
  /** Room of the workers that are to come: what waits for them may wait beyond the queue's bound. */
  roomToCome: () => number = () => 0;
  /** Closed while their handlers run: nobody waits for those, but they have their deadline all the same. */
  readonly #late = new Set<Exchange>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Something waits, and there is nobody to give it to. */
  get starved(): boolean {
    return this.#queue.length > 0 && this.#workers.length === 0;
  }

  /** Since when the oldest exchange that nobody has begun waits; undefined: none waits. */
  get waitingSince(): Instant | undefined {
    let oldest = this.#queue[0]?.queuedAt;
    for (const worker of this.#workers) {
      const since = worker.waitingSince;
      if (since !== undefined && (oldest === undefined || since < oldest)) oldest = since;
    }
    return oldest;
  }

  /** Nothing is left that may pass a deadline. */
  get idle(): boolean {
    return this.#open.size === 0 && this.#late.size === 0;
  }

  get workers(): readonly W[] {
    return this.#workers;
  }

  addWorker(worker: W): void {
    this.#workers.push(worker);
  }

  removeWorker(worker: W): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
  }

  /** Fails what waits and what comes, until `accept`. */
  refuse(fault: Fault): void {
    this.#refusal = fault;
    for (const exchange of [...this.#queue]) exchange.fail(fault);
  }

  accept(): void {
    this.#refusal = undefined;
  }

  /** A new exchange: its params are here. */
  submit(exchange: Exchange): void {
    this.#open.add(exchange);
    if (exchange.worthBeginning) this.#admit(exchange);
    else exchange.arriving = true;
  }

  /** Something of an exchange's body came. */
  arrived(exchange: Exchange): void {
    if (!exchange.arriving) return;
    exchange.arriving = false;
    if (!exchange.closed) this.#admit(exchange);
  }

  /** The exchange is closed; if its handler still runs, its deadline holds on. */
  forget(exchange: Exchange): void {
    this.#open.delete(exchange);
    if (exchange.carrier !== undefined && !exchange.overdue) this.#late.add(exchange);
    if (this.#queue.length === 0) return;
    const at = this.#queue.indexOf(exchange);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  /** Puts exchanges that a worker had not begun back, before all others. */
  requeue(exchanges: readonly Exchange[]): void {
    const live = exchanges.filter((exchange) => !exchange.closed);
    if (live.length > 0) this.#queue = [...live, ...this.#queue];
  }

  /** Gives what waits to who has room. Returns when to look again for a stall, if anything may stall. */
  turn(): Instant | undefined {
    if (this.#queue.length > 0) this.#giveOut();
    if (this.#workers.length < 2) return undefined;
    this.#levelOut();
    let watch: Instant | undefined;
    for (const worker of this.#workers) {
      const since = worker.waitingSince;
      if (since !== undefined && (watch === undefined || since < watch)) watch = since;
    }
    return watch === undefined ? undefined : watch + STALL_MS;
  }

  /** Takes back what stalled workers have not begun, if somebody else can begin it. Then as `turn`. */
  unstall(): Instant | undefined {
    const now = this.#clock.now();
    let withRoom = this.#workersWithRoom();
    for (const worker of [...this.#workers]) {
      const since = worker.waitingSince;
      if (since === undefined || now - since < STALL_MS) continue;
      if (!withRoom.some((other) => other !== worker)) continue;
      this.requeue(worker.takeBack());
      // It is no longer the warm one.
      this.#workers = [...this.#workers.filter((other) => other !== worker), worker];
      this.#giveOut();
      withRoom = this.#workersWithRoom();
    }
    const next = this.turn();
    // Nobody can help now: look again, but do not spin.
    return next === undefined ? undefined : Math.max(next, now + STALL_MS);
  }

  /** Ends what has passed a deadline. */
  sweep(): void {
    const now = this.#clock.now();
    const { queueTimeoutMs, requestTimeoutMs, bodyTimeoutMs, stallTimeoutMs } = this.#options;
    for (const exchange of this.#open.values()) {
      if (exchange.arriving && now - exchange.receivedAt >= BODY_PATIENCE_MS) this.arrived(exchange);
      if (exchange.awaitsPeer && now - exchange.progressAt >= stallTimeoutMs) {
        exchange.abandon(
          new Fault("TIMEOUT", `the web server took nothing of the reply for ${stallTimeoutMs} ms`),
          "client-gone",
        );
      } else if (exchange.awaitsBody && now - exchange.progressAt >= bodyTimeoutMs) {
        exchange.abandon(
          new Fault("REQUEST", `nothing of the request body came for ${bodyTimeoutMs} ms`, { status: 408 }),
          "body-broken",
        );
      } else if (exchange.state === "given" || exchange.state === "replying") {
        this.#sweepGiven(exchange, now, queueTimeoutMs, requestTimeoutMs);
      } else if (exchange.state === "queued" && now - exchange.queuedAt >= queueTimeoutMs) {
        exchange.fail(waitedTooLong(queueTimeoutMs));
      }
    }
    for (const exchange of this.#late) this.#sweepLate(exchange, now, requestTimeoutMs);
  }

  /** Ends everything: what a handler has begun with `begun`, what none has with `waiting`. */
  failAll(waiting: Fault, begun: Fault): void {
    for (const exchange of this.#open.values())
      exchange.abandon(exchange.carrier?.begun() ? begun : waiting, "stopping");
  }

  #sweepGiven(exchange: Exchange, now: Instant, queueTimeoutMs: number, requestTimeoutMs: number): void {
    if (!(exchange.carrier?.begun() ?? true)) {
      exchange.waitedUntil = now;
      if (now - exchange.queuedAt >= queueTimeoutMs) exchange.abandon(waitedTooLong(queueTimeoutMs), "timeout");
      return;
    }
    this.#noticeSlow(exchange, now);
    if (!isOverdue(exchange, now, requestTimeoutMs)) return;
    exchange.overdue = true;
    exchange.carrier?.overdue();
    exchange.abandon(
      new Fault("TIMEOUT", `the handler did not finish within request.timeout (${requestTimeoutMs} ms)`),
      "timeout",
    );
  }

  #sweepLate(exchange: Exchange, now: Instant, requestTimeoutMs: number): void {
    const { carrier } = exchange;
    if (carrier !== undefined) {
      this.#noticeSlow(exchange, now);
      if (!isOverdue(exchange, now, requestTimeoutMs)) return;
      exchange.overdue = true;
      carrier.overdue();
      // Said again, so that the worker's loop has something to turn for.
      carrier.abort("timeout");
    }
    this.#late.delete(exchange);
  }

  #noticeSlow(exchange: Exchange, now: Instant): void {
    const { slowMs } = this.#options;
    if (slowMs === 0 || exchange.slow || now - exchange.begunAt < slowMs) return;
    exchange.slow = true;
    exchange.carrier?.slow();
  }

  #admit(exchange: Exchange): void {
    if (this.#refusal !== undefined) {
      exchange.fail(this.#refusal);
      return;
    }
    const { queueMax } = this.#options;
    if (this.#queue.length >= queueMax && this.#queue.length >= queueMax + this.#spare() + this.roomToCome()) {
      exchange.fail(new Fault("OVERLOAD", `the queue is full (queue.max = ${this.#options.queueMax})`));
      return;
    }
    exchange.state = "queued";
    exchange.queuedAt = this.#clock.now();
    this.#queue.push(exchange);
  }

  /** What waits behind one that computes goes to one that does not as soon as there is one. */
  #levelOut(): void {
    const before = this.#clock.now() - WAKING_MS;
    for (const worker of this.#workers) {
      if (!worker.computing || (worker.waitingSince ?? before) >= before) continue;
      if (!this.#workers.some((other) => !other.computing && other.room > 0)) return;
      this.requeue(worker.takeBack());
      this.#giveOut();
    }
  }

  #workersWithRoom(): readonly W[] {
    return this.#workers.filter(({ room }) => room > 0);
  }

  #spare(): number {
    let spare = 0;
    for (const worker of this.#workers) spare += worker.spare;
    return spare;
  }

  #giveOut(): void {
    let next = this.#giveFrom(0, false);
    // Nobody else can begin it now: it waits behind one that computes.
    if (next < this.#queue.length) next = this.#giveFrom(next, true);
    if (next > 0) this.#queue.splice(0, next);
  }

  /** To those that compute, or to those that do not. Returns the place of the first in the queue that nobody got. */
  #giveFrom(first: number, computing: boolean): number {
    let next = first;
    for (const worker of this.#workers) {
      if (worker.computing !== computing) continue;
      for (let room = worker.room; room > 0 && next < this.#queue.length; next++) {
        const exchange = this.#queue[next];
        if (exchange === undefined || exchange.closed) continue;
        worker.give(exchange);
        room--;
      }
      if (next >= this.#queue.length) break;
    }
    return next;
  }
}

function isOverdue(exchange: Exchange, now: Instant, requestTimeoutMs: number): boolean {
  return requestTimeoutMs !== 0 && now - exchange.begunAt >= requestTimeoutMs;
}

function waitedTooLong(queueTimeoutMs: number): Fault {
  return new Fault("OVERLOAD", `no worker was free within queue.timeout (${queueTimeoutMs} ms)`);
}
