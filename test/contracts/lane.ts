// What every lane between a pool and a worker keeps, whatever carries it.

import { Fault } from "../../src/base/fault.ts";
import { BODY_WINDOW_BYTES, REPLY_WINDOW_BYTES } from "../../src/messages/lane.ts";
import type { OpenExchange } from "../../workers/open-exchange.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Made, makeExchange } from "../support/fake-exchange-pool.ts";
import type { LanePair } from "../support/lane-pair.ts";

export const HEAD = "Content-Type: text/plain\r\n\r\n";

export interface LaneTools {
  readonly clock: FakeClock;
  readonly pair: LanePair;
  /** Gives an exchange with a whole body. */
  give(body?: string): Made;
  /** Again, if it came back: on a busy machine a child process is late now and then. */
  giveAgain(made: Made): void;
  /** Gives an exchange with a whole body; also the worker's end of it once that has begun. */
  begin(body?: string): Promise<Made & { readonly worker: OpenExchange }>;
}

/** Call it in a `describe`: a fresh pair of ends for each test. */
export function lanes(makePair: (clock: FakeClock) => LanePair | Promise<LanePair>): LaneTools {
  const clock = new FakeClock();
  let pair: LanePair;

  beforeEach(async () => {
    pair = await makePair(clock);
  });

  afterEach(() => pair.close());

  const give = (body = ""): Made => {
    const made = makeExchange(clock);
    if (body !== "") made.exchange.stdin(Buffer.from(body));
    made.exchange.stdinEnd();
    pair.handle.give(made.exchange);
    pair.handle.post();
    return made;
  };
  const giveAgain = ({ exchange }: Made): void => {
    if (!exchange.firm || exchange.state !== "queued") return;
    pair.handle.give(exchange);
    pair.handle.post();
  };

  return {
    clock,
    get pair() {
      return pair;
    },
    give,
    giveAgain,
    begin: async (body = "") => {
      const at = pair.begun.length;
      const made = give(body);
      const worker = await eventually(() => {
        giveAgain(made);
        return pair.begun[at];
      });
      return { ...made, worker };
    },
  };
}

export function laneContract(tools: LaneTools): void {
  const { clock, begin } = tools;

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
    expect(tools.pair.handle.open).toBe(0);
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
    const total = 4 * BODY_WINDOW_BYTES;
    const made = makeExchange(clock, { bodyLimitBytes: total });
    made.exchange.stdin(Buffer.alloc(1));
    tools.pair.handle.give(made.exchange);
    tools.pair.handle.post();
    const worker = await eventually(() => tools.pair.begun[0]);
    for (let sent = 1; sent < total; sent += 32_767) made.exchange.stdin(Buffer.alloc(Math.min(32_767, total - sent)));
    made.exchange.stdinEnd();
    expect(made.peer.calls).toEqual(["pause"]);
    let read = 0;
    for (let piece = await worker.body.read(); piece !== undefined; piece = await worker.body.read())
      read += piece.length;
    expect(read).toBe(total);
    expect(made.peer.calls).toEqual(["pause", "resume"]);
  });

  it("brings a filter its FCGI_DATA also after a FCGI_STDIN that filled the window [FCGI §6.4]", async () => {
    const made = makeExchange(clock, { role: "filter" });
    made.exchange.stdin(Buffer.alloc(BODY_WINDOW_BYTES));
    made.exchange.stdinEnd();
    tools.pair.handle.give(made.exchange);
    tools.pair.handle.post();
    const worker = await eventually(() => tools.pair.begun[0]);
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
    await eventually(() => tools.pair.handle.open === 0);
    expect(peer.calls.slice(2)).toEqual(["cut"]);
    expect(tools.pair.events).not.toContain("handlerFailed");
  });

  it("tells when the last reply has left the worker", async () => {
    const { worker, peer } = await begin();
    worker.reply(200, HEAD, Buffer.alloc(2 * REPLY_WINDOW_BYTES));
    let emptied = false;
    tools.pair.lane.emptied().then(() => {
      emptied = true;
    });
    await eventually(() => peer.pending.length > 0);
    expect(emptied).toBe(false);
    await eventually(() => {
      for (const each of peer.pending.splice(0)) each();
      return emptied;
    });
  });

  it("tells the handler of an abort: signal, body and stream", async () => {
    const made = makeExchange(clock);
    made.exchange.stdin(Buffer.from("half"));
    tools.pair.handle.give(made.exchange);
    tools.pair.handle.post();
    const worker = await eventually(() => tools.pair.begun[0]);
    const { signal } = worker;
    await worker.body.read();
    const reading = worker.body.read();
    const stream = worker.stream(200, HEAD);
    made.exchange.peerGone();
    await expect(reading).rejects.toThrow("client-gone");
    expect(signal.aborted).toBe(true);
    await expect(stream.write(Buffer.from("x"))).rejects.toThrow("client-gone");
    await eventually(() => tools.pair.handle.open === 0);
  });

  it("keeps the slot of a handler that goes on after its abort, until it is done", async () => {
    const { exchange, worker, peer } = await begin();
    exchange.abandon(new Fault("TIMEOUT", "late"), "timeout");
    await eventually(() => worker.aborted === "timeout");
    expect([peer.calls, tools.pair.handle.open]).toEqual([["refuse 504"], 1]);
    worker.reply(200, HEAD, "too late");
    await eventually(() => tools.pair.handle.open === 0);
    expect(peer.calls).toEqual(["refuse 504"]);
  });

  it("reports a failure after the head as one that must cut the connection", async () => {
    const { worker, peer } = await begin();
    const stream = worker.stream(200, HEAD);
    stream.write(Buffer.from("half"));
    stream.fail(new Fault("HANDLER", "broke"));
    await eventually(() => peer.calls.at(-1) === "cut");
    expect(tools.pair.events).toContain("handlerFailed");
  });

  it("serves more exchanges over time than it has slots", async () => {
    for (let n = 0; n < 80; n++) {
      const { worker, peer } = await begin();
      worker.reply(200, HEAD, String(n));
      await eventually(() => peer.calls.length === 1);
      expect(peer.calls[0]).toBe(`reply ${HEAD}${n}`);
    }
  });
}
