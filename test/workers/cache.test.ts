import type { Cache } from "../../src/app/shared.ts";
import type { Fault } from "../../src/base/fault.ts";
import { PoolCache } from "../../workers/cache.ts";
import { NO_POOL_STATE, type PoolState } from "../../workers/pool-state.ts";
import { cacheOf } from "../../workers/shared-on-demand.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type SharedWorkers, sharedWorkers } from "../support/shared-workers.ts";

let clock: FakeClock;
let workers: SharedWorkers;
let one: Cache;
let other: Cache;

beforeEach(() => {
  clock = new FakeClock();
  workers = sharedWorkers(clock, 2);
  [one, other] = workers.states.map((state): Cache => new PoolCache(state)) as [Cache, Cache];
});

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing was refused",
    (fault: Fault) => `${fault.code} ${fault.status}: ${fault.message}. ${fault.hint ?? ""}`,
  );

describe("the cache that workers share", () => {
  it("brings one worker what another has set", async () => {
    await one.set("k", { tea: 3 });
    expect(await other.get("k")).toEqual({ tea: 3 });
    expect([await other.has("k"), await other.has("x")]).toEqual([true, false]);
    expect([await other.delete("k"), await one.get("k"), await one.delete("k")]).toEqual([true, undefined, false]);
  });

  it.each<[string, unknown]>([
    ["text", "Größe \u{1f600} \0"],
    ["no text", ""],
    ["whole numbers", 42],
    ["other numbers", -1.5e300],
    ["negative zero", -0],
    ["NaN", Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY],
    ["large integers", 2n ** 80n],
    ["null", null],
    ["truth", false],
    ["dates", new Date(0)],
    ["bytes", new Uint8Array([1, 2, 255])],
    ["numbers of 8 bytes", new Float64Array([1.5, -0])],
    ["maps and sets", new Map<unknown, unknown>([["a", new Set([1])]])],
    ["patterns", /x+/giu],
    ["deep values", { a: [1, { b: [undefined, null] }], "": "" }],
  ])("gives back %s as they were", async (_what, value) => {
    await one.set("k", value);
    expect(await other.get("k")).toStrictEqual(value);
  });

  it("gives back what refers to itself, and errors", async () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    await one.set("k", [loop, new TypeError("bad")]);
    const [got, error] = (await other.get<[typeof loop, Error]>("k")) ?? [];
    expect(got?.self).toBe(got);
    expect([error?.name, error?.message]).toEqual(["TypeError", "bad"]);
  });

  it("gives everybody a value of his own", async () => {
    const mine = { list: [1] };
    await one.set("k", mine);
    mine.list.push(2);
    const first = await one.get<typeof mine>("k");
    first?.list.push(3);
    expect(await one.get("k")).toEqual({ list: [1] });
  });

  it("gives arrays memory of their own, however they lie in what is kept", async () => {
    const arrays = [new Uint8Array([1]), Buffer.from("ab"), new Float64Array([1.5]), new DataView(new ArrayBuffer(3))];
    for (const shift of ["", "x", "xx", "xxx"]) {
      await one.set("k", [shift, ...arrays]);
      const [, ...got] = (await other.get<[string, ...typeof arrays]>("k")) ?? [];
      expect(got).toEqual(arrays);
      expect(got.map(({ buffer }) => buffer.byteLength)).toEqual([1, 2, 8, 3]);
      expect(got.map(Buffer.isBuffer)).toEqual([false, true, false, false]);
    }
  });

  it("forgets after the time to live, in any unit", async () => {
    for (const [ttl, ms] of [
      [250, 250],
      ["250ms", 250],
      ["1.5s", 1500],
      ["2m", 120_000],
      ["3h", 10_800_000],
      ["1d", 86_400_000],
    ] as const) {
      await one.set("k", 1, { ttl });
      clock.advance(ms - 1);
      expect([ttl, await one.has("k")]).toEqual([ttl, true]);
      clock.advance(1);
      expect([ttl, await one.has("k")]).toEqual([ttl, false]);
    }
  });

  it("counts, as one step, also what was set", async () => {
    const sums = await Promise.all(
      Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? one : other).increment("hits", 1, { ttl: "1m" })),
    );
    expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(await one.get("hits")).toBe(100);
    await one.set("n", 1.5);
    expect(await other.increment("n", -1)).toBe(0.5);
    expect(await other.increment("new")).toBe(1);
    clock.advance(60_000);
    expect(await one.get("hits")).toBeUndefined();
  });

  it("changes what is there only if it is what was expected", async () => {
    expect(await one.compareAndSet("k", undefined, { n: 1 })).toBe(true);
    expect(await other.compareAndSet("k", undefined, { n: 2 })).toBe(false);
    expect(await other.compareAndSet("k", { n: 2 }, { n: 3 })).toBe(false);
    expect(await other.compareAndSet("k", { n: 1 }, { n: 3 })).toBe(true);
    expect(await one.compareAndSet("gone", 1, 2)).toBe(false);
    expect(await one.get("k")).toEqual({ n: 3 });
  });

  it("compares values and not how V8 happens to keep them", async () => {
    const [half] = new Float64Array([0.5]);
    // A number that is kept as a double, and text of two bytes a char that needs one.
    await one.set("k", { n: (half ?? 0) * 2, text: "\u{1f600}abc".slice(2) });
    const read = await other.get<{ n: number; text: string }>("k");
    expect(await other.compareAndSet("k", read, 1)).toBe(true);
    class Point {
      x = 1;
    }
    await one.set("k", new Point());
    expect(await other.compareAndSet("k", new Point(), 2)).toBe(true);
  });

  it("loses none of the changes that are made with compareAndSet at one time", async () => {
    await one.set("list", []);
    const add = async (cache: Cache, n: number): Promise<void> => {
      for (;;) {
        const list = (await cache.get<number[]>("list")) ?? [];
        if (await cache.compareAndSet("list", list, [...list, n])) return;
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? one : other, n)));
    expect((await one.get<number[]>("list"))?.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("keeps what a value was when it was given, also with the first use, which loads it", async () => {
    const cache = cacheOf(workers.states[0] as PoolState);
    const value = { n: 1 };
    const set = cache.set("k", value);
    value.n = 2;
    await set;
    expect(await other.get("k")).toEqual({ n: 1 });
    const expected = { n: 1 };
    const changed = cache.compareAndSet("k", expected, value);
    expected.n = value.n = 3;
    expect(await changed).toBe(true);
    expect(await other.get("k")).toEqual({ n: 2 });
  });

  it("clears all, or what begins with a prefix", async () => {
    for (const key of ["a:1", "a:2", "b:1", "ä:1"]) await one.set(key, 1);
    expect(await other.clear("a:")).toBe(2);
    expect([await one.has("a:1"), await one.has("b:1")]).toEqual([false, true]);
    expect(await one.clear("ä")).toBe(1);
    expect(await one.clear()).toBe(1);
  });

  it("refuses what cannot be kept, and says what to do", async () => {
    expect(await refusal(one.set("k", undefined))).toBe(
      'HANDLER 500: undefined cannot be kept under "k" in the cache. Delete the key, or keep null.',
    );
    expect(await refusal(one.set("k", { f() {} }))).toMatch(/HANDLER 500: .*"k" cannot be kept.*could not be cloned/);
    expect(await refusal(one.set("k", "x".repeat(2 ** 20)))).toMatch(/HANDLER 500: .* over the limit of 1048576/);
    expect(await refusal(one.set("k", 1, { ttl: 0 }))).toMatch(/HANDLER 500: ttl cannot be 0\. Give milliseconds/);
    expect(await refusal(one.set("k", 1, { ttl: "soon" as "1s" }))).toMatch(/ttl cannot be "soon"/);
    expect(await refusal(one.get(5 as unknown as string))).toMatch(/a key of the cache is text, not number/);
    await one.set("k", "text");
    expect(await refusal(one.increment("k"))).toMatch(/"k" is no number/);
    expect(await refusal(cacheOf(NO_POOL_STATE).get("k"))).toMatch(/has no pool/);
  });
});

describe("cache.remember", () => {
  it("makes a value once, whoever asks, until its time is over", async () => {
    let made = 0;
    const ask = (cache: Cache) => cache.remember("k", { ttl: 100 }, async () => ({ n: ++made }));
    expect(await Promise.all([ask(one), ask(other), ask(one), ask(other)])).toEqual(Array(4).fill({ n: 1 }));
    expect(await ask(other)).toEqual({ n: 1 });
    clock.advance(100);
    expect(await ask(one)).toEqual({ n: 2 });
    await eventually(() => workers.shared.counts.locks.held === 0);
  });

  it("gives each of those who wait a value of his own", async () => {
    const all = await Promise.all(Array.from({ length: 3 }, () => one.remember("k", {}, () => ({ list: [1] }))));
    all[0]?.list.push(2);
    expect(all.slice(1)).toEqual([{ list: [1] }, { list: [1] }]);
    expect(await one.get("k")).toEqual({ list: [1] });
    const arrays = await Promise.all(
      Array.from({ length: 4 }, () => one.remember("bytes", {}, () => new Uint8Array(8))),
    );
    for (const [n, array] of arrays.entries()) array.fill(n + 1);
    expect(arrays.map(([first]) => first)).toEqual([1, 2, 3, 4]);
    // Nor does their memory hold anything of others.
    for (const { buffer } of arrays) expect(buffer.byteLength).toBe(8);
    expect(await one.get("bytes")).toEqual(new Uint8Array(8));
  });

  it("hands its error to those who wait in this worker, and lets another worker try", async () => {
    let tries = 0;
    const fails = () => {
      tries++;
      return Promise.reject(new Error("down"));
    };
    const said = await Promise.all([
      refusal(one.remember("k", {}, fails)),
      refusal(one.remember("k", {}, fails)),
      other.remember("k", {}, () => "up"),
    ]);
    expect(said.map((each) => each.includes("down"))).toEqual([true, true, false]);
    expect([tries, await one.remember("k", {}, fails)]).toEqual([1, "up"]);
  });

  it("keeps nothing of what is undefined or too long, and returns it all the same", async () => {
    const long = "x".repeat(2 ** 20);
    const warned: unknown[] = [];
    const { warn } = console;
    console.warn = (text: unknown) => warned.push(text);
    try {
      expect(await one.remember("k", {}, () => undefined)).toBeUndefined();
      expect(await one.remember("k", {}, () => long)).toBe(long);
    } finally {
      console.warn = warn;
    }
    expect(warned).toEqual([expect.stringMatching(/made anew each time.*over the limit/)]);
    expect(await one.has("k")).toBe(false);
  });

  it("refuses to wait for itself, instead of waiting for ever", async () => {
    const nested = one.remember("k", {}, () => one.remember("k", {}, () => 1));
    expect(await refusal(nested)).toMatch(/HANDLER 500: what makes "k" for the cache waits for itself/);
    expect(await one.remember("a", {}, () => one.remember("b", {}, () => 1))).toBe(1);
  });

  it("waits for another worker no longer than it says", async () => {
    let finish = (_value: number): void => {};
    const making = one.remember(
      "k",
      {},
      () =>
        new Promise<number>((resolve) => {
          finish = resolve;
        }),
    );
    await eventually(() => workers.shared.counts.locks.held === 1);
    const late = refusal(other.remember("k", { wait: "1s" }, () => 2));
    await eventually(() => workers.shared.counts.locks.waiting === 1);
    clock.advance(1000);
    expect(await late).toMatch(/OVERLOAD 503: the lock remember:k was not free within 1000 ms/);
    expect(await refusal(one.remember("k", { wait: 1 }, () => 2))).toMatch(/OVERLOAD 503: "k" .* not made within 1 ms/);
    finish(1);
    expect(await making).toBe(1);
  });
});
