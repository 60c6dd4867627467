import { Fault } from "../../src/base/fault.ts";
import { fixedThreads, type ThreadCount } from "../../src/config/thread-count.ts";
import { FROM_WORKER } from "../../src/messages/lane.ts";
import { LOOK_MS } from "../../src/pool/checkups.ts";
import { Dispatcher } from "../../src/pool/dispatcher.ts";
import { MEMORY_REST_MS, NO_RECYCLING, type RecycleRules } from "../../src/pool/recycling.ts";
import { PRESSURE_MS } from "../../src/pool/sizing.ts";
import type { WorkerHandle } from "../../src/pool/worker-handle.ts";
import { BEGIN_PATIENCE_MS, SPENT_PATIENCE_MS, Workforce } from "../../src/pool/workforce.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { makeExchange } from "../support/fake-exchange-pool.ts";
import { FakeSource } from "../support/fake-source.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";
import { sessionOptions } from "../support/session-options.ts";

const BOOT_FAULT = {
  code: "BOOT",
  message: "the app threw",
  stack: "Error: the app threw\n    at app.ts:3:1",
} as const;

interface SetUp {
  readonly threads?: number | ThreadCount;
  readonly recycle?: Partial<RecycleRules>;
  readonly queueMax?: number;
}

function setUp(given: number | SetUp = 2) {
  const { threads = 2, recycle = {}, queueMax = 10 } = typeof given === "number" ? { threads: given } : given;
  const clock = new FakeClock();
  const source = new FakeSource();
  const said: string[] = [];
  const dispatcher = new Dispatcher<WorkerHandle>({
    queueMax,
    queueTimeoutMs: 45_000,
    requestTimeoutMs: 60_000,
    slowMs: 0,
    bodyTimeoutMs: 60_000,
    stallTimeoutMs: 60_000,
    clock,
  });
  const workforce = new Workforce({
    threads: typeof threads === "number" ? fixedThreads(threads) : threads,
    recycle: { ...NO_RECYCLING, ...recycle },
    memoryLimitBytes: Number.MAX_SAFE_INTEGER,
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
      cookieSecrets: [],
      form: FORM_LIMITS,
      session: sessionOptions(),
      processes: 1,
      cacheDir: undefined,
      logLimitBytes: 16_384,
    }),
    events: {
      stirred: () => {},
      log: (_worker, { message }) => said.push(`log ${message}`),
      loaded: () => {},
      asked: () => {},
      gone: () => {},
      handlerFailed: () => {},
      late: (message, worker) => said.push(`${message} of ${worker.id}`),
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
  /** Gives a worker that serves so many requests, one after the other, and has it answer each. */
  const serve = (worker: number, requests = 1) => {
    const handle = dispatcher.workers.find(({ id }) => id === worker);
    for (let n = 0; n < requests; n++) {
      const made = makeExchange(clock, { onClosed: (exchange) => dispatcher.forget(exchange) });
      made.exchange.stdinEnd();
      handle?.give(made.exchange);
      for (let slot = 0; slot < 4; slot++) source.seats[worker - 1]?.end(slot);
    }
  };
  /** A request that comes in; the pool's turn follows at once. */
  const request = () => {
    const made = makeExchange(clock, { onClosed: (exchange) => dispatcher.forget(exchange) });
    made.exchange.stdinEnd();
    dispatcher.submit(made.exchange);
    dispatcher.turn();
    workforce.relieve();
    return made;
  };
  return { clock, source, dispatcher, workforce, said, serving, started, serve, request };
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
    const { source, serving, said, started, serve } = setUp();
    await started();
    serve(1);
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
    const { clock, source, said, started, serve } = setUp(1);
    await started();
    serve(1);
    source.seats[0]?.die();
    await settled();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    clock.advance(0);
    expect(source.seats.length).toBe(3);
    source.seats[2]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    clock.advance(999);
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
    const { clock, source, dispatcher, started, serve } = setUp();
    await started();
    serve(1);
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

  it("ends it once, whatever the number of its late handlers, and waits for none of them when it is gone", async () => {
    const { clock, source, dispatcher, workforce, started, said } = setUp(1);
    await started();
    const [seat] = source.seats;
    if (seat === undefined) throw new Error("no seat");
    seat.seesBatches = false;
    seat.endable = false;
    for (let n = 0; n < 3; n++) {
      const { exchange } = makeExchange(clock);
      dispatcher.workers[0]?.give(exchange);
      exchange.carrier?.overdue();
    }
    clock.advance(2000);
    clock.advance(1000);
    expect(said.filter((line) => line.startsWith("worker is ended"))).toHaveLength(1);
    expect(said.filter((line) => line.startsWith("unendable"))).toHaveLength(1);
    const { exchange } = makeExchange(clock);
    dispatcher.workers[0]?.give(exchange);
    exchange.carrier?.overdue();
    workforce.close();
    seat.die();
    await settled();
    expect(clock.pending).toBe(0);
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
    const { source, serving, started, serve } = setUp(2);
    await started();
    serve(2);
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
    clock.advance(999);
    expect(source.seats.length).toBe(2);
    clock.advance(1);
    expect(source.seats.length).toBe(3);
  });

  it("ends with a new generation that boots: who dies after it is replaced at once", async () => {
    const { clock, source, workforce, started, serve } = setUp(1);
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
    serve(seats + 1);
    source.seats[seats]?.die();
    await settled();
    expect(source.seats.length).toBe(seats + 2);
  });
});

describe("back-off of several workers", () => {
  it("keeps nobody waiting for the place of a worker that was of use", async () => {
    const { clock, source, workforce, started, serve } = setUp(2);
    await started();
    serve(1);
    clock.advance(1);
    source.seats[1]?.die();
    await settled();
    clock.advance(0);
    source.seats[2]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    expect([source.seats.length, workforce.retryAt]).toEqual([3, 1001]);
    source.seats[0]?.die();
    await settled();
    expect(source.seats.length).toBe(4);
  });

  it("tries one worker where several failed together, and the others when it stands", async () => {
    const { clock, source, started, serving } = setUp(3);
    await started();
    clock.advance(1);
    for (const seat of [0, 1, 2]) source.seats[seat]?.die();
    await settled();
    clock.advance(0);
    expect(source.seats.length).toBe(4);
    source.seats[3]?.ready();
    await settled();
    expect(source.seats.length).toBe(5);
    source.seats[4]?.ready();
    await settled();
    source.seats[5]?.ready();
    await settled();
    expect(serving()).toEqual(["4/1", "5/1", "6/1"]);
  });

  it("is over with the first completed exchange: who dies then is replaced at once", async () => {
    const { clock, source, workforce, started, serve } = setUp(1);
    await started();
    for (const seat of [0, 1, 2]) {
      source.seats[seat]?.die();
      await settled();
      clock.advance(4000);
      source.seats[seat + 1]?.ready();
      await settled();
    }
    expect(workforce.failures).toBe(3);
    serve(4);
    expect(workforce.failures).toBe(0);
    source.seats[3]?.die();
    await settled();
    expect(source.seats.length).toBe(5);
    expect(workforce.retryAt).toBeUndefined();
  });

  it("never stops trying", async () => {
    const { clock, source, workforce, started } = setUp(1);
    await started();
    source.seats[0]?.die();
    await settled();
    for (let n = 1; n <= 20; n++) {
      clock.advance((workforce.retryAt ?? 0) - clock.now());
      expect(source.seats.length).toBe(n + 1);
      source.seats[n]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
      await settled();
    }
    expect(workforce.failures).toBe(21);
    expect(workforce.retryAt).toBe(clock.now() + 60_000);
  });

  it("refuses requests while nobody serves, with the reason, and takes them again with the next try", async () => {
    const { clock, source, dispatcher, started, request } = setUp(1);
    await started();
    source.seats[0]?.die();
    await settled();
    clock.advance(0);
    const waiting = request();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    const coming = request();
    expect([waiting.peer.calls, coming.peer.calls]).toEqual([["refuse 503"], ["refuse 503"]]);
    expect(waiting.peer.refusal?.message).toContain("the app threw");
    clock.advance(1000);
    const next = request();
    expect([next.peer.calls, dispatcher.queued]).toEqual([[], 1]);
    source.seats[2]?.ready();
    await settled();
    dispatcher.turn();
    expect(next.exchange.state).toBe("given");
  });

  it("lets requests wait out a short pause after a worker that died under its first request", async () => {
    const { clock, source, started, request } = setUp(1);
    await started();
    for (const seat of [0, 1]) {
      request();
      source.seats[seat]?.die();
      await settled();
      clock.advance(0);
      source.seats[seat + 1]?.ready();
      await settled();
    }
    const { peer } = request();
    expect([peer.calls, source.seats.length]).toEqual([[], 2]);
    clock.advance(1000);
    expect(source.seats.length).toBe(3);
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

describe("recycle.max_requests", () => {
  const EXACT = { threads: 1, recycle: { maxRequests: 3 } };

  it("gives a worker exactly so many where the jitter is 0, and the rest to its successor", async () => {
    const { source, dispatcher, serving, started, request } = setUp(EXACT);
    await started();
    for (let n = 0; n < 3; n++) request();
    const fourth = request();
    await settled();
    expect([source.seats.length, fourth.exchange.state, source.seats[0]?.drains]).toEqual([2, "queued", 0]);
    source.seats[1]?.ready();
    await settled();
    dispatcher.turn();
    expect([serving(), fourth.exchange.state, source.seats[0]?.drains]).toEqual([["2/1"], "given", 1]);
  });

  it("has the successor started before, where there is a jitter, and the worker serves on until then", async () => {
    const { source, dispatcher, started, serve, request } = setUp({
      threads: 1,
      recycle: { maxRequests: 10, jitter: 0.5 },
    });
    await started();
    serve(1, 4);
    expect(source.seats.length).toBe(1);
    serve(1);
    expect(source.seats.length).toBe(2);
    serve(1, 4);
    const [tenth, eleventh] = [request(), request()];
    expect([tenth.exchange.state, eleventh.exchange.state]).toEqual(["given", "queued"]);
    expect(dispatcher.workers[0]?.served).toBe(10);
  });

  it("counts what was taken back for nobody: it waits for the worker's last request to begin", async () => {
    const { clock, source, started, serve, dispatcher } = setUp(EXACT);
    await started();
    serve(1, 2);
    const [seat] = source.seats;
    if (seat === undefined) throw new Error("no seat");
    seat.begins = false;
    dispatcher.workers[0]?.give(makeExchange(clock).exchange);
    source.seats[1]?.ready();
    await settled();
    expect(seat.drains).toBe(0);
    seat.begins = true;
    clock.advance(10);
    expect(seat.drains).toBe(1);
  });

  it("… but not for long", async () => {
    const { clock, source, started, serve, dispatcher } = setUp(EXACT);
    await started();
    serve(1, 2);
    const [seat] = source.seats;
    if (seat === undefined) throw new Error("no seat");
    seat.begins = false;
    dispatcher.workers[0]?.give(makeExchange(clock).exchange);
    source.seats[1]?.ready();
    await settled();
    clock.advance(BEGIN_PATIENCE_MS);
    expect(seat.drains).toBe(1);
  });

  it("gives way where the successor does not boot: the worker serves on", async () => {
    const { source, started, serve, request } = setUp(EXACT);
    await started();
    serve(1, 3);
    const waiting = request();
    expect(waiting.exchange.state).toBe("queued");
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    const next = request();
    expect([waiting.exchange.state, next.exchange.state]).toEqual(["given", "given"]);
  });

  it("gives way where the successor takes long to boot, and somebody waits", async () => {
    const { clock, source, dispatcher, workforce, started, serve, request } = setUp(EXACT);
    await started();
    serve(1, 3);
    const waiting = request();
    clock.advance(SPENT_PATIENCE_MS);
    workforce.relieve();
    dispatcher.turn();
    expect([waiting.exchange.state, source.seats[0]?.drains]).toEqual(["given", 0]);
    source.seats[1]?.ready();
    await settled();
    expect(source.seats[0]?.drains).toBe(1);
  });

  it("replaces one worker at a time", async () => {
    const { source, serving, started, serve } = setUp({ threads: 3, recycle: { maxRequests: 3 } });
    await started();
    for (const worker of [1, 2, 3]) serve(worker, 3);
    for (const seat of [3, 4, 5]) {
      await settled();
      expect(source.seats.length).toBe(seat + 1);
      source.seats[seat]?.ready();
    }
    await settled();
    expect(serving()).toEqual(["4/1", "5/1", "6/1"]);
    expect(source.seats.length).toBe(6);
  });

  it("cuts off nobody's requests when those before still drain", async () => {
    const { source, started, serve } = setUp(EXACT);
    await started();
    for (const worker of [1, 2]) {
      serve(worker, 3);
      await settled();
      source.seats[worker]?.ready();
      await settled();
    }
    serve(3, 3);
    await settled();
    expect([source.seats.length, source.seats.map(({ terminated }) => terminated)]).toEqual([3, [false, false, false]]);
    source.seats[0]?.leave();
    await settled();
    expect(source.seats.length).toBe(4);
  });
});

describe("recycle.max_age and recycle.max_memory", () => {
  it("replace a worker that is old enough, while it serves on", async () => {
    const { clock, source, serving, said, started } = setUp({ threads: 1, recycle: { maxAgeMs: 60_000 } });
    await started();
    clock.advance(59_999);
    expect(source.seats.length).toBe(1);
    clock.advance(LOOK_MS);
    expect([source.seats.length, serving()]).toEqual([2, ["1/1"]]);
    source.seats[1]?.ready();
    await settled();
    expect(serving()).toEqual(["2/1"]);
    expect(said).toEqual(["worker is recycled"]);
  });

  it("wait with the next until the one before has left", async () => {
    const { clock, source, started } = setUp({ threads: 2, recycle: { maxAgeMs: 60_000 } });
    await started();
    clock.advance(61_000);
    expect(source.seats.length).toBe(3);
    source.seats[2]?.ready();
    await settled();
    expect(source.seats.length).toBe(3);
    source.seats[0]?.leave();
    await settled();
    expect(source.seats.length).toBe(4);
  });

  it("replace a worker that holds too much, and not another one at once", async () => {
    const { clock, source, serving, started } = setUp({ threads: 2, recycle: { maxMemoryBytes: 1000 } });
    await started();
    for (const seat of source.seats) seat.memoryBytes = 1000;
    clock.advance(LOOK_MS);
    await settled();
    clock.advance(LOOK_MS);
    expect(source.seats.length).toBe(3);
    source.seats[2]?.ready();
    await settled();
    source.seats[0]?.leave();
    await settled();
    expect([serving(), source.seats.length]).toEqual([["2/1", "3/1"], 3]);
    clock.advance(MEMORY_REST_MS);
    expect(source.seats.length).toBe(4);
  });
});

describe("threads = { min, max, idle_timeout }", () => {
  const ON_DEMAND = { min: 0, max: 2, idleTimeoutMs: 8000 };

  it("starts the first worker with the first request, which waits for it, even where queue.max is 0", async () => {
    const { source, dispatcher, started, serving, request } = setUp({ threads: ON_DEMAND, queueMax: 0 });
    await started();
    expect(source.seats.length).toBe(0);
    const first = request();
    expect([first.exchange.state, source.seats.length]).toEqual(["queued", 1]);
    source.seats[0]?.ready();
    await settled();
    dispatcher.turn();
    expect([first.exchange.state, serving()]).toEqual(["given", ["1/1"]]);
  });

  it("adds workers one at a time while requests wait, up to max", async () => {
    const { clock, source, workforce, started, request } = setUp({ threads: { ...ON_DEMAND, min: 1, max: 3 } });
    await started();
    for (let n = 0; n < 5; n++) request();
    expect(source.seats.length).toBe(1);
    clock.advance(PRESSURE_MS);
    workforce.relieve();
    workforce.relieve();
    expect(source.seats.length).toBe(2);
    source.seats[1]?.ready();
    await settled();
    workforce.relieve();
    source.seats[2]?.ready();
    await settled();
    workforce.relieve();
    expect(source.seats.length).toBe(3);
  });

  it("adds one for requests that a worker was given and does not begin", async () => {
    const { clock, source, workforce, started, request } = setUp({ threads: { ...ON_DEMAND, min: 1 } });
    await started();
    const [seat] = source.seats;
    if (seat === undefined) throw new Error("no seat");
    seat.begins = false;
    expect(request().exchange.state).toBe("given");
    clock.advance(PRESSURE_MS);
    workforce.relieve();
    expect(source.seats.length).toBe(2);
  });

  it("retires workers beyond min that had nothing to do, one at a time, down to none", async () => {
    const { clock, source, workforce, dispatcher, started, serving, request, serve } = setUp({ threads: ON_DEMAND });
    await started();
    for (let n = 0; n < 9; n++) request();
    source.seats[0]?.ready();
    await settled();
    dispatcher.turn();
    clock.advance(PRESSURE_MS);
    workforce.relieve();
    source.seats[1]?.ready();
    await settled();
    dispatcher.turn();
    for (const seat of source.seats) for (let slot = 0; slot < 4; slot++) seat.end(slot);
    dispatcher.turn();
    for (let slot = 0; slot < 4; slot++) source.seats[0]?.end(slot);
    expect(serving()).toEqual(["1/1", "2/1"]);
    clock.advance(4000);
    serve(1);
    clock.advance(6000);
    expect(serving()).toEqual(["1/1"]);
    clock.advance(6000);
    expect([serving(), source.seats.map(({ drains }) => drains)]).toEqual([[], [1, 1]]);
    for (const seat of source.seats) seat.leave();
    await settled();
    request();
    expect(source.seats.length).toBe(3);
  });

  it("answers those that wait when the first one does not boot, and tries again for who comes after a pause", async () => {
    const { clock, source, workforce, said, started, request } = setUp({ threads: ON_DEMAND });
    await started();
    request();
    source.seats[0]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    // The first failure is tried again at once.
    clock.advance(0);
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    expect(said.filter((line) => line === "boot failed: the app threw").length).toBe(2);
    expect(request().peer.calls).toEqual(["refuse 503"]);
    clock.advance(100_000);
    // Nobody asks, so nobody is started.
    expect([source.seats.length, workforce.workers.length]).toEqual([2, 0]);
    const next = request();
    expect([next.exchange.state, source.seats.length]).toEqual(["queued", 3]);
  });

  it("replaces one that dies while it is busy, and one that did not boot for want of more not at once", async () => {
    const { clock, source, workforce, started, request, serving } = setUp({ threads: { ...ON_DEMAND, min: 1 } });
    await started();
    for (let n = 0; n < 5; n++) request();
    clock.advance(PRESSURE_MS);
    workforce.relieve();
    source.seats[1]?.say(FROM_WORKER.BOOT_FAILED, BOOT_FAULT);
    await settled();
    expect([serving(), source.seats.length]).toEqual([["1/1"], 2]);
    clock.advance(0);
    expect(source.seats.length).toBe(3);
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
