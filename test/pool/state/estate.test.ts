import { connect } from "node:net";
import fc from "fast-check";
import type { EstateAddress } from "../../../src/messages/lifecycle.ts";
import { encodeRecord, type Heirloom, RecordReader } from "../../../src/pool/state/estate.ts";
import { SharedState, type SharedStateOptions } from "../../../src/pool/state/shared-state.ts";
import type { LanePoolState } from "../../../workers/pool-state.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type SharedWorkers, sharedWorkers } from "../../support/shared-workers.ts";

describe("records of an estate", () => {
  it("arrive as they were sent, in pieces of any size", () => {
    const text = fc.string({ maxLength: 30, unit: "binary-ascii" });
    const record = fc.record({
      kind: fc.constantFrom(1, 2, 3),
      space: fc.constantFrom("", "cache", "sessions"),
      key: text,
      ttlMs: fc.constantFrom(0, 1.5, Number.POSITIVE_INFINITY),
      value: text,
    });
    fc.assert(
      fc.property(fc.array(record), fc.integer({ min: 1, max: 50 }), (records, size) => {
        const got: Heirloom[] = [];
        const reader = new RecordReader((each) =>
          got.push({ ...each, value: Buffer.from(each.value as Buffer).toString("latin1") }),
        );
        const bytes = Buffer.concat(records.map(encodeRecord));
        for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
        expect(got).toEqual(records);
      }),
    );
  });

  it("are refused when they cannot be any", () => {
    const reader = () => new RecordReader(() => {});
    expect(() => reader().push(Buffer.alloc(100, 255))).toThrow("too long");
    const short = encodeRecord({ kind: 1, space: "s", key: "key", ttlMs: 1, value: "" });
    short.writeUInt16LE(60_000, 6);
    expect(() => reader().push(short)).toThrow("too short");
  });
});

describe("what a process leaves to the one that takes its place", () => {
  let clock: FakeClock;
  let former: SharedWorkers;
  let heir: SharedWorkers;
  let told: string[];
  const MIB = 1024 * 1024;

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    make({});
  });

  afterEach(() => {
    former.shared.close();
    heir.shared.close();
  });

  function make(options: Partial<SharedStateOptions>): void {
    former = sharedWorkers(clock, 1, { persist: true, ...options });
    heir = sharedWorkers(clock, 1, {
      persist: true,
      inherited: (entries, trouble) => told.push(`${entries} ${trouble ?? "all"}`),
      ...options,
    });
  }

  const of = ({ states }: SharedWorkers): LanePoolState => {
    const [state] = states;
    if (state === undefined) throw new Error("no worker");
    return state;
  };
  const set = (on: SharedWorkers, key: string, value: string, ttlMs?: number) =>
    of(on).set("cache", key, Buffer.from(value), ttlMs);
  const get = async (on: SharedWorkers, key: string) => {
    const bytes = await of(on).get("cache", key);
    return bytes && Buffer.from(bytes).toString();
  };
  const estate = async (): Promise<EstateAddress> => {
    const address = await former.shared.bequeath();
    if (address === undefined) throw new Error("nothing is left");
    return address;
  };

  it("is all that is there, with what is left of its time, short and long", async () => {
    await set(former, "a", "1");
    await set(former, "b", "2", 1000);
    await set(former, "c", "3", 100);
    await set(former, "long", "x".repeat(MIB));
    await of(former).set("sessions", "s", Buffer.from([0, 255]));
    clock.advance(600);
    await heir.shared.inherit(await estate());
    expect(told).toEqual(["4 all"]);
    expect([await get(heir, "a"), await get(heir, "b"), await get(heir, "c")]).toEqual(["1", "2", undefined]);
    expect(await get(heir, "long")).toHaveLength(MIB);
    expect(await of(heir).get("sessions", "s")).toEqual(Buffer.from([0, 255]));
    clock.advance(400);
    expect(await get(heir, "b")).toBeUndefined();
  });

  it("is followed by what changes later, but never in the place of what the heir has set itself", async () => {
    await Promise.all(["a", "b", "c", "d"].map((key) => set(former, key, "old")));
    await heir.shared.inherit(await estate());
    await set(heir, "b", "heir's");
    await set(former, "a", "late");
    await set(former, "b", "late");
    await set(former, "e", "late");
    await of(former).delete("cache", "c");
    await of(former).add("cache", "n", 5);
    await of(former).clear("cache", "d");
    await former.shared.finish(1000);
    await eventually(async () => (await get(heir, "n")) === "5");
    const keys = ["a", "b", "c", "d", "e"];
    expect(await Promise.all(keys.map((key) => get(heir, key)))).toEqual([
      "late",
      "heir's",
      undefined,
      undefined,
      "late",
    ]);
  });

  it("is not what the heir has deleted, whatever the former one's last requests make of it", async () => {
    await Promise.all(["session", "other", "brief"].map((key) => set(former, key, "old")));
    await heir.shared.inherit(await estate());
    await of(heir).delete("cache", "session");
    await of(heir).delete("cache", "not there yet");
    // As a session whose id was changed: known as an old one for a moment.
    await set(heir, "brief", "moved", 10);
    clock.advance(10);
    await of(heir).clear("cache", "o");
    for (const key of ["session", "not there yet", "brief", "other", "last"]) await set(former, key, "late");
    await former.shared.finish(1000);
    await eventually(async () => (await get(heir, "last")) === "late");
    const keys = ["session", "not there yet", "brief", "other"];
    expect(await Promise.all(keys.map((key) => get(heir, key)))).toEqual([undefined, undefined, undefined, undefined]);
    await set(heir, "session", "new");
    expect(await get(heir, "session")).toBe("new");
  });

  it("goes on to the next one but one, with what the first one's last requests change", async () => {
    await Promise.all(["a", "b"].map((key) => set(former, key, "old")));
    await heir.shared.inherit(await estate());
    const next = sharedWorkers(clock, 1, { persist: true });
    const address = await heir.shared.bequeath();
    if (address === undefined) throw new Error("nothing is left");
    await next.shared.inherit(address);
    expect(await get(next, "a")).toBe("old");
    await set(former, "a", "late");
    await of(former).delete("cache", "b");
    // Not there when the heir gave what it had.
    await set(former, "new", "late");
    await eventually(async () => (await get(next, "a")) === "late" && (await get(next, "b")) === undefined);
    await eventually(async () => (await get(next, "new")) === "late");
    next.shared.close();
  });

  it("is also a space that the first one's last requests are the first to use", async () => {
    await set(former, "a", "old");
    await heir.shared.inherit(await estate());
    const next = sharedWorkers(clock, 1, { persist: true });
    await next.shared.inherit((await heir.shared.bequeath()) as EstateAddress);
    await of(former).set("sessions", "s", Buffer.from("late"));
    await eventually(async () => (await of(next).get("sessions", "s")) !== undefined);
    next.shared.close();
  });

  it("is many entries at once, while the one who leaves goes on answering", async () => {
    for (let n = 0; n < 5000; n++) void set(former, `k${n}`, `${n}`.padEnd(500));
    await get(former, "k");
    const inherited = heir.shared.inherit(await estate());
    for (let n = 0; n < 200; n++) await set(former, `k${n}`, "changed");
    await inherited;
    await former.shared.finish(1000);
    await eventually(async () => (await get(heir, "k199")) === "changed");
    expect(heir.shared.counts.spaces.cache?.entries).toBe(5000);
  });

  it("is waited for by the one who leaves until the heir has it, and not when the heir is gone", async () => {
    for (let n = 0; n < 5000; n++) void set(former, `k${n}`, `${n}`.padEnd(500));
    await get(former, "k");
    const inherited = heir.shared.inherit(await estate());
    await eventually(() => (heir.shared.counts.spaces.cache?.entries ?? 0) > 0);
    // The clock stands still: only the heir's having it all ends this.
    await former.shared.finish(1000);
    await inherited;
    expect(heir.shared.counts.spaces.cache?.entries).toBe(5000);
    await former.shared.finish(1000);

    former = sharedWorkers(clock, 1, { persist: true });
    await set(former, "k", "1");
    await heir.shared.inherit(await estate());
    heir.shared.close();
    await former.shared.finish(1000);
  });

  it("is without the cache where that is not to persist, and nothing at all where nothing is kept", async () => {
    make({ persist: false });
    await set(former, "a", "1");
    expect(await former.shared.bequeath()).toBeUndefined();
    await of(former).set("sessions", "s", Buffer.from("1"));
    await heir.shared.inherit(await estate());
    expect([heir.shared.counts.spaces.sessions?.entries, await get(heir, "a")]).toEqual([1, undefined]);
  });

  it("takes no locks along", async () => {
    await set(former, "a", "1");
    await of(former).lock("L", { waitMs: 100 });
    await heir.shared.inherit(await estate());
    expect(heir.shared.counts.locks.held).toBe(0);
  });

  it("is within the heir's own bounds", async () => {
    heir = sharedWorkers(clock, 1, { persist: true, valueLimitBytes: 1000, memoryBytes: 20_000 });
    for (let n = 0; n < 100; n++) await set(former, `k${n}`, "x".repeat(100));
    await set(former, "long", "x".repeat(2000));
    await heir.shared.inherit(await estate());
    expect(heir.shared.counts.spaces.cache?.bytes).toBeLessThanOrEqual(20_000);
    expect(await get(heir, "long")).toBeUndefined();
  });

  it("is for nobody who does not know the key", async () => {
    await set(former, "secret", "1");
    const { path, key } = await estate();
    for (const said of ["", "x", key.slice(1), `${key}x`, key.replaceAll(/./g, "0")]) {
      const stranger = connect(path);
      let got = "";
      stranger.on("data", (bytes: Buffer) => {
        got += bytes.toString();
      });
      if (said === "") stranger.end();
      else stranger.end(said);
      await new Promise((resolve) => stranger.on("close", resolve));
      expect(got).toBe("");
    }
    await heir.shared.inherit({ path, key });
    expect(await get(heir, "secret")).toBe("1");
  });

  it("is not waited for when it is not there, and the log says so", async () => {
    await heir.shared.inherit({ path: "\0holdfast-nobody", key: "k" });
    expect(told).toEqual([expect.stringMatching(/^0 .*ECONNREFUSED/)]);
  });

  it("is waited for no longer than two seconds, and what comes later is taken all the same", async () => {
    const slow = new SharedState({
      clock,
      memoryBytes: MIB,
      valueLimitBytes: MIB,
      persist: true,
      stirred() {},
      overheld() {},
      inherited: (entries, trouble) => told.push(`${entries} ${trouble ?? "all"}`),
    });
    await set(former, "a", "1");
    const address = await estate();
    let served = false;
    const inherited = slow.inherit(address).then(() => {
      served = true;
    });
    // Its own time is over before the loop turns for the socket.
    clock.advance(2000);
    await inherited;
    expect([served, told]).toEqual([true, []]);
    await eventually(() => told.length > 0);
    expect([told, slow.counts.spaces.cache?.entries]).toEqual([["1 all"], 1]);
    slow.close();
  });

  it("is closed when nobody comes for it in time", async () => {
    await set(former, "a", "1");
    const address = await estate();
    clock.advance(10_000);
    await heir.shared.inherit(address);
    expect(told).toEqual([expect.stringMatching(/^0 /)]);
  });
});
