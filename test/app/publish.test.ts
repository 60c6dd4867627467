import * as fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Entry } from "../../src/app/publish.ts";
import { TABLE } from "../../src/app/publish-table.ts";
import { type Context, publish, published } from "../../src/index.ts";

/** Every path that is reachable, with what is there. */
function paths(tree: Parameters<typeof publish>[0]): string[] {
  const below = (entry: Entry, at: string): string[] =>
    entry.kind === "folder"
      ? [...entry.entries].flatMap(([name, each]) => below(each, `${at}/${name}`))
      : [`${at} ${entry.kind}`];
  return below(publish(tree)[TABLE], "");
}

// What matters here is that it compiles: each line fails the build if the types say otherwise.
const typed = publish({
  plain: ({ name }, ctx: Context) => `${name?.toUpperCase()} ${ctx.worker.id}`,
  deep: { er: { still: ({ name }) => name?.length } },
  declared: published({
    input: z.object({ age: z.coerce.number(), tags: z.array(z.string()) }),
    methods: ["POST"],
    // @ts-expect-error: the schema makes numbers
    handler: ({ age }) => age.toUpperCase(),
  }),
  inferred: published({
    input: z.object({ age: z.coerce.number() }),
    handler: ({ age }, ctx) => [age.toFixed(2), ctx.state],
  }),
  fields: published({ handler: ({ name }) => name?.trim() }),
});

describe("publish", () => {
  it("takes what the object itself has, as it is now", () => {
    const tree = { hello: () => "hello", shop: { list: () => [], prices: [1, 2] }, motto: "less", year: 2026 };
    expect(paths(tree)).toEqual([
      "/hello function",
      "/shop/list function",
      "/shop/prices value",
      "/motto value",
      "/year value",
    ]);
    const made = publish(tree);
    Object.assign(tree, { later: () => "too late" });
    Object.assign(tree.shop, { later: () => "too late" });
    expect([...made[TABLE].entries.keys()]).toEqual(["hello", "shop", "motto", "year"]);
    expect(Object.isFrozen(made)).toBe(true);
    expect(typed[TABLE].entries.size).toBe(5);
  });

  it("leaves out what is inherited, not enumerable, a symbol, or begins with _", () => {
    const tree = Object.defineProperties(
      { shown: () => 1, _private: () => 2, [Symbol("s")]: () => 3 },
      { hidden: { value: () => 4, enumerable: false } },
    );
    expect(paths(tree)).toEqual(["/shown function"]);
    const own = Object.fromEntries([
      ["__proto__", () => 1],
      ["constructor", () => 2],
    ]);
    expect(paths(own)).toEqual(["/constructor function"]);
  });

  it("is not moved by a prototype that somebody polluted", () => {
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    polluted.leaked = () => "leaked";
    try {
      expect(paths({ a: {}, b: () => 1 })).toEqual(["/b function"]);
    } finally {
      delete polluted.leaked;
    }
  });

  class Cart {
    add(): number {
      return 1;
    }
  }
  const refused: [string, () => Record<string, unknown>, RegExp][] = [
    ["a module", () => ({ os: { fs } }), /os\.fs is a whole module/],
    ["a class", () => ({ Cart }), /Cart is a class/],
    ["an instance", () => ({ cart: new Cart() }), /cart is no plain object/],
    ["a Map", () => ({ map: new Map() }), /map is no plain object/],
    ["a promise", () => ({ later: Promise.resolve(1) }), /later is no plain object/],
    ["a getter", () => Object.defineProperty({}, "x", { get: () => 1, enumerable: true }), /x is a getter/],
    ["undefined", () => ({ x: undefined }), /x is undefined/],
    ["null", () => ({ x: null }), /x is null/],
    ["a symbol", () => ({ x: Symbol("s") }), /x is Symbol/],
    ["a name with a slash", () => ({ "a/b": () => 1 }), /a\/b has a name that no URL can have/],
    ["a name with a dot in front", () => ({ "..": () => 1 }), /has a name that no URL can have/],
    ["an empty name", () => ({ "": () => 1 }), /has a name that no URL can have/],
    [
      "what contains itself",
      () => {
        const tree: Record<string, unknown> = {};
        tree.me = { again: tree };
        return tree;
      },
      /me\.again contains itself/,
    ],
  ];
  it.each(refused)("refuses %s when the module loads", (_what, tree, message) => {
    expect(() => publish(tree() as never)).toThrow(TypeError);
    expect(() => publish(tree() as never)).toThrow(message);
  });

  it("refuses a module, a class and an instance as a whole", () => {
    for (const tree of [fs, Cart, new Cart(), path.join, []]) expect(() => publish(tree as never)).toThrow(TypeError);
  });

  it("refuses hooks that are none: a misspelt one would let everybody in", () => {
    for (const hooks of [{ acess: () => false }, { auth: true }, { realm: "a\nb" }]) {
      expect(() => publish({}, hooks as never)).toThrow(TypeError);
    }
  });

  it("takes parts that were published elsewhere, and one object at two places", () => {
    const part = { x: () => 1 };
    expect(paths({ a: publish(part), b: part, c: part })).toEqual(["/a/x function", "/b/x function", "/c/x function"]);
  });
});

describe("published", () => {
  const handler = () => "x";
  it.each([
    ["a method that is none", { methods: ["get"], handler }],
    ["no method", { methods: [], handler }],
    ["HEAD, which comes with GET", { methods: ["HEAD"], handler }],
    ["no handler", { methods: ["GET"] }],
    ["an input that is no schema", { input: { age: "number" }, handler }],
    ["an input that is null", { input: null, handler }],
    ["a misspelt hook", { acess: () => false, handler }],
    ["a hook that is no function", { access: "staff", handler }],
    ["a realm that no header can carry", { realm: 'a"b', handler }],
  ])("refuses %s", (_what, definition) => {
    expect(() => published(definition as never)).toThrow(TypeError);
  });
});
