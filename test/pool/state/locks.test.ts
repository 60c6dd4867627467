import fc from "fast-check";
import type { Fault } from "../../../src/base/fault.ts";
import { Locks, OWNED_MAX } from "../../../src/pool/state/locks.ts";
import { FakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let locks: Locks;
let said: string[];
let nextId: number;

beforeEach(() => {
  clock = new FakeClock();
  said = [];
  nextId = 1;
  locks = new Locks({ clock, overheld: (name, owner, ms) => said.push(`${name} taken from ${owner} after ${ms}`) });
});

function ask(owner: number, { name = "L", waitMs = 100, holdMs = 1000 } = {}): number {
  const id = nextId++;
  locks.ask({
    owner,
    id,
    name,
    waitMs,
    holdMs,
    granted: () => said.push(`${id} has ${name}`),
    refused: (fault: Fault) => said.push(`${id} refused: ${fault.message}`),
  });
  return id;
}

describe("a lock", () => {
  it("is had by one at a time, in the order in which they asked", () => {
    const first = ask(1);
    ask(2);
    ask(3);
    ask(2, { name: "other" });
    expect(said).toEqual(["1 has L", "4 has other"]);
    expect([locks.held, locks.waiting]).toEqual([2, 2]);
    expect(locks.release(1, first)).toBe(true);
    expect(locks.release(2, 2)).toBe(true);
    expect(locks.release(3, 3)).toBe(true);
    expect(said.slice(2)).toEqual(["2 has L", "3 has L"]);
    expect([locks.held, locks.waiting]).toEqual([1, 0]);
  });

  it("is let go of once, and only by who has it", () => {
    ask(1);
    ask(2);
    expect([locks.release(2, 1), locks.release(2, 2), locks.release(1, 1), locks.release(1, 1)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it("is not waited for beyond the deadline; who holds it is told", () => {
    ask(7);
    ask(8, { waitMs: 50 });
    ask(9, { waitMs: 200 });
    clock.advance(50);
    expect(said[1]).toBe(
      "2 refused: the lock L was not free within 50 ms: worker 7 has held it for 50 ms, and 1 others wait for it",
    );
    locks.release(7, 1);
    expect(said[2]).toBe("3 has L");
  });

  it("is refused at once where nobody wants to wait", () => {
    ask(1);
    ask(1, { waitMs: 0 });
    expect(said[1]).toMatch(/2 refused: .* within 0 ms/);
  });

  it("goes on when its holder is gone, and the waits of who is gone are over", () => {
    ask(1);
    ask(2);
    ask(1);
    ask(3);
    locks.forget(1);
    expect(said).toEqual(["1 has L", "2 has L"]);
    locks.release(2, 2);
    expect(said.slice(2)).toEqual(["4 has L"]);
    locks.forget(3);
    expect([locks.held, locks.waiting, clock.pending]).toEqual([0, 0, 0]);
  });

  it("is taken from who holds it for longer than it said, if somebody waits", () => {
    ask(1, { holdMs: 1000 });
    clock.advance(5000);
    expect(said).toEqual(["1 has L"]);
    ask(2, { holdMs: 300, waitMs: 1000 });
    ask(3, { waitMs: 1000 });
    expect(said.slice(1)).toEqual(["L taken from 1 after 5000", "2 has L"]);
    clock.advance(300);
    expect(said.slice(3)).toEqual(["L taken from 2 after 300", "3 has L"]);
    expect(locks.release(1, 1)).toBe(false);
  });

  it("is refused to who asks twice under one number, and what that number has ends with its owner", () => {
    ask(1);
    nextId = 1;
    ask(1, { name: "other" });
    expect(said[1]).toMatch(/1 refused: .*two locks/);
    locks.forget(1);
    expect([locks.held, locks.waiting]).toEqual([0, 0]);
  });

  it("is refused to a worker that has half of all, and not to the others", () => {
    for (let n = 0; n < OWNED_MAX; n++) ask(1, { name: `L${n}` });
    ask(1, { name: "one more" });
    ask(2, { name: "one more" });
    expect(said.slice(-2)).toEqual([
      expect.stringContaining(`worker 1 holds, or waits for, ${OWNED_MAX} locks`),
      expect.stringMatching(/ has one more$/),
    ]);
    locks.forget(1);
    expect(locks.held).toBe(1);
  });

  it("is had by never more than one, and by all who wait long enough, whatever happens", () => {
    const step = fc.oneof(
      fc.record({
        op: fc.constant("ask" as const),
        owner: fc.nat(3),
        name: fc.constantFrom("A", "B"),
        waitMs: fc.nat(60),
      }),
      fc.record({ op: fc.constant("release" as const), nth: fc.nat(5) }),
      fc.record({ op: fc.constant("forget" as const), owner: fc.nat(3) }),
      fc.record({ op: fc.constant("advance" as const), ms: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        clock = new FakeClock();
        locks = new Locks({ clock, overheld: () => {} });
        const holders: { owner: number; id: number; name: string }[] = [];
        const waiting = new Set<number>();
        const owners = new Map<number, Set<number>>();
        let id = 0;
        const check = (): void => {
          expect(new Set(holders.map(({ name }) => name)).size).toBe(holders.length);
          expect([locks.held, locks.waiting]).toEqual([holders.length, waiting.size]);
        };
        for (const each of steps) {
          if (each.op === "ask") {
            const mine = { owner: each.owner, id: ++id, name: each.name };
            const gone = owners.get(each.owner) ?? new Set();
            owners.set(each.owner, gone);
            gone.add(mine.id);
            waiting.add(mine.id);
            locks.ask({
              ...mine,
              waitMs: each.waitMs,
              holdMs: 1_000_000,
              granted: () => {
                waiting.delete(mine.id);
                holders.push(mine);
              },
              refused: () => waiting.delete(mine.id),
            });
          } else if (each.op === "release") {
            const [holder] = holders.splice(each.nth % Math.max(1, holders.length), 1);
            if (holder !== undefined) expect(locks.release(holder.owner, holder.id)).toBe(true);
          } else if (each.op === "forget") {
            for (const gone of owners.get(each.owner) ?? []) waiting.delete(gone);
            for (let n = holders.length - 1; n >= 0; n--) if (holders[n]?.owner === each.owner) holders.splice(n, 1);
            locks.forget(each.owner);
          } else clock.advance(each.ms);
          check();
        }
        clock.advance(100);
        expect(locks.waiting).toBe(0);
      }),
    );
  });
});
