// What every source of workers keeps, whatever a worker is: how each life ends, and what it leaves behind.

import { readBatch } from "../../src/messages/batch.ts";
import { ESCAPED_TOLD_MAX, FROM_WORKER, TO_WORKER } from "../../src/messages/lane.ts";
import type { OutputSource } from "../../src/messages/output-ring.ts";
import { describeDeath } from "../../src/pool/death.ts";
import type { Seat, WorkerSource } from "../../src/pool/lane.ts";
import { eventually } from "../support/eventually.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { workerBoot } from "../support/worker-boot.ts";

export const APP = "export default () => new Response();";

export interface Started {
  readonly seat: Seat;
  readonly said: number[];
  /** What the app wrote to the log, and why it did not boot. */
  readonly lines: string[];
  /** "alive" until it ends. */
  end(): string;
}

/** What makes a source for a test; `output` is the source's option. */
export type MakeSource<S extends WorkerSource> = (output: (worker: number, source: OutputSource) => () => void) => S;

export interface SourceTools<S> {
  readonly source: S;
  start(app: string): Started;
  ready(app: string): Promise<Started>;
  drain(started: Started): void;
  ended(started: Started, withinMs?: number): Promise<string>;
}

/** Call it in a `describe`: the returned function makes a source that is closed after each test. */
export function sources<S extends WorkerSource>(make: MakeSource<S>): () => SourceTools<S> {
  const dirs = tempDirs();
  const open: WorkerSource[] = [];
  let workers = 0;

  afterEach(async () => {
    for (const source of open.splice(0)) {
      await source.close();
      await eventually(() => source.alive === 0);
    }
  });

  return () => {
    const readers = new Map<number, OutputSource>();
    const source = make((worker, reader) => {
      readers.set(worker, reader);
      return () => readers.delete(worker);
    });
    open.push(source);

    const start = (app: string): Started => {
      const boot = workerBoot({
        worker: ++workers,
        pool: "test",
        app: dirs().write("app.ts", app),
        index: [],
        bodyLimitBytes: 1024,
        logLimitBytes: 16 * 1024,
      });
      const said: number[] = [];
      const lines: string[] = [];
      let end = "alive";
      const seat = source.start(boot, 4, (batch) => {
        readBatch(batch, (kind, _slot, from, to) => {
          said.push(kind);
          if (kind === FROM_WORKER.BOOT_FAILED) lines.push(batch.toString("utf8", from, to));
        });
      });
      seat.life.then(
        () => {
          end = "drained";
        },
        (error: unknown) => {
          end = describeDeath(error).message;
        },
      );
      const reader = readers.get(boot.worker);
      return {
        seat,
        said,
        get lines() {
          for (let record = reader?.read(); record !== undefined; record = reader?.read()) {
            lines.push(Buffer.from(record.text).toString("utf8"));
          }
          return lines;
        },
        end: () => end,
      };
    };

    const ready = async (app: string): Promise<Started> => {
      const started = start(app);
      await eventually(() => started.said.includes(FROM_WORKER.READY), 15_000);
      return started;
    };

    const drain = ({ seat }: Started): void => {
      seat.lane.writer.word(TO_WORKER.DRAIN, 0, 1000);
      seat.lane.post();
    };

    const ended = (started: Started, withinMs = 5000): Promise<string> =>
      eventually(() => started.end() !== "alive" && started.end(), withinMs);

    return { source, start, ready, drain, ended };
  };
}

/** Workers may have a heap of 32 MiB. */
export function workerSourceContract<S extends WorkerSource>(make: MakeSource<S>): void {
  const open = sources(make);

  it("is weighed from outside, also while it computes: its heap and its buffers", async () => {
    const { ready, drain, ended } = open();
    const idle = await ready(`globalThis.kept = Buffer.alloc(20 * 1024 * 1024, 1); ${APP}`);
    const bytes = await idle.seat.memory();
    expect(bytes).toBeGreaterThan(20 * 1024 * 1024);
    expect(bytes).toBeLessThan(60 * 1024 * 1024);
    drain(idle);
    await ended(idle);
    expect(await idle.seat.memory()).toBeUndefined();
    const computing = await ready(
      `setInterval(() => { const end = Date.now() + 200; while (Date.now() < end); }, 1); ${APP}`,
    );
    expect(await computing.seat.memory()).toBeGreaterThan(1024 * 1024);
  });

  it("that has drained resolves its life, and is gone", async () => {
    const { source, ready, drain, ended } = open();
    const first = await ready(APP);
    drain(first);
    expect(await ended(first)).toBe("drained");
    expect(first.said.at(-1)).toBe(FROM_WORKER.DRAINED);
    await eventually(() => source.alive === 0);
  });

  it("always begins with fresh modules and globals, whatever ended the one before", async () => {
    const { ready, drain, ended } = open();
    const app = `globalThis.boots = (globalThis.boots ?? 0) + 1;
      export default { init(ctx) { ctx.log.info("boots " + globalThis.boots); }, fetch: () => new Response() };`;
    for (const end of [drain, ({ seat }: Started) => seat.terminate()]) {
      const started = await ready(app);
      await eventually(() => started.lines.some((line) => line.includes('"boots 1"')));
      end(started);
      await ended(started);
    }
    const last = await ready(app);
    await eventually(() => last.lines.some((line) => line.includes('"boots 1"')));
  });

  it("that calls process.exit rejects its life within a second; the other lives on", async () => {
    const { source, ready, ended } = open();
    const other = await ready(APP);
    const started = await ready(`setTimeout(() => process.exit(3), 50); ${APP}`);
    expect(await ended(started)).toContain("3");
    await eventually(() => source.alive === 1);
    expect(other.end()).toBe("alive");
  });

  it("whose app throws while it loads says so, and stays to be ended", async () => {
    const { source, start, ended } = open();
    const started = start(`throw new Error("no database");`);
    await eventually(() => started.said.includes(FROM_WORKER.BOOT_FAILED));
    expect(started.lines.at(-1)).toContain("no database");
    started.seat.terminate();
    expect(await ended(started)).not.toBe("drained");
    await eventually(() => source.alive === 0);
  });

  it("that passes its memory limit rejects its life; the other lives on", async () => {
    const { ready, ended } = open();
    const other = await ready(APP);
    const started = await ready(
      `setTimeout(() => { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())); }, 50); ${APP}`,
    );
    expect(await ended(started, 15_000)).toContain("memory_limit");
    expect(other.end()).toBe("alive");
  }, 20_000);

  it("in an endless loop is ended by terminate within a second; the other lives on", async () => {
    const { source, ready, ended } = open();
    const other = await ready(APP);
    const started = await ready(`setTimeout(() => { for (;;) {} }, 50); ${APP}`);
    started.seat.lane.writer.word(TO_WORKER.CREDIT, 0, 0);
    started.seat.lane.post();
    started.seat.terminate();
    expect(await ended(started)).not.toBe("drained");
    await eventually(() => source.alive === 1);
    expect(other.end()).toBe("alive");
  });

  it("that is terminated before it is born never serves", async () => {
    const { source, start, ended } = open();
    const started = start(APP);
    started.seat.terminate();
    expect(await ended(started, 5000)).not.toBe("drained");
    await eventually(() => source.alive === 0);
    expect(started.said).not.toContain(FROM_WORKER.READY);
  });

  it("whose errors escape without end tells of the first of them only", async () => {
    const { ready, drain } = open();
    const started = await ready(
      `setTimeout(() => { for (let n = 0; n < 1000; n++) Promise.reject(new Error("again")); }, 50); ${APP}`,
    );
    const told = () => {
      started.seat.lane.collect();
      return started.said.filter((kind) => kind === FROM_WORKER.UNSOUND).length;
    };
    await eventually(() => told() > 0);
    drain(started);
    await eventually(() => started.end() === "drained");
    expect(told()).toBe(ESCAPED_TOLD_MAX);
  });

  it("that dies right after it spoke is heard to the end", async () => {
    const { start, ended } = open();
    const started = start(
      `export default { init(ctx) { ctx.log.info("last words"); setImmediate(() => setImmediate(() => process.exit(1))); }, fetch: () => new Response() };`,
    );
    await ended(started, 5000);
    expect(started.lines.some((line) => line.includes("last words"))).toBe(true);
  });
}
