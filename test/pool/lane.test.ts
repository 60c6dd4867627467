// A lane to a thread: both ends of it, with real ports and shared words.

import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { readBatch } from "../../src/messages/batch.ts";
import { BODY_WINDOW_BYTES, CHUNK_BYTES, FIRST_SLOT_WORD, FROM_WORKER, RING_BYTES } from "../../src/messages/lane.ts";
import { nextPosted } from "../../src/messages/port.ts";
import { RingReader, ringMemory } from "../../src/messages/ring.ts";
import { WorkerLane } from "../../workers/lane.ts";
import { ThreadRoad } from "../../workers/thread-road.ts";
import { HEAD, laneContract, lanes } from "../contracts/lane.ts";
import { eventually } from "../support/eventually.ts";
import { FakeCarrier, makeExchange } from "../support/fake-exchange-pool.ts";
import { lanePair } from "../support/lane-pair.ts";

describe("a lane between pool and worker", () => {
  const tools = lanes(lanePair);
  const { clock, give, begin } = tools;

  laneContract(tools);

  it("gives a finished reply to a pool that asks, though the worker's turn goes on, and once only", async () => {
    const { worker, peer } = await begin();
    worker.reply(200, HEAD, "early");
    tools.pair.handle.collect();
    expect(peer.calls).toEqual([`reply ${HEAD}early`]);
    expect(tools.pair.handle.open).toBe(0);
    const next = await begin();
    next.worker.reply(200, HEAD, "later");
    await eventually(() => next.peer.calls.length === 1);
    expect(peer.calls).toHaveLength(1);
  });

  it("lets nothing that is asked for overtake what was sent before", async () => {
    const { worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    tools.pair.lane.flush(); // on its way to the pool, not read by it
    void stream.write(Buffer.from("body"));
    stream.end();
    tools.pair.handle.collect();
    expect(peer.calls).toEqual([`head ${HEAD}`, "chunk 4", "end"]);
  });

  it("holds bodies back for which it has no room, stops the web server, and goes on in turn once there is", async () => {
    const upload = async (letter: string) => {
      const made = makeExchange(clock);
      made.exchange.stdin(Buffer.from(letter));
      const at = tools.pair.begun.length;
      tools.pair.handle.give(made.exchange);
      tools.pair.handle.post();
      const worker = await eventually(() => tools.pair.begun[at]);
      return { ...made, letter, worker };
    };
    const uploads = [await upload("a"), await upload("b")] as const;
    const record = 8192;
    const records = BODY_WINDOW_BYTES / record - 1;
    // Both windows are open, and longer than the ring together; the worker gets no turn meanwhile.
    for (const { exchange, letter } of uploads) {
      for (let n = 0; n < records; n++) exchange.stdin(Buffer.alloc(record, letter));
      exchange.stdinEnd();
    }
    const [first, second] = uploads;
    expect([first.peer.calls, second.peer.calls]).toEqual([[], ["pause"]]);
    expect(tools.pair.handle.answers?.hasRoom(CHUNK_BYTES)).toBe(false);
    for (const { worker, letter, peer } of uploads) {
      let bytes = 0;
      for (let piece = await worker.body.read(); piece !== undefined; piece = await worker.body.read()) {
        expect(Buffer.from(piece).equals(Buffer.alloc(piece.length, letter))).toBe(true);
        bytes += piece.length;
      }
      expect(bytes).toBe(1 + records * record);
      expect(peer.calls).toEqual(letter === "a" ? [] : ["pause", "resume"]);
    }
  });

  it("never credits what a handler still reads after its reply to the slot's next exchange", async () => {
    const half = makeExchange(clock);
    half.exchange.stdin(Buffer.from("abc"));
    tools.pair.handle.give(half.exchange);
    tools.pair.handle.post();
    const first = await eventually(() => tools.pair.begun[0]);
    first.reply(200, HEAD, "ok");
    await eventually(() => tools.pair.handle.open === 0);
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.from("kept"));
    tools.pair.handle.give(made.exchange); // takes the same slot; not begun
    await first.body.read();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(tools.pair.handle.takeBack()).toEqual([made.exchange]);
    expect(Buffer.concat(made.exchange.give(new FakeCarrier()).body).toString()).toBe("kept");
  });

  it("knows what is begun without asking, and takes back the rest", async () => {
    const first = await begin();
    const [second, third] = [give(), give()];
    // The worker's loop has not turned: nothing of these is begun.
    expect(tools.pair.handle.unbegun).toBe(2);
    expect(tools.pair.handle.takeBack()).toEqual([second.exchange, third.exchange]);
    expect(tools.pair.handle.stalled).toBe(true);
    expect(tools.pair.handle.room).toBe(0);
    await eventually(() => !tools.pair.handle.stalled);
    expect(tools.pair.begun).toEqual([first.worker]);
    expect(second.exchange.state).toBe("queued");
  });

  it("gives back what was not begun and names what was, when the worker dies", async () => {
    const begunOne = await begin();
    const waiting = give();
    const { back, lost } = tools.pair.handle.bury();
    expect(back).toEqual([waiting.exchange]);
    expect(lost).toEqual([begunOne.exchange]);
  });

  it("hands over finished replies that its ring has no room for, though the worker's turn goes on", async () => {
    const made = [await begin(), await begin(), await begin(), await begin()];
    const body = "x".repeat(60_000);
    for (const { worker } of made) worker.reply(200, HEAD, body);
    // The worker computes on from here, or dies.
    tools.pair.handle.collect();
    expect(made.map(({ peer }) => peer.calls.length)).toEqual([1, 1, 1, 1]);
  });
});

describe("the worker's end of a lane", () => {
  it("closes only when all that was written has left, however busy the pool is", async () => {
    const { port1, port2 } = new MessageChannel();
    const [inbox, outbox] = [ringMemory(RING_BYTES), ringMemory(RING_BYTES)];
    const words = new SharedArrayBuffer((FIRST_SLOT_WORD + 1) * Int32Array.BYTES_PER_ELEMENT);
    const road = new ThreadRoad({ port: port2, words, inbox, outbox, bell: undefined });
    const lane = new WorkerLane(road, () => {});
    const slots: number[] = [];
    const reader = new RingReader(
      outbox,
      (batch) => readBatch(batch, (_kind, slot) => slots.push(slot)),
      () => nextPosted(port1),
    );
    let written = 0;
    while (!road.writer.holding) {
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
