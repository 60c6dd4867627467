import { Fault } from "../../src/base/fault.ts";
import { BODY_WINDOW_BYTES, TO_WORKER } from "../../src/messages/lane.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeCarrier, makeExchange } from "../support/fake-exchange-pool.ts";

const bytes = (length: number): Buffer => Buffer.alloc(length, 120);

describe("an exchange's request body [FastCGI §5.3]", () => {
  it("goes with BEGIN when it is complete before a worker is found", () => {
    const { exchange } = makeExchange(new FakeClock(), { contentLength: 3 });
    exchange.stdin(Buffer.from("abc"));
    exchange.stdinEnd();
    const { body, complete } = exchange.give(new FakeCarrier());
    expect(Buffer.concat(body).toString()).toBe("abc");
    expect(complete).toBe(true);
  });

  it("follows as it comes when the worker already has the request", () => {
    const { exchange } = makeExchange(new FakeClock());
    const carrier = new FakeCarrier();
    exchange.stdin(bytes(10));
    expect(exchange.give(carrier).complete).toBe(false);
    exchange.stdin(bytes(20));
    exchange.stdinEnd();
    expect(carrier.sent).toEqual([`${TO_WORKER.BODY}:20`, `${TO_WORKER.BODY_END}:0`]);
  });

  it("stops the web server once the window is full, and lets it go on as the handler takes", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    const carrier = new FakeCarrier();
    exchange.stdin(bytes(1));
    exchange.give(carrier);
    for (let sent = 0; sent < BODY_WINDOW_BYTES; sent += 32 * 1024) exchange.stdin(bytes(32 * 1024));
    exchange.stdin(bytes(100));
    expect(peer.calls).toEqual(["pause"]);
    exchange.taken(64 * 1024);
    expect(peer.calls).toEqual(["pause", "resume"]);
    expect(carrier.sent.at(-1)).toBe(`${TO_WORKER.BODY}:100`);
  });

  it("is waited for anew once the web server may go on sending", () => {
    const clock = new FakeClock();
    const { exchange } = makeExchange(clock);
    exchange.stdin(bytes(1));
    exchange.give(new FakeCarrier());
    exchange.stdin(bytes(BODY_WINDOW_BYTES));
    exchange.stdin(bytes(1));
    expect(exchange.awaitsBody).toBe(false);
    clock.advance(30_000);
    exchange.taken(BODY_WINDOW_BYTES);
    expect([exchange.awaitsBody, exchange.progressAt]).toEqual([true, 30_000]);
  });

  it("holds no more than the window while it waits in the queue", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    exchange.stdin(bytes(BODY_WINDOW_BYTES));
    expect(peer.calls).toEqual([]);
    exchange.stdin(bytes(1));
    expect(peer.calls).toEqual(["pause"]);
  });

  it("waits as a copy, records of it in one piece, also where what came is used for something else", () => {
    const { exchange } = makeExchange(new FakeClock());
    const lent = Buffer.alloc(8192);
    for (const letter of ["a", "b", "c"]) exchange.stdin(lent.fill(letter));
    exchange.stdinEnd();
    lent.fill("x");
    const { body, complete } = exchange.give(new FakeCarrier());
    expect(complete).toBe(true);
    expect(body).toHaveLength(1);
    expect(body[0]?.toString()).toBe(["a", "b", "c"].map((letter) => letter.repeat(8192)).join(""));
  });

  it("waits where the worker's lane has no room, and goes on when it is pumped", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    const carrier = new FakeCarrier();
    exchange.stdin(bytes(1));
    exchange.give(carrier);
    carrier.room = 1;
    for (let n = 0; n < 3; n++) exchange.stdin(bytes(100));
    exchange.stdinEnd();
    expect([carrier.sent, peer.calls]).toEqual([[`${TO_WORKER.BODY}:100`], ["pause"]]);
    carrier.room = 2;
    exchange.pump();
    expect(peer.calls).toEqual(["pause", "resume"]);
    expect(carrier.sent.at(-1)).toBe(`${TO_WORKER.BODY_END}:0`);
  });

  it("is sent again, whole and in order, when the worker had not begun", () => {
    const { exchange } = makeExchange(new FakeClock());
    const first = new FakeCarrier();
    first.isBegun = false;
    exchange.stdin(Buffer.from("one "));
    exchange.give(first);
    exchange.stdin(Buffer.from("two "));
    exchange.takenBack();
    exchange.stdin(Buffer.from("three"));
    exchange.stdinEnd();
    const { body, complete } = exchange.give(new FakeCarrier());
    expect(Buffer.concat(body).toString()).toBe("one two three");
    expect(complete).toBe(true);
  });

  it("is refused with 400 when it is shorter or longer than CONTENT_LENGTH [RFC 3875 §4.2]", () => {
    const short = makeExchange(new FakeClock(), { contentLength: 5 });
    short.exchange.stdin(bytes(4));
    short.exchange.stdinEnd();
    expect(short.peer.calls).toEqual(["refuse 400"]);

    const long = makeExchange(new FakeClock(), { contentLength: 5 });
    long.exchange.stdin(bytes(6));
    expect(long.peer.calls).toEqual(["refuse 400"]);
  });

  it("is refused with 413 beyond request.body_limit, and the handler is told", () => {
    const { exchange, peer } = makeExchange(new FakeClock(), { bodyLimitBytes: 10 });
    const carrier = new FakeCarrier();
    exchange.stdin(bytes(10));
    exchange.give(carrier);
    exchange.stdin(bytes(1));
    expect(carrier.sent).toEqual(["abort body-broken"]);
    expect(peer.calls).toEqual(["refuse 413"]);
  });

  it("is read and dropped once the reply is given, so that the web server reads the reply", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    exchange.stdin(bytes(BODY_WINDOW_BYTES + 1));
    exchange.fail(new Fault("OVERLOAD", "full"));
    exchange.stdin(bytes(1000));
    expect(peer.calls).toEqual(["pause", "resume", "refuse 503"]);
  });
});

describe("an exchange's reply", () => {
  it("is given once, whatever comes after it", () => {
    const { exchange, peer, outcomes } = makeExchange(new FakeClock());
    exchange.give(new FakeCarrier());
    exchange.fail(new Fault("TIMEOUT", "too late"));
    exchange.reply(Buffer.from("late"), 0, 4);
    exchange.head(Buffer.from("late"));
    exchange.end();
    exchange.fail(new Fault("HANDLER", "later"));
    expect(peer.calls).toEqual(["refuse 504"]);
    expect(outcomes).toEqual(["refused"]);
  });

  it("is cut, not completed, when it fails after its head", () => {
    const { exchange, peer, outcomes } = makeExchange(new FakeClock());
    exchange.give(new FakeCarrier());
    exchange.head(Buffer.from("H"));
    exchange.fail(new Fault("WORKER_LOST", "gone"));
    expect(peer.calls).toEqual(["head H", "cut"]);
    expect(outcomes).toEqual(["cut"]);
  });

  it("tells how much of the body the web server took", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    exchange.give(new FakeCarrier());
    exchange.head(Buffer.from("H"));
    const taken: number[] = [];
    exchange.chunk(bytes(7), (count) => taken.push(count));
    expect(exchange.awaitsPeer).toBe(true);
    peer.pending[0]?.();
    expect(taken).toEqual([7]);
    expect(exchange.awaitsPeer).toBe(false);
  });
});

describe("a web server that hangs up", () => {
  it("ends an exchange that no handler has begun", () => {
    const { exchange, outcomes } = makeExchange(new FakeClock());
    exchange.stdinEnd();
    exchange.peerEnded();
    expect(outcomes).toEqual(["aborted"]);
  });

  it("has the handler's signal fire, and still takes a reply while only its sending half is closed", () => {
    const { exchange, peer } = makeExchange(new FakeClock());
    const carrier = new FakeCarrier();
    exchange.stdinEnd();
    exchange.give(carrier);
    exchange.peerEnded();
    expect(carrier.sent).toEqual(["abort client-gone"]);
    exchange.reply(Buffer.from("ok"), 0, 2);
    expect(peer.calls).toEqual(["reply ok"]);
  });

  it("in mid-body is an abort, never the end of the body", () => {
    const { exchange, outcomes } = makeExchange(new FakeClock());
    const carrier = new FakeCarrier();
    exchange.stdin(bytes(1));
    exchange.give(carrier);
    exchange.peerEnded();
    expect(carrier.sent).toEqual(["abort client-gone"]);
    expect(outcomes).toEqual(["aborted"]);
  });
});
