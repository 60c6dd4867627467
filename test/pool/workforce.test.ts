import { Fault } from "../../src/base/fault.ts";
import { FROM_WORKER } from "../../src/messages/lane.ts";
import { Dispatcher } from "../../src/pool/dispatcher.ts";
import type { WorkerHandle } from "../../src/pool/worker-handle.ts";
import { ESCAPED_LOGGED_MAX, SETTLED_MS, Workforce } from "../../src/pool/workforce.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { makeExchange } from "../support/fake-exchange-pool.ts";
import { FakeSource } from "../support/fake-source.ts";

const BOOT_FAULT = {
  code: "BOOT",
  message: "the app threw",
  stack: "Error: the app threw\n    at app.ts:3:1",
} as const;

function setUp(wanted = 2) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const said: string[] = [];
  const dispatcher = new Dispatcher<WorkerHandle>({
    queueMax: 10,
    queueTimeoutMs: 45_000,
    requestTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    stallTimeoutMs: 60_000,
    clock,
  });
  const workforce = new Workforce({
    wanted,
    concurrency: 4,
    requestTimeoutMs: 60_000,
    graceMs: 2000,
    bootTimeoutMs: 10_000,
    disposeTimeoutMs: 5000,
    clock,
    source,
    dispatcher,
    random: () => 1,
    boot: (worker, generation) => ({
      worker,
      generation,
      pool: "test",
      app: "/app.ts",
      root: undefined,
      kind: "auto",
      mount: "",
      index: [],
      serveStatic: false,
      showErrors: false,
      bodyLimitBytes: 1,
      disposeTimeoutMs: 5000,
      cacheDir: undefined,
    }),
    events: {
      stirred: () => {},
      log: (_worker, { message }) => said.push(`log ${message}`),
      loaded: () => {},
      handlerFailed: () => {},
      notice: (message) => said.push(message),
      unendable: (worker) => said.push(`unendable ${worker.id}`),
      lost: (worker, fault, exchanges) => said.push(`lost ${worker.id} with ${exchanges}: ${fault.message}`),
      bootFailed: (fault) => said.push(`boot failed: ${fault.message}`),
    },
  });
  const serving = () => dispatcher.workers.map((worker) => `${worker.id}/${worker.generation}`);
  const started = async () => {
    const start = workforce.start();
    for (const seat of source.seats) seat.ready();
    await start;
  };
  return { clock, source, dispatcher, workforce, said, serving, started };
}

/** Lets promises that are settled by now run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the first generation of workers", () => {
  it("serves only when every worker is ready", async () => {
    const { source, workforce, serving } = setUp();
    const start = workforce.start();
    source.seats[0]?.ready();
    await settled();
    expect(serving()).toEqual([]);
    source.seats[1]?.ready();
    await start;
    expect(serving()).toEqual(["1/1", "2/1"]);
  });

  it("reports a boot failure with its stack, and leaves no worker behind", async () => {
    const { source, workforce } = setUp();
    const start = workforce.start();
    source.seats[0]?.ready();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await expect(start).rejects.toMatchObject({ code: "BOOT", message: "the app threw", stack: BOOT_FAULT.stack });
    expect(source.seats.map((seat) => seat.terminated)).toEqual([true, true]);
    expect(workforce.workers).toEqual([]);
  });

  it("reports a boot that hangs, after boot_timeout", async () => {
    const { clock, source, workforce } = setUp(1);
    const start = workforce.start();
    clock.advance(10_000);
    await expect(start).rejects.toMatchObject({ code: "BOOT", message: expect.stringContaining("boot_timeout") });
    expect(source.seats[0]?.terminated).toBe(true);
  });

  it("reports a thread that dies while it boots", async () => {
    const { source, workforce } = setUp(1);
    const start = workforce.start();
    source.seats[0]?.die(new Error("exit 3"));
    await expect(start).rejects.toMatchObject({ code: "BOOT", message: expect.stringContaining("exit 3") });
  });
});

describe("a worker that dies", () => {
  it("is replaced at once", async () => {
    const { clock, source, serving, said, started } = setUp();
    await started();
    clock.advance(SETTLED_MS);
    source.seats[0]?.die(new Error("boom"));
    await settled();
    expect(serving()).toEqual(["2/1"]);
    expect(source.seats.length).toBe(3);
    source.seats[2]?.ready();
    await settled();
    expect(serving()).toEqual(["2/1", "3/1"]);
    expect(said).toEqual(["lost 1 with 0: the worker ended: boom"]);
  });

  it("costs what it had begun a 502, and nobody else anything", async () => {
    const { clock, source, dispatcher, started } = setUp();
    await started();
    const mine = makeExchange(clock);
    const other = makeExchange(clock);
    dispatcher.workers[0]?.give(mine.exchange);
    dispatcher.workers[1]?.give(other.exchange);
    source.seats[0]?.die();
    await settled();
    expect([mine.peer.calls, other.peer.calls]).toEqual([["refuse 502"], []]);
  });

  it("is replaced with back-off when its successors do not boot", async () => {
    const { clock, source, said, started } = setUp(1);
    await started();
    clock.advance(SETTLED_MS);
    source.seats[0]?.die();
    await settled();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    clock.advance(0);
    expect(source.seats.length).toBe(3);
    source.seats[2]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    clock.advance(499);
    expect(source.seats.length).toBe(3);
    clock.advance(1);
    expect(source.seats.length).toBe(4);
    expect(said.filter((line) => line === "boot failed: the app threw").length).toBe(2);
  });
});

describe("a new generation of workers", () => {
  it("is swapped in when all of it is ready; then the old ones drain", async () => {
    const { source, workforce, serving, started } = setUp();
    await started();
    const swap = workforce.replaceAll();
    await settled();
    source.seats[2]?.ready();
    await settled();
    expect(serving()).toEqual(["1/1", "2/1"]);
    source.seats[3]?.ready();
    await swap;
    expect(serving()).toEqual(["3/2", "4/2"]);
    expect(source.seats.slice(0, 2).map((seat) => seat.drains)).toEqual([1, 1]);
  });

  it("changes nothing when it does not boot", async () => {
    const { source, workforce, serving, started } = setUp();
    await started();
    const swap = workforce.replaceAll();
    await settled();
    source.seats[2]?.ready();
    source.seats[3]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await expect(swap).rejects.toBeInstanceOf(Fault);
    expect(serving()).toEqual(["1/1", "2/1"]);
    expect(workforce.generation).toBe(1);
  });

  it("may be asked for again after one that failed", async () => {
    const { source, workforce, serving, started } = setUp(1);
    await started();
    const first = workforce.replaceAll();
    const second = workforce.replaceAll();
    await settled();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await expect(first).rejects.toBeInstanceOf(Fault);
    await settled();
    source.seats[2]?.ready();
    await second;
    expect(serving()).toEqual(["3/2"]);
  });
});

describe("a worker's deadline", () => {
  it("ends a worker whose loop does not turn within request.grace", async () => {
    const { clock, source, dispatcher, started } = setUp();
    await started();
    const { exchange, peer } = makeExchange(clock);
    dispatcher.workers[0]?.give(exchange);
    dispatcher.submit(exchange);
    exchange.carrier?.overdue();
    exchange.abandon(new Fault("TIMEOUT", "late"), "timeout");
    if (source.seats[0] !== undefined) source.seats[0].seesBatches = false;
    clock.advance(2000);
    await settled();
    expect([peer.calls, source.seats.map((seat) => seat.terminated)]).toEqual([["refuse 504"], [true, false, false]]);
  });

  it("says so when the thread goes on after it was ended: only the process's end helps then", async () => {
    const { clock, source, dispatcher, started, said } = setUp();
    await started();
    const { exchange } = makeExchange(clock);
    dispatcher.workers[0]?.give(exchange);
    exchange.carrier?.overdue();
    exchange.abandon(new Fault("TIMEOUT", "late"), "timeout");
    const [seat] = source.seats;
    if (seat === undefined) throw new Error("no seat");
    seat.seesBatches = false;
    seat.endable = false;
    clock.advance(2000 + 999);
    await settled();
    expect(said).not.toContain("unendable 1");
    clock.advance(1);
    expect(said).toContain("unendable 1");
    seat.die();
    await settled();
  });

  it("leaves one that turns, and recycles it after 8 handlers that went on", async () => {
    const { clock, source, dispatcher, started } = setUp(1);
    await started();
    const worker = dispatcher.workers[0];
    for (let n = 0; n < 8; n++) {
      const { exchange } = makeExchange(clock);
      worker?.give(exchange);
      exchange.carrier?.overdue();
      if (n === 6) {
        clock.advance(2000);
        expect(source.seats.length).toBe(1);
      }
    }
    clock.advance(2000);
    await settled();
    expect([source.seats.length, source.seats[0]?.drains]).toEqual([2, 0]);
    source.seats[1]?.ready();
    await settled();
    expect(source.seats[0]?.drains).toBe(1);
  });
});

describe("an error that escaped its handler", () => {
  it("has the worker replaced first, then drained", async () => {
    const { source, serving, started } = setUp(1);
    await started();
    source.seats[0]?.say(FROM_WORKER.UNSOUND, { code: "HANDLER", message: "late throw" });
    await settled();
    expect(serving()).toEqual(["1/1"]);
    source.seats[1]?.ready();
    await settled();
    expect([serving(), source.seats[0]?.drains]).toEqual([["2/1"], 1]);
  });
});

describe("the number of workers", () => {
  it("is kept when one dies while its team is not complete", async () => {
    const { source, workforce } = setUp(2);
    const start = workforce.start();
    source.seats[0]?.ready();
    await settled();
    source.seats[0]?.die();
    await settled();
    source.seats[1]?.ready();
    await start;
    expect(source.seats.length).toBe(3);
  });

  it("is kept when another dies while one is recycled", async () => {
    const { clock, source, serving, started } = setUp(2);
    await started();
    clock.advance(SETTLED_MS);
    source.seats[0]?.say(FROM_WORKER.UNSOUND, { code: "HANDLER", message: "late throw" });
    await settled();
    source.seats[1]?.die();
    await settled();
    for (const seat of source.seats.slice(2)) seat.ready();
    await settled();
    expect(source.seats.length).toBe(4);
    expect(serving().sort()).toEqual(["3/1", "4/1"]);
  });
});

describe("a worker that is to be recycled", () => {
  it("serves on while its successors do not boot, which is tried again with back-off", async () => {
    const { clock, source, serving, said, started } = setUp(1);
    await started();
    source.seats[0]?.say(FROM_WORKER.UNSOUND, { code: "HANDLER", message: "late throw" });
    await settled();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    expect([serving(), source.seats[0]?.drains]).toEqual([["1/1"], 0]);
    expect(said).toContain("boot failed: the app threw");
    clock.advance(0);
    await settled();
    source.seats[2]?.ready();
    await settled();
    expect([serving(), source.seats[0]?.drains]).toEqual([["3/1"], 1]);
  });

  it("is lost like any other when it dies meanwhile, and has one successor", async () => {
    const { source, serving, said, started } = setUp(1);
    await started();
    source.seats[0]?.say(FROM_WORKER.UNSOUND, { code: "HANDLER", message: "late throw" });
    await settled();
    source.seats[0]?.die(new Error("boom"));
    await settled();
    source.seats[1]?.ready();
    await settled();
    expect([serving(), source.seats.length]).toEqual([["2/1"], 2]);
    expect(said).toContain("lost 1 with 0: the worker ended: boom");
  });
});

describe("back-off", () => {
  it("holds also for workers that die right after they are ready, having served nothing", async () => {
    const { clock, source, started } = setUp(1);
    await started();
    source.seats[0]?.die();
    await settled();
    clock.advance(0);
    source.seats[1]?.ready();
    await settled();
    source.seats[1]?.die();
    await settled();
    clock.advance(499);
    expect(source.seats.length).toBe(2);
    clock.advance(1);
    expect(source.seats.length).toBe(3);
  });

  it("ends with a new generation that boots: who dies after it is replaced at once", async () => {
    const { clock, source, dispatcher, workforce, started } = setUp(1);
    await started();
    source.seats[0]?.die();
    await settled();
    clock.advance(0);
    for (const seat of [1, 2]) {
      source.seats[seat]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
      await settled();
      clock.advance(0);
    }
    const seats = source.seats.length;
    const swap = workforce.replaceAll();
    await settled();
    source.seats[seats]?.ready();
    await swap;
    dispatcher.workers[0]?.give(makeExchange(clock).exchange);
    source.seats[seats]?.die();
    await settled();
    expect(source.seats.length).toBe(seats + 2);
  });
});

describe("workers that still drain", () => {
  it("are ended, oldest first, when their place is needed for a new one", async () => {
    const { source, workforce, started } = setUp(1);
    await started();
    for (const seat of [1, 2, 3]) {
      const swap = workforce.replaceAll();
      await settled();
      source.seats[seat]?.ready();
      await swap;
    }
    expect(source.seats.map((seat) => seat.terminated)).toEqual([true, false, false, false]);
  });
});

describe("the end of all workers", () => {
  it("starts nobody in the place of those that are ended", async () => {
    const { clock, source, workforce, said, started } = setUp(2);
    await started();
    workforce.close();
    for (const seat of source.seats) seat.die();
    await settled();
    clock.advance(100_000);
    expect(source.seats.length).toBe(2);
    expect(said).toEqual([]);
  });
});

describe("errors that escape without end", () => {
  it("are logged 20 times for one worker", async () => {
    const { source, said, started } = setUp(1);
    await started();
    for (let n = 0; n < 100; n++) source.seats[0]?.say(FROM_WORKER.UNSOUND, { code: "HANDLER", message: "again" });
    expect(said.filter((line) => line === "log again").length).toBe(ESCAPED_LOGGED_MAX);
    expect(source.seats.length).toBe(2);
  });
});

describe("the drain of all workers", () => {
  it("does not wait beyond its deadline for those that drained before", async () => {
    const { clock, source, workforce, started } = setUp(1);
    await started();
    const swap = workforce.replaceAll();
    await settled();
    source.seats[1]?.ready();
    await swap;
    const drain = workforce.drain(clock.now() + 1000);
    clock.advance(1000);
    await drain;
    expect(source.seats.map((seat) => seat.terminated)).toEqual([true, true]);
  });

  it("ends when every thread is gone, and ends what is late by force", async () => {
    const { clock, source, workforce, started } = setUp();
    await started();
    const drain = workforce.drain(clock.now() + 1000);
    expect(source.seats.map((seat) => seat.drains)).toEqual([1, 1]);
    source.seats[0]?.leave();
    await settled();
    clock.advance(1000);
    await drain;
    expect(source.seats.map((seat) => seat.terminated)).toEqual([false, true]);
    expect(source.seats.length).toBe(2);
  });
});
