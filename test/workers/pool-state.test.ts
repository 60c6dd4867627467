import { Fault } from "../../src/base/fault.ts";
import { BatchWriter, readBatch } from "../../src/messages/batch.ts";
import { ANSWERS, ASKS, type Ask, NO_BYTES, readAnswer, writeAsk } from "../../src/messages/state.ts";
import { CLEARS_MAX, SharedState } from "../../src/pool/state/shared-state.ts";
import type { WorkerHandle } from "../../src/pool/worker-handle.ts";
import { ANSWER_MS, LanePoolState, type PoolState, WAITING_BYTES_MAX } from "../../workers/pool-state.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type LanePair, lanePair } from "../support/lane-pair.ts";
import { sharedWorkers } from "../support/shared-workers.ts";

const MIB = 1024 * 1024;

interface Joined {
  readonly pair: LanePair;
  readonly state: PoolState;
  readonly shared: SharedState;
}

const open: LanePair[] = [];
let clock: FakeClock;

beforeEach(() => {
  clock = new FakeClock();
});

afterEach(async () => {
  for (const pair of open.splice(0)) await pair.close();
});

/** A worker's lane and the pool's state at its other end. */
function join(options: { readonly memoryBytes?: number; readonly valueLimitBytes?: number } = {}): Joined {
  const shared = new SharedState({
    clock,
    memoryBytes: options.memoryBytes ?? 32 * MIB,
    valueLimitBytes: options.valueLimitBytes ?? MIB,
    stirred: () => stirred(pair.handle),
    overheld: () => {},
    persist: false,
    inherited: () => {},
  });
  const pair = lanePair(clock, { asked: (worker, ask) => shared.asked(worker, ask) });
  open.push(pair);
  return { pair, state: pair.lane.state, shared };
}

/** The pool posts at the end of its turn. */
function stirred(handle: WorkerHandle): void {
  setImmediate(() => handle.post());
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe("what no worker's end of ours asks", () => {
  const ASK: Ask = {
    id: 1,
    operation: ASKS.LOCK,
    space: "",
    key: "L",
    first: 0,
    second: 1,
    expected: undefined,
    value: NO_BYTES,
  };

  it.each<[string, Partial<Ask>]>([
    ["a lock's endless name", { key: "x".repeat(100_000) }],
    ["a lock to be held for no time", { second: 0 }],
    ["a lock to be waited for until never", { first: Number.NaN }],
    ["a space of any name", { operation: ASKS.GET, space: "x".repeat(1000) }],
    ["an endless key", { operation: ASKS.SET, space: "s", key: "x".repeat(100_000) }],
    ["what is not known", { operation: 999 }],
  ])("is refused, and nothing is kept of it: %s", (_what, changed) => {
    const { shared } = sharedWorkers(clock, 1);
    const asks = new BatchWriter();
    const answers = new BatchWriter();
    writeAsk(asks, { ...ASK, ...changed });
    const batch = Buffer.from(asks.take());
    readBatch(batch, (_kind, _slot, start, end) => shared.asked({ id: 1, answers }, batch.subarray(start, end)));
    const kinds: number[] = [];
    const answered = Buffer.from(answers.take());
    readBatch(answered, (_kind, _slot, start, end) => kinds.push(readAnswer(answered.subarray(start, end)).kind));
    expect([kinds, shared.counts.locks.held]).toEqual([[ANSWERS.FAULT], 0]);
  });
});

it("clears in one worker's name only so often at once", () => {
  let later: (() => void)[] = [];
  const { shared } = sharedWorkers(clock, 1, { later: (fn) => later.push(fn) });
  const asks = new BatchWriter();
  const answers = new BatchWriter();
  const said = {
    operation: ASKS.CLEAR,
    space: "s",
    key: "",
    first: 0,
    second: 0,
    expected: undefined,
    value: NO_BYTES,
  };
  for (let id = 1; id <= CLEARS_MAX + 1; id++) writeAsk(asks, { ...said, id });
  const batch = Buffer.from(asks.take());
  const clear = (): void =>
    readBatch(batch, (_kind, _slot, start, end) => shared.asked({ id: 1, answers }, batch.subarray(start, end)));
  const answered = (): number[] => {
    const kinds: number[] = [];
    if (answers.empty) return kinds;
    const all = Buffer.from(answers.take());
    readBatch(all, (_kind, _slot, start, end) => kinds.push(readAnswer(all.subarray(start, end)).kind));
    return kinds;
  };
  clear();
  expect(answered()).toEqual([ANSWERS.FAULT]);
  for (let turns = 0; turns < 3; turns++) for (const step of later.splice(0)) step();
  later = [];
  expect(answered()).toEqual(Array(CLEARS_MAX).fill(ANSWERS.NUMBER));
});

describe("what a worker asks of the pool's state", () => {
  it("is answered, each to its own", async () => {
    const { state } = join();
    const all = Array.from({ length: 500 }, (_, n) => state.set("s", `k${n}`, Buffer.from(`v${n}`)));
    await Promise.all(all);
    const got = await Promise.all(Array.from({ length: 500 }, (_, n) => state.get("s", `k${n}`)));
    expect(got.map(text)).toEqual(Array.from({ length: 500 }, (_, n) => `v${n}`));
    expect(await state.get("other", "k1")).toBeUndefined();
  });

  it("has times to live, and answers for every operation", async () => {
    const { state } = join();
    await state.set("s", "k", Buffer.from("1"), 100);
    expect(await state.touch("s", "k", 1000)).toBe(true);
    clock.advance(500);
    expect(await state.add("s", "k", 41)).toBe(42);
    expect(await state.compareAndSet("s", "k", Buffer.from("41"), Buffer.from("x"))).toBe(false);
    expect(await state.compareAndSet("s", "k", Buffer.from("42"), Buffer.from("x"))).toBe(true);
    expect(await state.compareAndSet("s", "new", undefined, Buffer.from("y"))).toBe(true);
    expect(await state.compareAndSet("s", "new", undefined, Buffer.from("z"))).toBe(false);
    expect([text(await state.get("s", "k")), text(await state.get("s", "new"))]).toEqual(["x", "y"]);
    expect([await state.delete("s", "k"), await state.delete("s", "k"), await state.touch("s", "k", 1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await state.clear("s", "n")).toBe(1);
    expect(await state.get("s", "new")).toBeUndefined();
  });

  it("takes values longer than the lane's ring, both ways, and many at a time", async () => {
    const { state } = join({ memoryBytes: 512 * MIB, valueLimitBytes: 8 * MIB });
    const values = Array.from({ length: 20 }, (_, n) => Buffer.alloc(700_000 + n, n));
    values.push(Buffer.alloc(8 * MIB, 99));
    await Promise.all(values.map((value, n) => state.set("s", String(n), value)));
    const back = await Promise.all(values.map((_, n) => state.get("s", String(n))));
    expect(back.every((bytes, n) => values[n]?.equals(bytes ?? new Uint8Array()))).toBe(true);
  });

  it("gives each asker bytes of its own, with nothing else in their memory", async () => {
    const { state } = join();
    await state.set("s", "secret", Buffer.from("of another"));
    await state.set("s", "k", Buffer.from("mine"));
    const [, mine] = await Promise.all([state.get("s", "secret"), state.get("s", "k")]);
    expect(Buffer.from(mine?.buffer ?? new ArrayBuffer(0)).toString()).toBe("mine");
    mine?.fill(0);
    expect(text(await state.get("s", "k"))).toBe("mine");
  });

  it("is refused with what to do: too long a value, too long a key, no number, no time to live", async () => {
    const { state } = join({ valueLimitBytes: 1000 });
    await state.set("s", "k", Buffer.from("text"));
    const refusal = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (fault: Fault) => `${fault.code} ${fault.message} ${fault.hint ?? ""}`,
      );
    expect(await refusal(state.set("s", "k", Buffer.alloc(1001)))).toMatch(
      /HANDLER .*"k" has 1001 bytes.* 1000.*cache.value_limit/,
    );
    expect(await refusal(state.set("s", "ü".repeat(3000), Buffer.alloc(1)))).toMatch(
      /HANDLER a key of 6000 bytes.*digest/,
    );
    expect(await refusal(state.get("s", "k".repeat(5000)))).toMatch(/HANDLER a key of 5000/);
    expect(await refusal(state.get("s", "\ud800"))).toMatch(/HANDLER .*surrogate/);
    expect(await refusal(state.add("s", "k", 1))).toMatch(/HANDLER .*"k" is no number/);
    expect(await refusal(state.add("s", "n", Number.NaN))).toMatch(/HANDLER NaN/);
    expect(await refusal(state.set("s", "k", Buffer.alloc(1), 0))).toMatch(/HANDLER 0 ms is no time to live/);
    expect(text(await state.get("s", "k"))).toBe("text");
  });

  it("is given up when the pool does not answer, and a lock that is granted too late is let go of", async () => {
    const frames = new BatchWriter();
    const lane = { writer: frames, stirred() {} };
    const state = new LanePoolState(lane, clock);
    const got = state.get("s", "k").catch((fault: Fault) => fault.code);
    const locked = state.lock("L", { waitMs: 1000 }).catch((fault: Fault) => fault.code);
    clock.advance(ANSWER_MS + 300);
    expect(await got).toBe("OVERLOAD");
    clock.advance(1000);
    expect(await locked).toBe("OVERLOAD");
    // Now the pool comes to it.
    const answers = new BatchWriter();
    const shared = new SharedState({
      clock,
      memoryBytes: MIB,
      valueLimitBytes: MIB,
      stirred() {},
      overheld() {},
      persist: false,
      inherited() {},
    });
    const asker = { id: 1, answers };
    const bring = (from: BatchWriter, take: (payload: Buffer) => void): void => {
      const batch = Buffer.from(from.take());
      readBatch(batch, (_kind, _slot, start, end) => take(batch.subarray(start, end)));
    };
    bring(frames, (ask) => shared.asked(asker, ask));
    expect(shared.counts.locks.held).toBe(1);
    bring(answers, (answer) => state.answered(answer));
    bring(frames, (ask) => shared.asked(asker, ask));
    expect(shared.counts.locks.held).toBe(0);
  });

  it("is refused when more is asked than may wait", async () => {
    const state = new LanePoolState({ writer: new BatchWriter(), stirred() {} }, clock);
    const asked = Array.from({ length: 20_000 }, () => state.get("s", "k").catch((fault: Fault) => fault.message));
    state.close(new Fault("OVERLOAD", "over"));
    const said = await Promise.all(asked);
    expect(said.filter((each) => each === "over").length).toBeGreaterThan(16_000);
    expect(said.at(-1)).toMatch(/too much at once/);
    const other = new LanePoolState({ writer: new BatchWriter(), stirred() {} }, clock);
    const big = new Uint8Array(WAITING_BYTES_MAX / 4);
    const many = Array.from({ length: 80 }, (_, n) =>
      other.set("s", `${n}`, n < 64 ? new Uint8Array(1) : big).catch((fault: Fault) => fault.message),
    );
    other.close(new Fault("OVERLOAD", "over"));
    expect((await Promise.all(many)).filter((each) => /too much/.test(String(each)))).toHaveLength(13);
  });

  it("has locks, first come, first served; a worker that is gone lets go of them", async () => {
    const { state, shared } = join();
    const first = await state.lock("L", { waitMs: 1000 });
    const order: string[] = [];
    const second = state.lock("L", { waitMs: 1000 }).then((release) => {
      order.push("second");
      release();
    });
    const third = state.lock("L", { waitMs: 1000 }).then(() => order.push("third"));
    await state.get("s", "k");
    first();
    first();
    await Promise.all([second, third]);
    expect(order).toEqual(["second", "third"]);
    expect(shared.counts.locks).toEqual({ held: 1, waiting: 0 });
    shared.forget(1);
    expect(shared.counts.locks).toEqual({ held: 0, waiting: 0 });
  });

  it("rejects who waits for a lock beyond its time, and who asks of a lane that has closed", async () => {
    const { state, pair } = join();
    await state.lock("L", { waitMs: 1000 });
    const late = state.lock("L", { waitMs: 50 }).catch((fault: Fault) => fault.message);
    await state.get("s", "k");
    clock.advance(50);
    expect(await late).toMatch(/the lock L was not free within 50 ms/);
    open.splice(0);
    await pair.close();
    await expect(state.get("s", "k")).rejects.toThrow("the worker has ended");
  });
});
