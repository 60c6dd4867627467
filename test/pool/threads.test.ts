// Workers as real threads: how each life ends, and what it leaves behind.

import { readBatch } from "../../src/messages/batch.ts";
import { ESCAPED_TOLD_MAX, FROM_WORKER, TO_WORKER, type WorkerBoot } from "../../src/messages/lane.ts";
import type { OutputReader } from "../../src/messages/output-ring.ts";
import type { Seat } from "../../src/pool/lane.ts";
import { Threads } from "../../src/pool/threads.ts";
import { eventually } from "../support/eventually.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";
import { tempDirs } from "../support/temp-dir.ts";

const APP = "export default () => new Response();";

interface Started {
  readonly seat: Seat;
  readonly said: number[];
  /** What the app wrote to the log, and why it did not boot. */
  readonly lines: string[];
  /** "alive" until it ends. */
  end(): string;
}

describe("a worker thread", () => {
  const dirs = tempDirs();
  let threads: Threads;
  const errors: unknown[] = [];
  let workers = 0;
  const readers = new Map<number, OutputReader>();

  const open = (maxThreads = 4): void => {
    errors.length = 0;
    threads = new Threads({
      maxThreads,
      memoryLimitBytes: 32 * 1024 * 1024,
      onError: (error) => errors.push(error),
      output: (worker, reader) => {
        readers.set(worker, reader);
        return () => {};
      },
    });
  };

  afterEach(() => threads.close());

  const start = (app: string): Started => {
    const boot: WorkerBoot = {
      worker: ++workers,
      generation: 1,
      pool: "test",
      app: dirs().write("app.ts", app),
      root: undefined,
      kind: "auto",
      mount: "",
      index: [],
      serveStatic: false,
      showErrors: false,
      bodyLimitBytes: 1024,
      disposeTimeoutMs: 5000,
      cookieSecrets: [],
      form: FORM_LIMITS,
      logLimitBytes: 16 * 1024,
      cacheDir: undefined,
    };
    const said: number[] = [];
    const lines: string[] = [];
    let end = "alive";
    const seat = threads.start(boot, 4, (batch) => {
      readBatch(batch, (kind, _slot, from, to) => {
        said.push(kind);
        if (kind === FROM_WORKER.BOOT_FAILED) lines.push(batch.toString("utf8", from, to));
      });
    });
    seat.life.then(
      () => {
        end = "drained";
      },
      (error: Error) => {
        end = error.message;
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
    await eventually(() => started.said.includes(FROM_WORKER.READY));
    return started;
  };

  const drain = ({ seat }: Started): void => {
    seat.lane.writer.word(TO_WORKER.DRAIN, 0, 1000);
    seat.lane.post();
  };

  const ended = (started: Started, withinMs = 1000): Promise<string> =>
    eventually(() => started.end() !== "alive" && started.end(), withinMs);

  it("is weighed from outside, also while it computes: its heap and its buffers", async () => {
    open(1);
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
    open(1);
    const first = await ready(APP);
    drain(first);
    expect(await ended(first)).toBe("drained");
    expect(first.said.at(-1)).toBe(FROM_WORKER.DRAINED);
    expect(threads.alive).toBe(0);
  });

  it("leaves no memory behind that piles up while workers are recycled", async () => {
    open(4);
    const held = (): number => process.memoryUsage().arrayBuffers / 1024 / 1024;
    const before = held();
    let most = 0;
    for (let round = 0; round < 12; round++) {
      const some = await Promise.all([1, 2, 3].map(() => ready(APP)));
      for (const each of some) drain(each);
      await Promise.all(some.map((each) => ended(each)));
      readers.clear();
      most = Math.max(most, held() - before);
    }
    // A worker's lane takes 1.3 MiB; 36 of them took 46.
    expect(most).toBeLessThan(24);
  });

  it("always begins with fresh modules and globals, whatever ended the one before", async () => {
    open(1);
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
    open();
    const other = await ready(APP);
    const started = await ready(`setTimeout(() => process.exit(3), 50); ${APP}`);
    expect(await ended(started)).toContain("3");
    expect([other.end(), threads.alive]).toEqual(["alive", 1]);
  });

  it("whose app throws while it loads says so, and stays to be ended", async () => {
    open();
    const started = start(`throw new Error("no database");`);
    await eventually(() => started.said.includes(FROM_WORKER.BOOT_FAILED));
    expect(started.lines.at(-1)).toContain("no database");
    started.seat.terminate();
    expect(await ended(started)).not.toBe("drained");
    expect(threads.alive).toBe(0);
  });

  it("that passes its memory limit rejects its life; the other lives on", async () => {
    open();
    const other = await ready(APP);
    const started = await ready(
      `setTimeout(() => { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())); }, 50); ${APP}`,
    );
    expect(await ended(started, 15_000)).toContain("memory limit");
    expect(other.end()).toBe("alive");
  }, 20_000);

  it("in an endless loop is ended by terminate within a second; the other lives on", async () => {
    open();
    const other = await ready(APP);
    const started = await ready(`setTimeout(() => { for (;;) {} }, 50); ${APP}`);
    started.seat.lane.writer.word(TO_WORKER.CREDIT, 0, 0);
    started.seat.lane.post();
    started.seat.terminate();
    expect(await ended(started)).not.toBe("drained");
    expect([other.end(), threads.alive]).toEqual(["alive", 1]);
  });

  it("that is terminated before it is born never serves", async () => {
    open();
    const started = start(APP);
    started.seat.terminate();
    expect(await ended(started, 5000)).not.toBe("drained");
    expect([started.said.includes(FROM_WORKER.READY), threads.alive]).toEqual([false, 0]);
  });

  it("waits for a place, and leaves none behind when it is ended while it waits", async () => {
    open(1);
    const first = await ready(APP);
    const [second, third] = [start(APP), start(APP)];
    second.seat.terminate();
    expect(await ended(second)).toContain("before its thread began");
    drain(first);
    await eventually(() => third.said.includes(FROM_WORKER.READY));
    expect([first.end(), threads.alive, threads.queued]).toEqual(["drained", 1, 0]);
  });

  it("whose errors escape without end tells of the first of them only", async () => {
    open();
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
    open();
    const started = start(
      `export default { init(ctx) { ctx.log.info("last words"); setImmediate(() => setImmediate(() => process.exit(1))); }, fetch: () => new Response() };`,
    );
    await ended(started, 5000);
    expect(started.lines.some((line) => line.includes("last words"))).toBe(true);
    expect(errors).toEqual([]);
  });
});
