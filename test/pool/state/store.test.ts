import fc from "fast-check";
import { ENTRY_BYTES, Store } from "../../../src/pool/state/store.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const FOR_EVER = Number.POSITIVE_INFINITY;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (kept: string | Buffer | undefined): string | undefined =>
  typeof kept === "string" ? kept : kept?.toString("latin1");

let clock: FakeClock;
let store: Store;

beforeEach(() => {
  clock = new FakeClock();
  store = new Store(clock, 100_000);
});

describe("a space of keys", () => {
  it("gives back what was set, until its time is over", () => {
    store.set("a", bytes("1"), 100);
    store.set("b", bytes("2"), FOR_EVER);
    clock.advance(99);
    expect([textOf(store.get("a")), textOf(store.get("b"))]).toEqual(["1", "2"]);
    clock.advance(1);
    expect([textOf(store.get("a")), textOf(store.get("b"))]).toEqual([undefined, "2"]);
    expect(store.counts).toMatchObject({ entries: 1, hits: 3, misses: 1, evictions: 0 });
  });

  it("keeps a copy, whether the value is short or long", () => {
    for (const length of [10, 100_00]) {
      const value = Buffer.alloc(length, 97);
      store.set("k", value, FOR_EVER);
      value.fill(98);
      expect(textOf(store.get("k"))).toBe("a".repeat(length));
    }
  });

  it("keeps any byte", () => {
    const all = Uint8Array.from({ length: 256 }, (_, n) => n);
    store.set("k", all, FOR_EVER);
    expect(Buffer.from(textOf(store.get("k")) ?? "", "latin1")).toEqual(Buffer.from(all));
  });

  it("makes room with what was used least recently", () => {
    const room = new Store(clock, 3 * (ENTRY_BYTES + 2));
    for (const key of ["a", "b", "c"]) room.set(key, bytes("1"), FOR_EVER);
    room.get("a");
    room.set("d", bytes("1"), FOR_EVER);
    expect(["a", "b", "c", "d"].filter((key) => room.get(key) !== undefined)).toEqual(["a", "c", "d"]);
    expect(room.counts.evictions).toBe(1);
  });

  it("refuses what has no room at all, and forgets the older value with it", () => {
    store.set("k", bytes("1"), FOR_EVER);
    expect(store.set("k", Buffer.alloc(100_000), FOR_EVER)).toBe(false);
    expect(store.counts).toMatchObject({ entries: 0, bytes: 0 });
  });

  it("drops what has expired though nobody asks for it", () => {
    for (let n = 0; n < 10; n++) store.set(`old${n}`, bytes("1"), 10);
    clock.advance(10);
    for (let n = 0; n < 10; n++) store.set(`new${n}`, bytes("1"), FOR_EVER);
    store.sweep(100);
    expect(store.counts).toMatchObject({ entries: 10, evictions: 0 });
  });

  it("adds to numbers, and to nothing else", () => {
    expect(store.add("n", 2, 100)).toBe(2);
    clock.advance(60);
    expect(store.add("n", 0.5, 100)).toBe(2.5);
    expect(textOf(store.get("n"))).toBe("2.5");
    clock.advance(40);
    expect(store.add("n", -1, 100)).toBe(-1);
    for (const text of ["", "abc", "1x", " 1", "0x10", "Infinity", "\xff\x0fI\x02"]) {
      store.set("t", Buffer.from(text, "latin1"), FOR_EVER);
      expect([text, store.add("t", 1, FOR_EVER)]).toEqual([text, text === "0x10" ? 17 : undefined]);
    }
    store.set("n", bytes(String(Number.MAX_VALUE)), FOR_EVER);
    expect(store.add("n", Number.MAX_VALUE, FOR_EVER)).toBeUndefined();
  });

  it("clears in slices what was there, and nothing that comes meanwhile", () => {
    for (let n = 0; n < 10; n++) store.set(`a${n}`, bytes("1"), FOR_EVER);
    store.set("b", bytes("1"), FOR_EVER);
    const steps = store.clear("a", 3);
    steps.next();
    store.set("a9", bytes("2"), FOR_EVER);
    store.set("a10", bytes("2"), FOR_EVER);
    let cleared = 0;
    for (const so of steps) cleared = so;
    expect(cleared).toBe(9);
    expect([...store.entries()].map(({ key }) => key).sort()).toEqual(["a10", "a9", "b"]);
  });
});

/** The same, as simple as it can be: no order of use, no bound. */
class Model {
  readonly #clock: FakeClock;
  readonly entries = new Map<string, { value: string; until: number }>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get(key: string): string | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.until > this.#clock.now() ? entry.value : undefined;
  }

  set(key: string, value: string, ttlMs: number): void {
    this.entries.set(key, { value, until: this.#clock.now() + ttlMs });
  }

  delete(key: string): boolean {
    const was = this.get(key) !== undefined;
    this.entries.delete(key);
    return was;
  }

  touch(key: string, ttlMs: number): boolean {
    const value = this.get(key);
    if (value !== undefined) this.set(key, value, ttlMs);
    return value !== undefined;
  }

  swap(key: string, expected: string | undefined, value: string, ttlMs: number): boolean {
    const same = this.get(key) === expected;
    if (same) this.set(key, value, ttlMs);
    return same;
  }
}

const key = fc.constantFrom("a", "b", "c", "aa", "ab");
const value = fc.string({ maxLength: 20, unit: "binary-ascii" });
const ttl = fc.constantFrom(1, 10, 100, FOR_EVER);
const step = fc.oneof(
  fc.record({ op: fc.constant("get" as const), key }),
  fc.record({ op: fc.constant("set" as const), key, value, ttl }),
  fc.record({ op: fc.constant("delete" as const), key }),
  fc.record({ op: fc.constant("touch" as const), key, ttl }),
  fc.record({ op: fc.constant("swap" as const), key, expected: fc.option(value, { nil: undefined }), value, ttl }),
  fc.record({ op: fc.constant("advance" as const), ms: fc.nat(50) }),
  fc.record({ op: fc.constant("sweep" as const), most: fc.nat(5) }),
);

describe("whatever is done with a space", () => {
  it("it says what a map with deadlines says", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        clock = new FakeClock();
        store = new Store(clock, 1_000_000);
        const model = new Model(clock);
        for (const each of steps) {
          switch (each.op) {
            case "get":
              expect(textOf(store.get(each.key))).toBe(model.get(each.key));
              break;
            case "set":
              store.set(each.key, bytes(each.value), each.ttl);
              model.set(each.key, each.value, each.ttl);
              break;
            case "delete":
              expect(store.delete(each.key)).toBe(model.delete(each.key));
              break;
            case "touch":
              expect(store.touch(each.key, each.ttl)).toBe(model.touch(each.key, each.ttl));
              break;
            case "swap": {
              const { expected, value, ttl } = each;
              const swapped = store.swap(
                each.key,
                expected === undefined ? undefined : bytes(expected),
                bytes(value),
                ttl,
              );
              expect(swapped).toBe(model.swap(each.key, expected, value, ttl));
              break;
            }
            case "advance":
              clock.advance(each.ms);
              break;
            case "sweep":
              store.sweep(each.most);
              break;
          }
        }
        const left = [...store.entries()].map(({ key, value }) => [key, textOf(value)]);
        const wanted = [...model.entries.keys()].filter((key) => model.get(key) !== undefined);
        expect(new Map(left as [string, string][])).toEqual(new Map(wanted.map((key) => [key, model.get(key)])));
      }),
    );
  });

  it("it never holds more than its bound, and counts what it holds", () => {
    const limit = 4 * (ENTRY_BYTES + 100);
    const sized = fc.record({ key, length: fc.nat(1500), ttl, ms: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(sized, { maxLength: 60 }), (steps) => {
        clock = new FakeClock();
        store = new Store(clock, limit);
        for (const { key, length, ttl, ms } of steps) {
          expect(store.set(key, Buffer.alloc(length), ttl)).toBe(ENTRY_BYTES + key.length + length <= limit);
          expect(store.counts.bytes).toBeLessThanOrEqual(limit);
          clock.advance(ms);
        }
        store.sweep(100);
        const held = [...store.entries()].reduce(
          (sum, { key, value }) => sum + ENTRY_BYTES + key.length + value.length,
          0,
        );
        expect(store.counts.bytes).toBe(held);
      }),
    );
  });
});
