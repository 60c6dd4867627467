import { BatchWriter, readBatch } from "../../src/messages/batch.ts";
import { FROM_WORKER, TO_WORKER, type WorkerBoot } from "../../src/messages/lane.ts";
import type { Lane, Seat, WorkerSource } from "../../src/pool/lane.ts";

/** A worker that does what the test says. */
export class FakeSeat implements Seat {
  readonly boot: WorkerBoot;
  readonly life: Promise<void>;
  readonly lane: Lane;
  drains = 0;
  terminated = false;
  /** False: its thread does not end when told to. */
  endable = true;
  seesBatches = true;
  /** False: it begins nothing of what it is given. */
  begins = true;
  readonly #onBatch: (batch: Buffer) => void;
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void };

  constructor(boot: WorkerBoot, onBatch: (batch: Buffer) => void) {
    this.boot = boot;
    this.#onBatch = onBatch;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.life = promise;
    this.#settle = { resolve, reject };
    let sent = 0;
    const writer = new BatchWriter();
    this.lane = {
      writer,
      post: (always = false) => {
        if (writer.empty && !always) return false;
        sent++;
        readBatch(Buffer.from(writer.take()), (kind) => {
          if (kind === TO_WORKER.DRAIN) this.drains++;
        });
        return false;
      },
      collect: () => {},
      rest: () => {},
      offer: () => {},
      begun: () => this.begins,
      takeBack: () => false,
      metTakenBack: () => true,
      get sent() {
        return sent;
      },
      hasSeen: () => this.seesBatches,
      awake: false,
      recentMicros: () => 10,
    };
  }

  say(kind: number, value: unknown = {}): void {
    const writer = new BatchWriter();
    writer.json(kind, 0, value);
    this.#onBatch(Buffer.from(writer.take()));
  }

  /** Ends the reply in this slot. */
  end(slot: number): void {
    const writer = new BatchWriter();
    writer.mark(FROM_WORKER.END, slot);
    this.#onBatch(Buffer.from(writer.take()));
  }

  ready(): void {
    this.say(FROM_WORKER.READY, { bootMs: 1 });
  }

  /** The thread ends by itself, having drained. */
  leave(): void {
    this.#settle.resolve();
  }

  die(error: unknown = new Error("died")): void {
    this.#settle.reject(error);
  }

  /** What it says when it is weighed. */
  memoryBytes = 0;

  async memory(): Promise<number | undefined> {
    return this.memoryBytes;
  }

  loopTimes(): undefined {}

  async stack(): Promise<string | undefined> {
    return undefined;
  }

  terminate(): void {
    this.terminated = true;
    if (this.endable) this.die(new Error("terminated"));
  }
}

export class FakeSource implements WorkerSource {
  readonly seats: FakeSeat[] = [];
  readonly alive = 0;

  start(boot: WorkerBoot, _slots: number, onBatch: (batch: Buffer) => void): Seat {
    const seat = new FakeSeat(boot, onBatch);
    this.seats.push(seat);
    return seat;
  }

  async close(): Promise<void> {}
}
