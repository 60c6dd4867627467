import { Dispatcher, type DispatchWorker } from "../../src/pool/dispatcher.ts";
import type { Exchange } from "../../src/pool/exchange.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeCarrier, makeExchange } from "../support/fake-exchange-pool.ts";

/** A worker that begins nothing by itself; a test says what it begins. */
class FakeWorker implements DispatchWorker {
  readonly given: Exchange[] = [];
  readonly carrier = new FakeCarrier();
  readonly batch: number;
  concurrency: number;
  unbegun: Exchange[] = [];
  open = 0;
  stalled = false;
  computing = false;

  constructor(concurrency = 64, batch = 64) {
    this.concurrency = concurrency;
    this.batch = batch;
    this.carrier.isBegun = false;
  }

  get spare(): number {
    return this.concurrency - this.open;
  }

  get room(): number {
    return this.stalled ? 0 : Math.min(this.spare, this.batch - this.unbegun.length);
  }

  get waitingSince(): number | undefined {
    return this.unbegun[0]?.givenAt;
  }

  give(exchange: Exchange): void {
    exchange.give(this.carrier);
    this.given.push(exchange);
    this.unbegun.push(exchange);
    this.open++;
  }

  begin(): void {
    this.unbegun = [];
    this.carrier.isBegun = true;
  }

  finish(): void {
    this.begin();
    this.open = 0;
  }

  takeBack(): Exchange[] {
    const back = this.unbegun;
    this.unbegun = [];
    this.open -= back.length;
    this.stalled = true;
    for (const exchange of back) exchange.takenBack();
    return back;
  }

  post(): void {}
}

/** Counts how often it is asked for its room. */
class AskedWorker extends FakeWorker {
  static asked = 0;

  override get room(): number {
    AskedWorker.asked++;
    return super.room;
  }
}

function setUp(options: { queueMax?: number; queueTimeoutMs?: number; slowMs?: number; workers?: FakeWorker[] } = {}) {
  const clock = new FakeClock();
  const dispatcher = new Dispatcher<FakeWorker>({
    queueMax: options.queueMax ?? 128,
    queueTimeoutMs: options.queueTimeoutMs ?? 45_000,
    requestTimeoutMs: 60_000,
    slowMs: options.slowMs ?? 0,
    bodyTimeoutMs: 30_000,
    stallTimeoutMs: 30_000,
    clock,
  });
  const workers = options.workers ?? [new FakeWorker(), new FakeWorker()];
  for (const worker of workers) dispatcher.addWorker(worker);
  const submit = () => {
    const made = makeExchange(clock, { onClosed: (exchange) => dispatcher.forget(exchange) });
    made.exchange.stdinEnd();
    dispatcher.submit(made.exchange);
    return made;
  };
  const [first = new FakeWorker(), second = new FakeWorker()] = workers;
  return { clock, dispatcher, submit, first, second };
}

describe("the choice of a worker", () => {
  it("keeps light work on the warmest one", () => {
    const { dispatcher, submit, first, second } = setUp();
    for (let n = 0; n < 10; n++) {
      submit();
      dispatcher.turn();
      first.begin();
    }
    expect([first.given.length, second.given.length]).toEqual([10, 0]);
  });

  it("goes to one that does not compute before one that does", () => {
    const { dispatcher, submit, first, second } = setUp();
    first.computing = true;
    submit();
    dispatcher.turn();
    expect([first.given.length, second.given.length]).toEqual([0, 1]);
  });

  it("puts it behind one that computes only while all do, and takes it from there for the first that is done", () => {
    const { clock, dispatcher, submit, first, second } = setUp({
      workers: [new FakeWorker(64, 1), new FakeWorker(64, 1)],
    });
    [first.computing, second.computing] = [true, true];
    const { exchange } = submit();
    dispatcher.turn();
    expect([first.given, second.given]).toEqual([[exchange], []]);
    dispatcher.turn();
    expect(second.given).toEqual([]);
    second.computing = false;
    dispatcher.turn();
    // It may have been woken just now.
    expect([first.unbegun, second.unbegun]).toEqual([[exchange], []]);
    clock.advance(0.5);
    dispatcher.turn();
    expect([first.unbegun, second.unbegun]).toEqual([[], [exchange]]);
  });

  it("goes on to the next once a batch holds about a millisecond of the first one's time", () => {
    const { dispatcher, submit, first, second } = setUp({ workers: [new FakeWorker(64, 1), new FakeWorker(64, 1)] });
    submit();
    submit();
    submit();
    dispatcher.turn();
    expect([first.given.length, second.given.length, dispatcher.queued]).toEqual([1, 1, 1]);
  });

  it("never gives a worker more than its concurrency", () => {
    const { dispatcher, submit, first, second } = setUp({ workers: [new FakeWorker(1), new FakeWorker(1)] });
    for (let n = 0; n < 4; n++) submit();
    dispatcher.turn();
    first.begin();
    dispatcher.turn();
    expect([first.given.length, second.given.length, dispatcher.queued]).toEqual([1, 1, 2]);
    first.finish();
    dispatcher.turn();
    expect(first.given.length).toBe(2);
  });
});

describe("a worker that stalls", () => {
  it("loses what it has not begun after a millisecond, to one that has room", () => {
    const { clock, dispatcher, submit, first, second } = setUp();
    const made = [submit(), submit()];
    const watch = dispatcher.turn();
    expect(watch).toBe(1);
    clock.advance(1);
    dispatcher.unstall();
    expect(second.given).toEqual(made.map(({ exchange }) => exchange));
    expect(first.unbegun).toEqual([]);
  });

  it("is no longer the warm one", () => {
    const { clock, dispatcher, submit, first, second } = setUp();
    submit();
    dispatcher.turn();
    clock.advance(1);
    dispatcher.unstall();
    second.begin();
    first.stalled = false;
    submit();
    dispatcher.turn();
    expect(second.given.length).toBe(2);
  });

  it("keeps what nobody else can begin, and loses it as soon as somebody can", () => {
    const { clock, dispatcher, submit, first, second } = setUp({ workers: [new FakeWorker(), new FakeWorker(1)] });
    second.open = 1;
    submit();
    dispatcher.turn();
    clock.advance(5);
    const again = dispatcher.unstall();
    expect([first.unbegun.length, again]).toEqual([1, 6]);
    second.open = 0;
    clock.advance(1);
    dispatcher.unstall();
    expect(second.given.length).toBe(1);
  });
});

describe("many workers that all stall", () => {
  it("are asked a few times each for room that nobody has, not each by each", () => {
    const workers = Array.from({ length: 100 }, () => new AskedWorker(1));
    const { clock, dispatcher, submit } = setUp({ workers });
    for (let n = 0; n < 120; n++) submit();
    dispatcher.turn();
    clock.advance(2);
    AskedWorker.asked = 0;
    dispatcher.unstall();
    expect(AskedWorker.asked).toBeLessThanOrEqual(3 * workers.length);
  });
});

describe("queue.max", () => {
  it("refuses with 503 what exceeds the queue and what the workers have room for", () => {
    const { submit, dispatcher } = setUp({ queueMax: 2, workers: [new FakeWorker(1)] });
    const made = [submit(), submit(), submit(), submit()];
    dispatcher.turn();
    expect(made.map(({ peer }) => peer.calls)).toEqual([[], [], [], ["refuse 503"]]);
  });

  it("lets everything wait that fits, while no worker is alive", () => {
    const { submit, dispatcher, first } = setUp({ queueMax: 2, workers: [new FakeWorker(1)] });
    dispatcher.removeWorker(first);
    const made = [submit(), submit(), submit()];
    dispatcher.turn();
    expect(made.map(({ peer }) => peer.calls)).toEqual([[], [], ["refuse 503"]]);
  });
});

describe("deadlines", () => {
  it("queue.timeout: 503, and no worker ever sees the exchange", () => {
    const { clock, dispatcher, submit, first } = setUp({ workers: [new FakeWorker(0)] });
    const { peer } = submit();
    dispatcher.turn();
    clock.advance(44_999);
    dispatcher.sweep();
    expect(peer.calls).toEqual([]);
    clock.advance(1);
    dispatcher.sweep();
    expect(peer.calls).toEqual(["refuse 503"]);
    first.concurrency = 1;
    dispatcher.turn();
    expect(first.given).toEqual([]);
  });

  it("queue.timeout counts until the handler begins, also on a worker's lane", () => {
    const { clock, dispatcher, submit, first } = setUp({ workers: [new FakeWorker()] });
    const { peer } = submit();
    dispatcher.turn();
    clock.advance(45_000);
    dispatcher.sweep();
    expect(peer.calls).toEqual(["refuse 503"]);
    expect(first.carrier.sent).toEqual(["abort timeout"]);
  });

  it("request.timeout: 504, the handler is told, and counts as overdue", () => {
    const { clock, dispatcher, submit, first } = setUp();
    const { peer } = submit();
    dispatcher.turn();
    first.begin();
    clock.advance(60_000);
    dispatcher.sweep();
    expect(peer.calls).toEqual(["refuse 504"]);
    expect(first.carrier.sent).toEqual(["overdue", "abort timeout"]);
  });

  it("request.slow: noted once, and nothing else happens to the request", () => {
    const { clock, dispatcher, submit, first } = setUp({ slowMs: 5000 });
    const { peer } = submit();
    dispatcher.turn();
    clock.advance(10_000);
    dispatcher.sweep(); // waits on the worker's lane: that is not the handler's time
    first.begin();
    clock.advance(4999);
    dispatcher.sweep();
    expect(first.carrier.sent).toEqual([]);
    clock.advance(1);
    dispatcher.sweep();
    clock.advance(10_000);
    dispatcher.sweep();
    expect([first.carrier.sent, peer.calls]).toEqual([["slow"], []]);
  });

  it("request.slow holds for a handler also when its web server has left", () => {
    const { clock, dispatcher, submit, first } = setUp({ slowMs: 5000 });
    const { exchange } = submit();
    dispatcher.turn();
    first.begin();
    exchange.peerGone();
    clock.advance(5000);
    dispatcher.sweep();
    dispatcher.sweep();
    expect(first.carrier.sent).toEqual(["abort client-gone", "slow"]);
  });

  it("request.timeout begins with the handler, not with the wait on a worker's lane", () => {
    const { clock, dispatcher, submit, first } = setUp({ workers: [new FakeWorker()], queueTimeoutMs: 600_000 });
    const { peer } = submit();
    dispatcher.turn();
    clock.advance(100_000);
    dispatcher.sweep();
    first.begin();
    clock.advance(59_999);
    dispatcher.sweep();
    expect([peer.calls, first.carrier.sent]).toEqual([[], []]);
    clock.advance(1);
    dispatcher.sweep();
    expect(peer.calls).toEqual(["refuse 504"]);
  });

  it("request.timeout holds for a handler also when its web server has left, once", () => {
    const { clock, dispatcher, submit, first } = setUp();
    const { exchange } = submit();
    dispatcher.turn();
    first.begin();
    exchange.peerGone();
    expect([dispatcher.open, dispatcher.idle]).toEqual([0, false]);
    clock.advance(60_000);
    dispatcher.sweep();
    clock.advance(60_000);
    dispatcher.sweep();
    expect(first.carrier.sent).toEqual(["abort client-gone", "overdue", "abort timeout"]);
    expect(dispatcher.idle).toBe(true);
  });

  it("request.timeout is nothing to a handler that has answered after its web server left", () => {
    const { clock, dispatcher, submit, first } = setUp();
    const { exchange } = submit();
    dispatcher.turn();
    first.begin();
    exchange.peerGone();
    exchange.carrierDone();
    clock.advance(60_000);
    dispatcher.sweep();
    expect(first.carrier.sent).toEqual(["abort client-gone"]);
    expect(dispatcher.idle).toBe(true);
  });

  it("request.body_timeout: 408 when the web server stops sending a body", () => {
    const { clock, dispatcher, first } = setUp();
    const { exchange, peer } = makeExchange(clock, { onClosed: (closed) => dispatcher.forget(closed) });
    exchange.stdin(Buffer.from("x"));
    dispatcher.submit(exchange);
    dispatcher.turn();
    first.begin();
    clock.advance(30_000);
    dispatcher.sweep();
    expect(peer.calls).toEqual(["refuse 408"]);
  });

  it("a request whose body does not come begins without it after a moment's patience", () => {
    const { clock, dispatcher, first } = setUp();
    const { exchange } = makeExchange(clock);
    dispatcher.submit(exchange);
    dispatcher.turn();
    expect(first.given).toEqual([]);
    clock.advance(50);
    dispatcher.sweep();
    dispatcher.turn();
    expect(first.given).toEqual([exchange]);
  });
});

describe("an exchange whose web server hangs up while it waits", () => {
  it("is never given to a worker", () => {
    const { dispatcher, submit, first } = setUp({ workers: [new FakeWorker(0)] });
    const { exchange } = submit();
    dispatcher.turn();
    exchange.peerGone();
    first.concurrency = 1;
    dispatcher.turn();
    expect([first.given.length, dispatcher.queued, dispatcher.open]).toEqual([0, 0, 0]);
  });
});
