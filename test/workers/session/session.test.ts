import { setImmediate as turn } from "node:timers/promises";
import type { Session } from "../../../src/app/session.ts";
import type { Fault } from "../../../src/base/fault.ts";
import { isId, keyOf, newId } from "../../../workers/session/id.ts";
import { readRecord } from "../../../workers/session/record.ts";
import type { SessionStore } from "../../../workers/session/store.ts";
import { MOVED_MS } from "../../../workers/session/stored-session.ts";
import { type Bag, SessionSite, type SiteOptions, type Visit, Visitor } from "../../support/session-visitor.ts";

const MINUTE = 60_000;
const SECRETS = ["the first secret, long enough to be one", "the second secret, long enough to be one"] as const;

function setUp(options: SiteOptions & { readonly https?: boolean } = {}) {
  const site = new SessionSite();
  const worker = site.worker(options);
  return { site, worker, visitor: new Visitor(worker, { https: options.https ?? false }) };
}

const put = (data: Bag) => async (visit: { open: () => Promise<{ data: Bag }> }) => {
  Object.assign((await visit.open()).data, data);
};

describe("ctx.session", () => {
  it("costs nothing where no handler opens it", async () => {
    const { site, visitor } = setUp();
    const { setCookie, cacheControl } = await visitor.visit(() => {});
    expect([site.asked, setCookie, cacheControl]).toEqual([[], undefined, null]);
  });

  it("begins when something is put in, and not by being opened", async () => {
    const { site, visitor } = setUp();
    const opened = await visitor.visit(async ({ open }) => {
      const session = await open();
      expect([session.isNew, session.data, isId(session.id)]).toEqual([true, Object.create(null), true]);
    });
    expect([site.asked, opened.setCookie]).toEqual([[], undefined]);
    const begun = await visitor.visit(put({ user: "ann" }));
    expect(begun.setCookie).toMatch(/^session=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(await visitor.look()).toEqual({ user: "ann" });
  });

  it("is the same object however often it is opened in a request, and waits for itself never", async () => {
    const { visitor } = setUp({ session: { lockTimeoutMs: 100 } });
    await visitor.visit(put({ count: 1 }));
    const { error } = await visitor.visit(async ({ open, request }) => {
      const [one, two] = await Promise.all([open(), open()]);
      expect(one).toBe(two);
      expect(one.isNew).toBe(false);
      one.data.count = 2;
      expect(await request.peek<Bag>()).toEqual({ count: 2 });
      expect(await open()).toBe(one);
    });
    expect(error).toBeUndefined();
    expect(await visitor.look()).toEqual({ count: 2 });
  });

  it("writes only what has changed, at any depth, and sets its cookie once", async () => {
    const { site, visitor } = setUp();
    await visitor.visit(put({ cart: [{ id: 1, n: 1 }] }));
    site.asked.length = 0;
    const read = await visitor.visit(async ({ open }) => expect((await open()).data.cart).toEqual([{ id: 1, n: 1 }]));
    expect([site.asked, read.setCookie, read.cacheControl]).toEqual([["wait", "release"], undefined, "private"]);
    const changed = await visitor.visit(async ({ open }) => {
      const { cart } = (await open()).data as { cart: { n: number }[] };
      (cart[0] as { n: number }).n = 2;
    });
    expect([site.asked.slice(2), changed.setCookie]).toEqual([["wait", "update", "release"], undefined]);
    expect(await visitor.look()).toEqual({ cart: [{ id: 1, n: 2 }] });
  });

  it("keeps names that objects have by birth, and pollutes nothing [CVE-2026-21710]", async () => {
    const { visitor } = setUp();
    await visitor.visit(async ({ open }) => {
      const { data } = await open();
      for (const name of ["__proto__", "constructor", "toString", "then"]) data[name] = { polluted: name };
    });
    await visitor.visit(async ({ open }) => {
      const { data } = await open();
      expect(Object.keys(data)).toEqual(["__proto__", "constructor", "toString", "then"]);
      expect(Object.getPrototypeOf(data)).toBeNull();
    });
    expect(({} as Bag).polluted).toBeUndefined();
  });

  it("is peeked at without waiting, and without changing", async () => {
    const { visitor } = setUp();
    expect(await visitor.look()).toBeUndefined();
    await visitor.visit(put({ user: "ann" }));
    const { error } = await visitor.visit(async ({ open }) => {
      const { data } = await open();
      // Another request of the same visitor, while this one holds the session.
      expect(await visitor.look()).toEqual({ user: "ann" });
      data.user = "bob";
    });
    expect(error).toBeUndefined();
    await visitor.visit(async ({ request }) => {
      const seen = (await request.peek<Bag>()) as Bag;
      expect(() => {
        seen.user = "eve";
      }).toThrow(TypeError);
    });
    expect(await visitor.look()).toEqual({ user: "bob" });
  });

  it("refuses what JSON cannot hold, and says what it was", async () => {
    const { visitor } = setUp();
    for (const [value, name] of [
      [new Map(), "Map"],
      [new Set(), "Set"],
      [1n, "bigint"],
      [() => 1, "function"],
      [Buffer.from("x").buffer.slice(0, 1) && new Uint8Array(1), "Uint8Array"],
    ] as const) {
      const { error } = await visitor.visit(put({ it: value }));
      expect(error?.message).toBe(`a session cannot hold a ${name} ("it")`);
    }
    const round: Bag = {};
    round.self = round;
    expect((await visitor.visit(put({ round }))).error?.message).toMatch(/cannot be written as JSON/);
    expect(visitor.cookies.size).toBe(0);
  });

  it("has a bound, and the error names it", async () => {
    const { visitor } = setUp({ session: { maxBytes: 1024 } });
    const { error } = await visitor.visit(put({ text: "ä".repeat(600) }));
    expect(error?.message).toMatch(/^the session has \d+ bytes; session.max_bytes is 1024$/);
    await visitor.visit(put({ text: "short" }));
    await visitor.visit(put({ text: "x".repeat(2000) }));
    expect(await visitor.look()).toEqual({ text: "short" });
  });

  it("changes nothing where the handler fails, but for what it saved itself", async () => {
    const { visitor } = setUp();
    await visitor.visit(put({ tries: 0, money: 1 }));
    await visitor.visit(async ({ open }) => {
      const session = await open();
      session.data.tries = 1;
      await session.save();
      session.data.money = 0;
      throw new Error("failed");
    });
    expect(await visitor.look()).toEqual({ tries: 1, money: 1 });
  });

  it("keeps its cookie where the handler fails after it has saved a new one, or another id, or has destroyed it", async () => {
    const { visitor } = setUp();
    const failing = (work: (session: Session<Bag>) => unknown) =>
      visitor.visit(async ({ open }) => {
        await work(await open());
        throw new Error("fails after that");
      });
    await failing(async (session) => {
      session.data.tries = 1;
      await session.save();
    });
    expect(await visitor.look()).toEqual({ tries: 1 });
    const before = visitor.cookie;
    await failing(async (session) => {
      session.regenerate();
      await session.save();
    });
    expect(visitor.cookie).not.toBe(before);
    expect(await visitor.look()).toEqual({ tries: 1 });
    await failing((session) => session.destroy());
    expect(visitor.cookie).toBeUndefined();
    await failing((session) => {
      session.data.tries = 2;
    });
    expect(visitor.cookie).toBeUndefined();
  });

  it("saves once more what was changed while the body was sent", async () => {
    const { visitor } = setUp();
    await visitor.visit(put({ rows: 0 }));
    await visitor.visit(async ({ open, sendHead }) => {
      const session = await open();
      session.data.rows = 1;
      await sendHead();
      session.data.rows = 2;
    });
    expect(await visitor.look()).toEqual({ rows: 2 });
    await visitor.visit(async ({ open, sendHead }) => {
      await sendHead();
      (await open()).data.rows = 3;
    });
    expect(await visitor.look()).toEqual({ rows: 3 });
  });

  it("cannot begin, nor get a new id, once the head is sent: its cookie would be missing", async () => {
    const { visitor } = setUp();
    const late = await visitor.visit(async ({ open, sendHead }) => {
      await sendHead();
      (await open()).data.user = "ann";
    });
    expect(late.error?.message).toMatch(/^a session cannot begin: the reply's head/);
    await visitor.visit(put({ user: "ann" }));
    const again = await visitor.visit(async ({ open, sendHead }) => {
      const session = await open();
      await sendHead();
      session.regenerate();
    });
    expect(again.error?.message).toMatch(/^a session cannot get a new id/);
  });
});

describe("flash messages", () => {
  it("are there for the next one who asks, once", async () => {
    const { visitor } = setUp();
    await visitor.visit(async ({ open }) => (await open()).flash("notice", "Saved."));
    const seen: unknown[] = [];
    const ask = () =>
      visitor.visit(async ({ open }) => {
        const session = await open();
        seen.push(session.flash("notice"), session.flash("other"), Object.keys(session.data).length);
      });
    await ask();
    await ask();
    expect(seen).toEqual(["Saved.", undefined, 0, undefined, undefined, 0]);
  });

  it("hold anything that JSON can", async () => {
    const { visitor } = setUp();
    await visitor.visit(async ({ open }) => (await open()).flash("errors", { name: ["is empty"] }));
    await visitor.visit(async ({ open }) => {
      expect((await open()).flash<Record<string, string[]>>("errors")).toEqual({ name: ["is empty"] });
    });
  });
});

describe("ids", () => {
  it("have 256 random bits, and one way to be written", () => {
    const ids = Array.from({ length: 1000 }, newId);
    expect(new Set(ids).size).toBe(1000);
    expect(ids.every((id) => isId(id) && Buffer.from(id, "base64url").length === 32)).toBe(true);
    expect(Buffer.from(ids[0] ?? "", "base64url").toString("base64url")).toBe(ids[0]);
    const last = (ids[0] ?? "").slice(0, 42);
    const spellings = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].filter((c) =>
      isId(last + c),
    );
    expect(spellings).toHaveLength(16);
    expect(keyOf(ids[0] ?? "")).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["a path", "../../etc/passwd"],
    ["a NUL", `${"A".repeat(42)}\0`],
    ["too short", "A".repeat(42)],
    ["too long", "A".repeat(44)],
    ["another alphabet", `${"A".repeat(42)}+`],
    ["a second spelling", `${"A".repeat(42)}B`],
    ["a prototype's name", "__proto__"],
    ["nothing", ""],
    ["a megabyte", "A".repeat(1_000_000)],
  ])("that are %s never reach a store [CVE-2006-1095]", async (_what, id) => {
    const { site, visitor } = setUp();
    visitor.cookies.set("session", id);
    const { error } = await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(true));
    expect([site.asked, error]).toEqual([[], undefined]);
  });

  it("that we did not issue are never adopted, however right they look", async () => {
    const { site, visitor } = setUp();
    const fixed = newId();
    visitor.cookies.set("session", fixed);
    await visitor.visit(put({ user: "ann" }));
    expect(visitor.cookie).not.toBe(fixed);
    expect(site.asked).toEqual(["wait", "create", "release"]);
    const attacker = new Visitor(site.worker());
    attacker.cookies.set("session", fixed);
    expect(await attacker.look()).toBeUndefined();
  });
});

describe("regenerate", () => {
  it("gives the data a new id when it is saved; the old one is worth nothing", async () => {
    const { worker, visitor } = setUp();
    await visitor.visit(put({ cart: [1] }));
    const attacker = new Visitor(worker);
    attacker.cookies.set("session", visitor.cookie ?? "");
    const before = visitor.cookie;
    const { setCookie } = await visitor.visit(async ({ open }) => {
      const session = await open();
      session.regenerate();
      session.data.user = "ann";
      expect(session.id).not.toBe(before);
    });
    expect(setCookie).toContain(`session=${visitor.cookie};`);
    expect(visitor.cookie).not.toBe(before);
    expect(await visitor.look()).toEqual({ cart: [1], user: "ann" });
    expect(await attacker.look()).toBeUndefined();
  });

  it("leaves a request that was on its way empty-handed for a moment, without logging the visitor out", async () => {
    const { site, worker, visitor } = setUp();
    await visitor.visit(put({ cart: [1] }));
    const late = new Visitor(worker);
    late.cookies.set("session", visitor.cookie ?? "");
    await visitor.visit(async ({ open }) => (await open()).regenerate());
    const dropped = await late.visit(put({ seen: true }));
    expect(dropped).toMatchObject({ setCookie: undefined, error: undefined });
    expect(dropped.lines).toEqual([expect.stringContaining("was dropped")]);
    site.now += MOVED_MS + 1;
    expect((await late.visit(put({ seen: true }))).setCookie).toBeDefined();
    expect(await visitor.look()).toEqual({ cart: [1] });
  });

  it("is undone where the handler fails", async () => {
    const { visitor } = setUp();
    await visitor.visit(put({ user: "ann" }));
    const before = visitor.cookie;
    await visitor.visit(async ({ open }) => {
      (await open()).regenerate();
      throw new Error("failed");
    });
    expect([visitor.cookie, await visitor.look()]).toEqual([before, { user: "ann" }]);
  });

  it("brings back no session that was destroyed meanwhile", async () => {
    const { visitor } = setUp({ session: { lock: false } });
    await visitor.visit(put({ user: "ann" }));
    let id = "";
    const slow = await visitor.visit(async ({ open }) => {
      const session = await open();
      await visitor.visit(async (other) => (await other.open()).destroy());
      session.regenerate();
      id = session.id;
    });
    expect(slow.error).toMatchObject({ code: "OVERLOAD", status: 503 });
    visitor.cookies.set("session", id);
    expect(await visitor.look()).toBeUndefined();
  });

  it("is the end of the old id also where a request without the lock has it open, and saves it afterwards", async () => {
    const { worker, visitor } = setUp({ session: { lock: false } });
    await visitor.visit(put({ user: "ann" }));
    const planted = new Visitor(worker);
    planted.cookies.set("session", visitor.cookie ?? "");
    const late = await planted.visit(async ({ open }) => {
      const session = await open();
      await visitor.visit(async (visit) => (await visit.open()).regenerate());
      expect(await planted.look()).toBeUndefined();
      session.data.cart = 1;
      await session.save();
      session.data.cart = 2;
      session.touch();
    });
    expect([late.error, late.setCookie]).toEqual([undefined, undefined]);
    expect(late.lines).toEqual([
      "a session was destroyed while a request had it open, or got another id; its changes were dropped",
      "what a request put into a session whose id another has just changed was dropped",
    ]);
    expect([await planted.look(), await visitor.look()]).toEqual([undefined, { user: "ann" }]);
  });

  it("means nothing for a session that is not stored yet", async () => {
    const { visitor } = setUp();
    await visitor.visit(async ({ open }) => {
      const session = await open();
      session.regenerate();
      session.data.user = "ann";
    });
    expect(await visitor.look()).toEqual({ user: "ann" });
  });
});

describe("destroy", () => {
  it("deletes the session at once, and its cookie with the reply", async () => {
    const { site, visitor, worker } = setUp({ https: true });
    await visitor.visit(put({ user: "ann" }));
    const stolen = new Visitor(worker, { https: true });
    stolen.cookies.set("__Host-session", visitor.cookie ?? "");
    const { setCookie } = await visitor.visit(async ({ open }) => {
      const session = await open();
      await session.destroy();
      expect([session.isNew, Object.keys(session.data)]).toEqual([true, []]);
    });
    expect(setCookie).toBe("__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    expect(site.asked).toContain("destroy");
    expect([visitor.cookies.size, await stolen.look()]).toEqual([0, undefined]);
  });

  it("lets what is put in afterwards be a new session", async () => {
    const { visitor } = setUp();
    await visitor.visit(put({ user: "ann" }));
    const before = visitor.cookie;
    await visitor.visit(async ({ open }) => {
      const session = await open();
      await session.destroy();
      session.flash("notice", "You are logged out.");
    });
    expect(visitor.cookie).not.toBe(before);
    await visitor.visit(async ({ open }) => expect((await open()).flash("notice")).toBe("You are logged out."));
  });

  it("is not undone by a request that had the session open without its lock", async () => {
    const { visitor } = setUp({ session: { lock: false } });
    await visitor.visit(put({ user: "ann" }));
    const slow = await visitor.visit(async ({ open }) => {
      const session = await open();
      await visitor.visit(async (other) => (await other.open()).destroy());
      session.data.seen = true;
    });
    expect(slow.lines).toEqual([expect.stringContaining("destroyed while a request had it open")]);
    expect([slow.setCookie, await visitor.look()]).toEqual([undefined, undefined]);
  });
});

describe("time", () => {
  it("ends a session that is not used for idle_timeout, and not one that is", async () => {
    const { site, visitor } = setUp({ session: { idleTimeoutMs: 30 * MINUTE } });
    await visitor.visit(put({ user: "ann" }));
    for (let visits = 0; visits < 4; visits++) {
      site.now += 29 * MINUTE;
      await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(false));
    }
    site.now += 29 * MINUTE;
    expect(await visitor.look()).toEqual({ user: "ann" });
    site.now += 29 * MINUTE;
    expect(await visitor.look()).toEqual({ user: "ann" });
    site.now += 30 * MINUTE + 1;
    expect(await visitor.look()).toBeUndefined();
  });

  it("is not written for each that reads, but now and then", async () => {
    const { site, visitor } = setUp({ session: { idleTimeoutMs: 30 * MINUTE } });
    await visitor.visit(put({ user: "ann" }));
    site.asked.length = 0;
    for (let second = 0; second < 120; second += 5) {
      site.now += 5000;
      await visitor.visit(async ({ open }) => (await open()).data.user);
      await visitor.look();
    }
    expect(site.asked.filter((name) => name === "touch")).toHaveLength(1);
    await visitor.visit(async ({ open }) => (await open()).touch());
    expect(site.asked.filter((name) => name === "touch")).toHaveLength(2);
  });

  it("ends a session at max_age however much it is used, also with another id", async () => {
    const { site, visitor } = setUp({ session: { idleTimeoutMs: 30 * MINUTE, maxAgeMs: 60 * MINUTE } });
    await visitor.visit(put({ user: "ann" }));
    for (let visits = 0; visits < 5; visits++) {
      site.now += 11 * MINUTE;
      await visitor.visit(async ({ open }) => (await open()).regenerate());
    }
    expect(await visitor.look()).toEqual({ user: "ann" });
    site.now += 5 * MINUTE + 1;
    expect(await visitor.look()).toBeUndefined();
  });

  it("counts a max_age that became less for sessions that are older", async () => {
    const { site, visitor } = setUp({ session: { idleTimeoutMs: 1000 * MINUTE, maxAgeMs: 1000 * MINUTE } });
    await visitor.visit(put({ user: "ann" }));
    site.now += 30 * MINUTE;
    const stricter = new Visitor(site.worker({ session: { maxAgeMs: 20 * MINUTE } }));
    stricter.cookies.set("session", visitor.cookie ?? "");
    expect(await stricter.look()).toBeUndefined();
    await stricter.visit(async ({ open }) => expect((await open()).isNew).toBe(true));
  });
});

describe("the lock of a session", () => {
  it("makes requests of one session wait for each other, and those of others not", async () => {
    const { worker, visitor } = setUp();
    await visitor.visit(put({ count: 0 }));
    const stranger = new Visitor(worker);
    await stranger.visit(put({ count: 100 }));
    const add = (who: Visitor) =>
      who.visit(async ({ open }) => {
        const { data } = await open();
        const count = Number(data.count);
        await turn();
        data.count = count + 1;
      });
    const all = await Promise.all([...Array.from({ length: 30 }, () => add(visitor)), add(stranger)]);
    expect(all.filter(({ error }) => error !== undefined)).toEqual([]);
    expect([await visitor.look(), await stranger.look()]).toEqual([{ count: 30 }, { count: 101 }]);
  });

  it("is waited for as long as lock_timeout: then 503, and the reason", async () => {
    const { visitor } = setUp({ session: { lockTimeoutMs: 50 } });
    await visitor.visit(put({ user: "ann" }));
    await visitor.visit(async ({ open }) => {
      await open();
      const { error } = await visitor.visit((other) => other.open());
      expect(error).toMatchObject({ code: "OVERLOAD", status: 503 });
      expect(error?.message).toBe("another request has held the session for 50 ms");
      expect((error as Fault).hint).toContain("session.lock_timeout");
    });
    await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(false));
  });

  it("is waited for by nobody whose client has left, and is theirs who stayed", async () => {
    const { visitor } = setUp();
    await visitor.visit(put({ user: "ann" }));
    let gone: unknown;
    await visitor.visit(async ({ open }) => {
      await open();
      gone = (
        await visitor.visit(({ open: openAlso, abort }) => {
          setImmediate(() => abort.abort(new Error("client-gone")));
          return openAlso();
        })
      ).error;
    });
    expect(gone).toMatchObject({ message: "client-gone" });
    await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(false));
  });

  it("ends a while after the deadline of a handler that goes on; what that changes is dropped", async () => {
    const { worker, visitor } = setUp({ session: { lockLeaseMs: 50 } });
    await visitor.visit(put({ user: "ann" }));
    const patient = new Visitor(worker, { patienceMs: 1 });
    for (const [name, value] of visitor.cookies) patient.cookies.set(name, value);
    const { error, lines } = await patient.visit(async ({ open, abort }) => {
      const session = await open();
      session.data.late = true;
      abort.abort(new Error("timeout"));
      const next = await visitor.visit(put({ next: true }));
      expect(next.error).toBeUndefined();
      await session.save();
    });
    expect(error?.message).toContain("the session is closed");
    expect(lines).toEqual([expect.stringContaining("has gone on after its deadline")]);
    expect(await visitor.look()).toEqual({ user: "ann", next: true });
  });

  it("stays while somebody takes a reply that goes on after the deadline", async () => {
    const { worker, visitor } = setUp({ session: { lockLeaseMs: 10, lockTimeoutMs: 100 } });
    await visitor.visit(put({ user: "ann" }));
    const patient = new Visitor(worker, { patienceMs: 1 });
    for (const [name, value] of visitor.cookies) patient.cookies.set(name, value);
    await patient.visit(async ({ open, sendHead }) => {
      await open();
      await sendHead();
      expect((await visitor.visit(({ open }) => open())).error).toMatchObject({ code: "OVERLOAD" });
    });
  });

  it("is taken by nobody whose request is over", async () => {
    const { visitor } = setUp({ session: { lockTimeoutMs: 200 } });
    await visitor.visit(put({ user: "ann" }));
    for (const how of ["look", "open"] as const) {
      let late: Visit["request"] | undefined;
      let opening: Promise<unknown> | undefined;
      await visitor.visit(async ({ request }) => {
        late = request;
        if (how === "look") await request.peek();
        else opening = request.open().catch((error: Error) => error.message);
      });
      await expect(late?.open()).rejects.toThrow("its request is over");
      expect([how, await opening]).toEqual([how, how === "look" ? undefined : expect.stringContaining("is over")]);
      const { error } = await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(false));
      expect(error).toBeUndefined();
    }
  });

  it("ends with the request, also where the session did before", async () => {
    const { site, visitor } = setUp({ session: { lockTimeoutMs: 200, idleTimeoutMs: MINUTE } });
    await visitor.visit(put({ user: "ann" }));
    await visitor.visit(async ({ open }) => {
      (await open()).data.late = true;
      site.now += MINUTE;
    });
    const { error } = await visitor.visit(async ({ open }) => expect((await open()).isNew).toBe(true));
    expect(error).toBeUndefined();
  });

  it.each(["create", "update"])(
    "ends with the request, also where the store failed in a regenerate (%s)",
    async (name) => {
      let fails = false;
      const wrap = (store: SessionStore) =>
        new Proxy(store, {
          get(target, asked) {
            if (fails && asked === name) return () => Promise.reject(new Error("the disk is full"));
            const member = Reflect.get(target, asked) as unknown;
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      const { visitor } = setUp({ wrap, session: { lockTimeoutMs: 200 } });
      await visitor.visit(put({ user: "ann" }));
      fails = true;
      const failed = await visitor.visit(async ({ open }) => (await open()).regenerate());
      expect(failed).toMatchObject({ setCookie: undefined, error: { status: 503 } });
      fails = false;
      const { error } = await visitor.visit(async ({ open }) => expect((await open()).data.user).toBe("ann"));
      expect(error).toBeUndefined();
    },
  );

  it("is let go of early by close(); what is changed later is an error, or told of", async () => {
    const { visitor } = setUp({ session: { lockTimeoutMs: 100 } });
    await visitor.visit(put({ count: 0 }));
    const long = await visitor.visit(async ({ open }) => {
      const session = await open();
      session.data.count = 1;
      await session.close();
      const other = await visitor.visit(async (request) => {
        (await request.open()).data.count = 2;
      });
      expect(other.error).toBeUndefined();
      await expect(session.save()).rejects.toThrow("the session is closed");
    });
    expect(long.error?.message).toContain("the session is closed");
    expect(await visitor.look()).toEqual({ count: 2 });
  });

  it("is let go of before events are sent, which may go on for hours", async () => {
    const { visitor } = setUp({ session: { lockTimeoutMs: 100 } });
    await visitor.visit(put({ count: 0 }));
    const events = await visitor.visit(
      async ({ open, sendHead }) => {
        await open();
        await sendHead();
        expect((await visitor.visit(put({ count: 1 }))).error).toBeUndefined();
      },
      { "content-type": "text/event-stream" },
    );
    expect([events.error, await visitor.look()]).toEqual([undefined, { count: 1 }]);
  });

  it("can be done without: then the last one that saves wins", async () => {
    const { site, visitor } = setUp({ session: { lock: false } });
    await visitor.visit(put({ count: 0 }));
    await visitor.visit(async ({ open }) => {
      const { data } = await open();
      await visitor.visit(put({ count: 1 }));
      data.count = 2;
    });
    expect(await visitor.look()).toEqual({ count: 2 });
    expect(site.asked.filter((name) => name === "wait" || name === "claim" || name === "release")).toEqual([]);
  });
});

describe("the cookie [RFC 6265]", () => {
  it.each([
    ["over HTTPS", { https: true }, /^__Host-session=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/],
    ["with a mount", { https: true, mount: "/my/shop" }, /^__Host-session-my-shop=/],
    ["named", { session: { cookie: "sid", sameSite: "strict" } }, /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/],
    [
      "named for HTTPS, over HTTP",
      { session: { cookie: "__Host-shop" } },
      /^shop=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/,
    ],
    ["named for HTTPS", { https: true, session: { cookie: "__Host-shop" } }, /^__Host-shop=[^;]+; .*; Secure$/],
    ["persistent", { session: { cookiePersistent: true, maxAgeMs: 90_000 } }, /; Path=\/; Max-Age=90; HttpOnly/],
  ] as const)("%s", async (_how, options, expected) => {
    const { visitor } = setUp(options as SiteOptions);
    expect((await visitor.visit(put({ user: "ann" }))).setCookie).toMatch(expected);
    expect(await visitor.look()).toEqual({ user: "ann" });
  });

  it("over plain HTTP is no way into a session of HTTPS", async () => {
    const { worker, visitor } = setUp({ https: true });
    await visitor.visit(put({ user: "ann" }));
    const plain = new Visitor(worker);
    plain.cookies.set("__Host-session", visitor.cookie ?? "");
    expect(await plain.look()).toBeUndefined();
  });

  it("keeps replies out of shared caches, unless the handler says otherwise [RFC 9111]", async () => {
    const { visitor } = setUp();
    expect((await visitor.visit(put({ user: "ann" }))).cacheControl).toBe("no-store");
    expect((await visitor.visit(({ open }) => open())).cacheControl).toBe("private");
    expect((await visitor.visit(({ open }) => open(), { "cache-control": "public" })).cacheControl).toBe("public");
  });

  it("is signed where there are secrets; one that is not, or is changed, is nobody's [MODPYTHON-191]", async () => {
    const { site, visitor } = setUp({ secrets: [SECRETS[0]] });
    await visitor.visit(put({ user: "ann" }));
    const signed = visitor.cookie ?? "";
    expect(signed).toMatch(/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/);
    site.asked.length = 0;
    for (const forged of [
      signed.slice(0, 43),
      `${signed.slice(0, 44)}${"A".repeat(43)}`,
      `${newId()}${signed.slice(43)}`,
    ]) {
      const forger = new Visitor(site.worker({ secrets: [SECRETS[0]] }));
      forger.cookies.set("session", forged);
      expect(await forger.look()).toBeUndefined();
    }
    expect(site.asked).toEqual([]);
    expect(await visitor.look()).toEqual({ user: "ann" });
  });

  it("signed with an old secret is still good, and is signed anew with the first", async () => {
    const { site, visitor } = setUp({ secrets: [SECRETS[1]] });
    await visitor.visit(put({ user: "ann" }));
    const old = visitor.cookie ?? "";
    const rotated = new Visitor(site.worker({ secrets: SECRETS }));
    rotated.cookies.set("session", old);
    expect((await rotated.visit(({ open }) => open())).setCookie).toBeDefined();
    expect([rotated.cookie === old, rotated.cookie?.slice(0, 43)]).toEqual([false, old.slice(0, 43)]);
    expect((await rotated.visit(({ open }) => open())).setCookie).toBeUndefined();
    const later = new Visitor(site.worker({ secrets: [SECRETS[0]] }));
    later.cookies.set("session", rotated.cookie ?? "");
    expect(await later.look()).toEqual({ user: "ann" });
  });
});

describe("a store that fails", () => {
  const broken = (error: Error) => (store: unknown) =>
    ({
      ...(store as object),
      name: "broken",
      read: () => Promise.reject(error),
      wait: () => Promise.reject(error),
    }) as never;

  it("is 503 with its reason, and not a new session", async () => {
    const { visitor } = setUp({ wrap: broken(new Error("connect ECONNREFUSED")) });
    visitor.cookies.set("session", newId());
    const { error, setCookie } = await visitor.visit(({ open }) => open());
    expect(error).toMatchObject({ code: "HANDLER", status: 503 });
    expect(error?.message).toBe("the session store (watched) failed: connect ECONNREFUSED");
    expect(setCookie).toBeUndefined();
  });

  it("that does not answer has a deadline", async () => {
    const wrap = (store: unknown) => ({ ...(store as object), read: () => new Promise(() => {}) }) as never;
    const { visitor } = setUp({ wrap, session: { storeTimeoutMs: 50 } });
    visitor.cookies.set("session", newId());
    const { error } = await visitor.visit(({ request }) => request.peek());
    expect(error).toMatchObject({
      status: 503,
      message: "the session store (watched) has not answered within 50 ms",
    });
  });
});

describe("what is stored", () => {
  it.each([
    " ",
    "null",
    "[]",
    '{"v":2,"at":1,"data":{}}',
    '{"v":1,"at":"1","data":{}}',
    '{"v":1,"at":1,"data":[]}',
    '{"v":1}',
  ])("is no session where it says %j", (text) => {
    expect(readRecord(text)).toBeUndefined();
  });
});
