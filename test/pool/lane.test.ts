// Both ends of a lane, with real ports and shared words.

import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { Fault } from "../../src/base/fault.ts";
import { readBatch } from "../../src/messages/batch.ts";
import {
  BODY_WINDOW_BYTES,
  FIRST_SLOT_WORD,
  FROM_WORKER,
  REPLY_WINDOW_BYTES,
  RING_BYTES,
} from "../../src/messages/lane.ts";
import { nextPosted } from "../../src/messages/port.ts";
import { RingReader, ringMemory } from "../../src/messages/ring.ts";
import { WorkerLane } from "../../workers/lane.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeCarrier, makeExchange } from "../support/fake-exchange-pool.ts";
import { type LanePair, lanePair } from "../support/lane-pair.ts";

const HEAD = "Content-Type: text/plain\r\n\r\n";

describe("a lane between pool and worker", () => {
  const clock = new FakeClock();
  let pair: LanePair;

  beforeEach(() => {
    pair = lanePair(clock);
  });

  afterEach(() => pair.close());

  const give = (body = "") => {
    const made = makeExchange(clock);
    if (body !== "") made.exchange.stdin(Buffer.from(body));
    made.exchange.stdinEnd();
    pair.handle.give(made.exchange);
    pair.handle.post();
    return made;
  };

  /** Gives an exchange and returns it with the worker's end of it, once that has begun. */
  const begin = async (body = "") => {
    const at = pair.begun.length;
    const made = give(body);
    const exchange = await eventually(() => pair.begun[at]);
    return { ...made, worker: exchange };
  };

  it("carries params, role and a whole small body in one frame", async () => {
    const { worker } = await begin("name=value");
    expect(worker.role).toBe("responder");
    expect(worker.params.get("REQUEST_METHOD")).toBe("GET");
    expect(Buffer.from(worker.body.takeWhole() ?? []).toString()).toBe("name=value");
  });

  it("carries a small reply in one frame, and frees its slot", async () => {
    const { worker, peer } = await begin();
    worker.reply(200, HEAD, "héllo");
    await eventually(() => peer.calls.length === 1);
    expect(Buffer.from(peer.calls[0] ?? "", "latin1").toString()).toBe(`reply ${HEAD}héllo`);
    expect(pair.handle.open).toBe(0);
  });

  it("gives a finished reply to a pool that asks, though the worker's turn goes on, and once only", async () => {
    const { worker, peer } = await begin();
    worker.reply(200, HEAD, "early");
    pair.handle.collect();
    expect(peer.calls).toEqual([`reply ${HEAD}early`]);
    expect(pair.handle.open).toBe(0);
    const next = await begin();
    next.worker.reply(200, HEAD, "later");
    await eventually(() => next.peer.calls.length === 1);
    expect(peer.calls).toHaveLength(1);
  });

  it("lets nothing that is asked for overtake what was sent before", async () => {
    const { worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    pair.lane.flush(); // on its way to the pool, not read by it
    void stream.write(Buffer.from("body"));
    stream.end();
    pair.handle.collect();
    expect(peer.calls).toEqual([`head ${HEAD}`, "chunk 4", "end"]);
  });

  it("streams a reply of any length, never ahead of the web server by more than the window", async () => {
    const { worker, peer } = await begin();
    const length = 3 * REPLY_WINDOW_BYTES + 12_345;
    worker.reply(200, HEAD, Buffer.alloc(length, 97));
    let sent = 0;
    let taken = 0;
    await eventually(() => {
      sent = peer.calls.reduce((sum, call) => sum + (call.startsWith("chunk ") ? Number(call.slice(6)) : 0), 0);
      expect(sent - taken).toBeLessThanOrEqual(REPLY_WINDOW_BYTES);
      for (const each of peer.pending.splice(0)) each();
      taken = sent;
      return peer.calls.at(-1) === "end";
    });
    expect(sent).toBe(length);
  });

  it("makes a stream's writer wait until the web server has taken enough", async () => {
    const { worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    expect(stream.write(Buffer.alloc(REPLY_WINDOW_BYTES))).toBeUndefined();
    let resolved = false;
    const second = stream.write(Buffer.alloc(10))?.then(() => {
      resolved = true;
    });
    await eventually(() => peer.pending.length > 0);
    expect(resolved).toBe(false);
    for (const each of peer.pending.splice(0)) each();
    await second;
    stream.end();
    await eventually(() => peer.calls.at(-1) === "end");
  });

  it("gives the sender leave for more of a body only as the handler reads it", async () => {
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.alloc(1));
    pair.handle.give(made.exchange);
    pair.handle.post();
    const worker = await eventually(() => pair.begun[0]);
    const total = 4 * BODY_WINDOW_BYTES;
    for (let sent = 1; sent < total; sent += 32_767) made.exchange.stdin(Buffer.alloc(Math.min(32_767, total - sent)));
    made.exchange.stdinEnd();
    expect(made.peer.calls).toEqual(["pause"]);
    let read = 0;
    for (let piece = await worker.body.read(); piece !== undefined; piece = await worker.body.read())
      read += piece.length;
    expect(read).toBe(total);
    expect(made.peer.calls).toEqual(["pause", "resume"]);
  });

  it("never credits what a handler still reads after its reply to the slot's next exchange", async () => {
    const half = makeExchange(clock);
    half.exchange.stdin(Buffer.from("abc"));
    pair.handle.give(half.exchange);
    pair.handle.post();
    const first = await eventually(() => pair.begun[0]);
    first.reply(200, HEAD, "ok");
    await eventually(() => pair.handle.open === 0);
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.from("kept"));
    pair.handle.give(made.exchange); // takes the same slot; not begun
    await first.body.read();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(pair.handle.takeBack()).toEqual([made.exchange]);
    expect(Buffer.concat(made.exchange.give(new FakeCarrier()).body).toString()).toBe("kept");
  });

  it("brings a filter its FCGI_DATA also after a FCGI_STDIN that filled the window [FCGI §6.4]", async () => {
    const made = makeExchange(clock, { role: "filter" });
    made.exchange.stdin(Buffer.alloc(BODY_WINDOW_BYTES));
    made.exchange.stdinEnd();
    pair.handle.give(made.exchange);
    pair.handle.post();
    const worker = await eventually(() => pair.begun[0]);
    made.exchange.data(Buffer.from("data"));
    made.exchange.dataEnd();
    expect((await eventually(() => worker.body.takeWhole())).length).toBe(BODY_WINDOW_BYTES);
    let data = "";
    worker.data?.read().then((piece) => {
      data = Buffer.from(piece ?? []).toString();
    });
    await eventually(() => data === "data");
  });

  it("never lets a stream that was stopped look whole to a peer that closed only its sending half", async () => {
    const { exchange, worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    stream.write(Buffer.from("half"))?.catch(() => {});
    await eventually(() => peer.calls.length === 2);
    exchange.peerEnded();
    await eventually(() => pair.handle.open === 0);
    expect(peer.calls.slice(2)).toEqual(["cut"]);
    expect(pair.events).not.toContain("handlerFailed");
  });

  it("tells when the last reply has left the worker", async () => {
    const { worker, peer } = await begin();
    worker.reply(200, HEAD, Buffer.alloc(2 * REPLY_WINDOW_BYTES));
    let emptied = false;
    pair.lane.emptied().then(() => {
      emptied = true;
    });
    await eventually(() => peer.pending.length > 0);
    expect(emptied).toBe(false);
    await eventually(() => {
      for (const each of peer.pending.splice(0)) each();
      return emptied;
    });
  });

  it("knows what is begun without asking, and takes back the rest", async () => {
    const first = await begin();
    const [second, third] = [give(), give()];
    // The worker's loop has not turned: nothing of these is begun.
    expect(pair.handle.unbegun).toBe(2);
    expect(pair.handle.takeBack()).toEqual([second.exchange, third.exchange]);
    expect(pair.handle.stalled).toBe(true);
    expect(pair.handle.room).toBe(0);
    await eventually(() => !pair.handle.stalled);
    expect(pair.begun).toEqual([first.worker]);
    expect(second.exchange.state).toBe("queued");
  });

  it("tells the handler of an abort: signal, body and stream", async () => {
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.from("half"));
    pair.handle.give(made.exchange);
    pair.handle.post();
    const worker = await eventually(() => pair.begun[0]);
    const { signal } = worker;
    await worker.body.read();
    const reading = worker.body.read();
    const stream = worker.stream(200, HEAD);
    made.exchange.peerGone();
    await expect(reading).rejects.toThrow("client-gone");
    expect(signal.aborted).toBe(true);
    await expect(stream.write(Buffer.from("x"))).rejects.toThrow("client-gone");
    await eventually(() => pair.handle.open === 0);
  });

  it("keeps the slot of a handler that goes on after its abort, until it is done", async () => {
    const { exchange, worker, peer } = await begin();
    exchange.abandon(new Fault("TIMEOUT", "late"), "timeout");
    await eventually(() => worker.aborted === "timeout");
    expect([peer.calls, pair.handle.open]).toEqual([["refuse 504"], 1]);
    worker.reply(200, HEAD, "too late");
    await eventually(() => pair.handle.open === 0);
    expect(peer.calls).toEqual(["refuse 504"]);
  });

  it("gives back what was not begun and names what was, when the worker dies", async () => {
    const begunOne = await begin();
    const waiting = give();
    const { back, lost } = pair.handle.bury();
    expect(back).toEqual([waiting.exchange]);
    expect(lost).toEqual([begunOne.exchange]);
  });

  it("reports a failure after the head as one that must cut the connection", async () => {
    const { worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    stream.write(Buffer.from("half"));
    stream.fail(new Fault("HANDLER", "broke"));
    await eventually(() => peer.calls.at(-1) === "cut");
    expect(pair.events).toContain("handlerFailed");
  });

  it("hands over finished replies that its ring has no room for, though the worker's turn goes on", async () => {
    const made = [await begin(), await begin(), await begin(), await begin()];
    const body = "x".repeat(60_000);
    for (const { worker } of made) worker.reply(200, HEAD, body);
    // The worker computes on from here, or dies.
    pair.handle.collect();
    expect(made.map(({ peer }) => peer.calls.length)).toEqual([1, 1, 1, 1]);
  });

  it("serves more exchanges over time than it has slots", async () => {
    for (let n = 0; n < 80; n++) {
      const { worker, peer } = await begin();
      worker.reply(200, HEAD, String(n));
      await eventually(() => peer.calls.length === 1);
      expect(peer.calls[0]).toBe(`reply ${HEAD}${n}`);
    }
  });
});

describe("the worker's end of a lane", () => {
  it("closes only when all that was written has left, however busy the pool is", async () => {
    const { port1, port2 } = new MessageChannel();
    const [inbox, outbox] = [ringMemory(RING_BYTES), ringMemory(RING_BYTES)];
    const words = new SharedArrayBuffer((FIRST_SLOT_WORD + 1) * Int32Array.BYTES_PER_ELEMENT);
    const lane = new WorkerLane({ port: port2, words, inbox, outbox, bell: undefined }, () => {});
    const slots: number[] = [];
    const reader = new RingReader(
      outbox,
      (batch) => readBatch(batch, (_kind, slot) => slots.push(slot)),
      () => nextPosted(port1),
    );
    let written = 0;
    while (!lane.writer.holding) {
      lane.writer.bytes(FROM_WORKER.REPLY, written++, Buffer.alloc(60_000));
      lane.flush();
    }
    lane.writer.mark(FROM_WORKER.DRAINED, written++);
    let isClosed = false;
    const closed = lane.close().then(() => {
      isClosed = true;
    });
    await delay(20);
    expect(isClosed).toBe(false);
    reader.take();
    await closed;
    reader.take();
    expect(slots).toEqual(Array.from({ length: written }, (_, n) => n));
    port1.close();
  });
});
