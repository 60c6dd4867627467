import type { Context } from "../../src/app/context.ts";
import { cache, currentContext, installParts, lock } from "../../src/app/current.ts";
import type { Cache } from "../../src/app/shared.ts";

const PARTS = Symbol.for("holdfast.worker");

afterEach(() => {
  Reflect.deleteProperty(globalThis, PARTS);
});

describe("what is imported from holdfast", () => {
  it("finds no request outside of a worker, and says that nothing is shared there", async () => {
    expect(currentContext()).toBeUndefined();
    await expect(cache.get("k")).rejects.toMatchObject({
      code: "HANDLER",
      hint: expect.stringMatching("holdfast serve"),
    });
    await expect(lock("L", () => 1)).rejects.toThrow("no pool here");
  });

  it("is the worker's own, also in another copy of the package", async () => {
    const calls: unknown[] = [];
    const called =
      (name: string) =>
      async (...given: unknown[]): Promise<never> => {
        calls.push([name, ...given]);
        return name as never;
      };
    const names = ["get", "has", "set", "delete", "increment", "compareAndSet", "remember", "clear"] as const;
    const own = Object.fromEntries(names.map((name) => [name, called(name)])) as unknown as Cache;
    const ctx = { locals: {} } as Context;
    installParts({ currentContext: () => ctx, cache: () => own, lock: called("lock") });
    expect(currentContext()).toBe(ctx);
    const make = () => 1;
    expect(await cache.remember("k", { ttl: 1 }, make)).toBe("remember");
    await cache.get("k");
    await cache.has("k");
    await cache.set("k", 1, { ttl: 2 });
    await cache.delete("k");
    await cache.increment("k", 3, { ttl: 4 });
    await cache.compareAndSet("k", 1, 2, { ttl: 5 });
    await cache.clear("p");
    await lock("L", make, { wait: 6 });
    expect(calls).toEqual([
      ["remember", "k", { ttl: 1 }, make],
      ["get", "k"],
      ["has", "k"],
      ["set", "k", 1, { ttl: 2 }],
      ["delete", "k"],
      ["increment", "k", 3, { ttl: 4 }],
      ["compareAndSet", "k", 1, 2, { ttl: 5 }],
      ["clear", "p"],
      ["lock", "L", make, { wait: 6 }],
    ]);
    // A copy knows nothing of this module but the symbol.
    expect(Reflect.get(globalThis, PARTS)).toMatchObject({ lock: expect.any(Function) });
  });
});
