import type { PoolConfig } from "../../src/config/schema.ts";
import { changesOf, joinScopes, type ReloadScope } from "../../src/supervisor/reload-scope.ts";
import { readPools } from "../support/pools.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("the scope of a reload", () => {
  const tempDir = tempDirs();
  let folder: string;
  beforeEach(() => {
    folder = tempDir().path;
  });

  const pools = (written: Readonly<Record<string, Record<string, unknown>>>): readonly PoolConfig[] =>
    readPools(
      Object.fromEntries(
        Object.entries(written).map(([name, pool]) => [name, { listen: `./${name}.sock`, root: ".", ...pool }]),
      ),
      folder,
    );
  const changes = (scope: ReloadScope, was: readonly PoolConfig[], is: readonly PoolConfig[]) => {
    const { pools: after, renewed, removed } = changesOf(scope, was, is);
    return { after: after.map(({ name, concurrency }) => [name, concurrency]), renewed: [...renewed], removed };
  };

  const WAS = { www: { concurrency: 1 }, api: { concurrency: 1 }, old: { concurrency: 1 } };
  const IS = { www: { concurrency: 1 }, api: { concurrency: 2 }, fresh: { concurrency: 2 } };

  it("all: every pool of the configuration is renewed, and what is in it no more is removed", () => {
    expect(changes("all", pools(WAS), pools(IS))).toEqual({
      after: [
        ["www", 1],
        ["api", 2],
        ["fresh", 2],
      ],
      renewed: ["www", "api", "fresh"],
      removed: ["old"],
    });
  });

  it("changed: only what differs from what it was started with", () => {
    expect(changes({ changed: true, pools: [] }, pools(WAS), pools(IS))).toEqual({
      after: [
        ["www", 1],
        ["api", 2],
        ["fresh", 2],
      ],
      renewed: ["api", "fresh"],
      removed: ["old"],
    });
  });

  it("changed: nothing, when nothing has changed", () => {
    expect(changes({ changed: true, pools: [] }, pools(WAS), pools(WAS))).toMatchObject({ renewed: [], removed: [] });
  });

  it("a name: that pool, changed or not, and every other as it runs", () => {
    expect(changes({ changed: false, pools: ["www"] }, pools(WAS), pools(IS))).toEqual({
      after: [
        ["www", 1],
        ["api", 1],
        ["old", 1],
      ],
      renewed: ["www"],
      removed: [],
    });
  });

  it("a name that is new in the configuration adds the pool, and one that is there no more removes it", () => {
    expect(changes({ changed: false, pools: ["fresh", "old"] }, pools(WAS), pools(IS))).toMatchObject({
      renewed: ["fresh"],
      removed: ["old"],
    });
  });

  it("a name that is nowhere is refused, with the nearest that is", () => {
    expect(() => changes({ changed: false, pools: ["wwv"] }, pools(WAS), pools(IS))).toThrow(
      expect.objectContaining({ code: "USAGE", hint: "did you mean www?" }),
    );
  });

  it("two scopes together are what either asks for", () => {
    const one = { changed: false, pools: ["www"] };
    const other = { changed: true, pools: ["www", "api"] };
    expect(joinScopes(one, other)).toEqual({ changed: true, pools: ["www", "api"] });
    expect(joinScopes(one, "all")).toBe("all");
  });
});
