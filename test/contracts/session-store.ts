// What every session store keeps to, whatever keeps it. Two stores stand for two workers.

import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { FINAL, type Lease, type SessionStore } from "../../workers/session/store.ts";
import { eventually } from "../support/eventually.ts";

export interface StoreUnderTest {
  /** Another worker's store over the same sessions. */
  open(namespace?: string): Promise<SessionStore>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Locks end with their holder, so that a lease has no end of its own. */
interface Traits {
  readonly leaseless?: boolean;
}

export function sessionStoreContract(start: () => Promise<StoreUnderTest>, { leaseless = false }: Traits = {}): void {
  let under: StoreUnderTest;
  let store: SessionStore;
  let other: SessionStore;

  beforeAll(async () => {
    under = await start();
    store = await under.open();
    other = await under.open();
  });
  afterAll(async () => {
    await store?.close();
    await other?.close();
    await under?.close();
  });

  const newKey = (): string => randomBytes(32).toString("hex");
  const lease = (ms = 30_000): Lease => ({ token: randomBytes(16).toString("hex"), ms });
  const inAnHour = (): number => Date.now() + 3_600_000;
  const about = (expiresAt: number) => expect.closeTo(expiresAt, -2);

  /** So many turns of the event loop. */
  const turns = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await turn();
  };

  async function made(text = "text", held?: Lease): Promise<string> {
    const key = newKey();
    await store.create(key, { text, expiresAt: inAnHour() }, held);
    return key;
  }

  it("has nothing under a key that nobody was given", async () => {
    const key = newKey();
    expect(await store.read(key)).toBeUndefined();
    expect(await store.claim(key, lease())).toBeUndefined();
    expect(await store.touch(key, inAnHour())).toBe(false);
    expect(await store.update(key, { text: "x", expiresAt: inAnHour() }, undefined)).toBe("gone");
    await store.destroy(key);
    await store.release(key, lease());
    expect(await other.read(key)).toBeUndefined();
  });

  it("keeps a text, whatever is in it, for all workers", async () => {
    const text = JSON.stringify({ text: "ä😀 '\"\\ \0 \u2028", long: "x".repeat(60_000) });
    const expiresAt = inAnHour();
    const key = newKey();
    await store.create(key, { text, expiresAt }, undefined);
    expect(await other.read(key)).toEqual({ text, expiresAt: about(expiresAt) });
  });

  it("replaces what is there, and never makes what is not", async () => {
    const key = await made("one");
    const expiresAt = Date.now() + 60_000;
    expect(await other.update(key, { text: "two", expiresAt }, undefined)).toBe("written");
    expect(await store.read(key)).toEqual({ text: "two", expiresAt: about(expiresAt) });
    await store.destroy(key);
    expect(await other.update(key, { text: "three", expiresAt }, undefined)).toBe("gone");
    expect(await store.read(key)).toBeUndefined();
  });

  it("has no more what was destroyed, whoever changes it without a lock at the same time", async () => {
    for (let n = 0; n < 50; n++) {
      const key = await made("one");
      const expiresAt = inAnHour();
      await Promise.all([
        other.update(key, { text: "two", expiresAt }, undefined),
        store.update(key, { text: "three", expiresAt }, undefined),
        turns(n).then(() => store.destroy(key)),
      ]);
      expect([n, await store.read(key)]).toEqual([n, undefined]);
    }
  });

  it("keeps a final text whoever had the session open, held or not, until its time is over", async () => {
    const [key, heldKey] = [await made("one"), await made("one")];
    const expiresAt = Date.now() + 60_000;
    const mine = lease();
    await store.claim(heldKey, mine);
    expect(await store.update(key, { text: FINAL, expiresAt }, undefined)).toBe("written");
    expect(await store.update(heldKey, { text: FINAL, expiresAt }, mine)).toBe("written");
    expect(await other.update(key, { text: "back", expiresAt: inAnHour() }, undefined)).toBe("gone");
    expect(await other.update(key, { text: FINAL, expiresAt: inAnHour() }, undefined)).toBe("gone");
    expect(await store.update(heldKey, { text: "back", expiresAt: inAnHour() }, mine)).toBe("gone");
    for (const each of [key, heldKey]) {
      expect(await other.touch(each, inAnHour())).toBe(false);
      expect(await other.read(each)).toEqual({ text: FINAL, expiresAt: about(expiresAt) });
    }
    await store.release(heldKey, mine);
    const theirs = lease();
    expect(await other.claim(heldKey, theirs)).toMatchObject({ text: FINAL });
    await other.release(heldKey, theirs);
  });

  it("has one who wins where two make a text final at once", async () => {
    for (let n = 0; n < 10; n++) {
      const key = await made("one");
      const final = { text: FINAL, expiresAt: inAnHour() };
      const both = await Promise.all([store.update(key, final, undefined), other.update(key, final, undefined)]);
      expect(both.sort()).toEqual(["gone", "written"]);
    }
  });

  it("touches without changing", async () => {
    const key = await made("kept");
    const expiresAt = Date.now() + 120_000;
    expect(await other.touch(key, expiresAt)).toBe(true);
    expect(await store.read(key)).toEqual({ text: "kept", expiresAt: about(expiresAt) });
  });

  it("has no more what has expired", async () => {
    const key = newKey();
    await store.create(key, { text: "short", expiresAt: Date.now() + 300 }, undefined);
    await eventually(async () => (await store.read(key)) === undefined);
    expect(await other.claim(key, lease())).toBeUndefined();
    expect(await other.touch(key, inAnHour())).toBe(false);
    expect(await other.update(key, { text: "x", expiresAt: inAnHour() }, undefined)).toBe("gone");
    for (let round = 0; round < 8; round++) await store.sweep?.();
    expect(await other.read(key)).toBeUndefined();
  });

  it("sweeps nothing that is still there", async () => {
    const key = await made("alive");
    for (let round = 0; round < 8; round++) await store.sweep?.();
    expect((await other.read(key))?.text).toBe("alive");
  });

  it("is held by one at a time, and read by all", async () => {
    const key = await made("held");
    const mine = lease();
    expect(await store.claim(key, mine)).toMatchObject({ text: "held" });
    expect(await other.claim(key, lease())).toBe("held");
    expect(await store.claim(key, lease())).toBe("held");
    expect((await other.read(key))?.text).toBe("held");
    expect(await store.update(key, { text: "changed", expiresAt: inAnHour() }, mine)).toBe("written");
    expect(await other.claim(key, lease())).toBe("held");
    await store.release(key, mine);
    const theirs = lease();
    expect(await other.claim(key, theirs)).toMatchObject({ text: "changed" });
    await other.release(key, theirs);
  });

  it("may be held from the moment in which it is made", async () => {
    const mine = lease();
    const key = await made("new", mine);
    expect(await other.claim(key, lease())).toBe("held");
    expect(await store.update(key, { text: "newer", expiresAt: inAnHour() }, mine)).toBe("written");
    await store.release(key, mine);
    const theirs = lease();
    expect(await other.claim(key, theirs)).toMatchObject({ text: "newer" });
    await other.release(key, theirs);
  });

  it("is let go of by nobody but its holder", async () => {
    const key = await made();
    const mine = lease();
    await store.claim(key, mine);
    await other.release(key, lease());
    await store.release(key, lease());
    expect(await other.claim(key, lease())).toBe("held");
    await store.release(key, mine);
  });

  it("takes nothing from one who does not hold it", async () => {
    const key = await made("theirs");
    const theirs = lease();
    await other.claim(key, theirs);
    expect(await store.update(key, { text: "mine", expiresAt: inAnHour() }, lease())).toBe("lost");
    expect((await store.read(key))?.text).toBe("theirs");
    await other.release(key, theirs);
    expect(await other.update(key, { text: "late", expiresAt: inAnHour() }, theirs)).toBe("lost");
  });

  it("is destroyed with its lock", async () => {
    const key = await made();
    const mine = lease();
    await store.claim(key, mine);
    await store.destroy(key);
    expect(await store.update(key, { text: "back", expiresAt: inAnHour() }, mine)).not.toBe("written");
    await store.release(key, mine);
    expect(await other.claim(key, lease())).toBeUndefined();
  });

  it("gives a session that ten want to one after the other", async () => {
    const key = await made("0");
    const stores = [store, other];
    const add = async (index: number): Promise<void> => {
      const each = stores[index % 2] as SessionStore;
      const mine = lease();
      const claimed = await eventually(async () => {
        const found = await each.claim(key, mine);
        return found === "held" ? undefined : found;
      }, 15_000);
      const text = String(Number(claimed.text) + 1);
      expect(await each.update(key, { text, expiresAt: inAnHour() }, mine)).toBe("written");
      await each.release(key, mine);
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => add(index)));
    expect((await store.read(key))?.text).toBe("10");
  });

  it("shows nothing to another namespace", async () => {
    const key = await made("ours");
    const strange = await under.open("strange");
    try {
      expect(await strange.read(key)).toBeUndefined();
      expect(await strange.claim(key, lease())).toBeUndefined();
      await strange.destroy(key);
      expect((await store.read(key))?.text).toBe("ours");
    } finally {
      await strange.close();
    }
  });

  if (leaseless) return;

  it("is free again when the lease of who held it is over, and then not theirs; unless it was renewed", async () => {
    const [key, renewedKey] = [await made("before"), await made("kept")];
    const [dead, renewed] = [lease(1000), lease(1000)];
    await Promise.all([store.claim(key, dead), store.claim(renewedKey, renewed)]);
    expect(await store.renew?.(renewedKey, { ...renewed, ms: 30_000 })).toBe(true);
    expect(await other.claim(key, lease())).toBe("held");
    const mine = lease();
    await eventually(async () => (await other.claim(key, mine)) !== "held", 10_000);
    expect(await store.renew?.(key, dead)).toBe(false);
    expect(await store.update(key, { text: "from the dead", expiresAt: inAnHour() }, dead)).toBe("lost");
    await store.release(key, dead);
    expect(await store.claim(key, lease())).toBe("held");
    await other.release(key, mine);
    expect(await other.claim(renewedKey, lease())).toBe("held");
    expect(await store.update(renewedKey, { text: "mine", expiresAt: inAnHour() }, renewed)).toBe("written");
    await store.release(renewedKey, renewed);
  });
}
