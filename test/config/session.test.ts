// [pools.NAME.session]: what is refused, what is warned of, and what is never printed.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../../src/base/fault.ts";
import { type Loaded, resolveConfig, type WrittenConfig } from "../../src/config/load.ts";
import { renderToml } from "../../src/config/render.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

type Pool = WrittenConfig["pools"][string];

describe("[pools.NAME.session]", () => {
  const tempDir = tempDirs();
  let dir: TempDir;

  beforeEach(() => {
    dir = tempDir();
    mkdirSync(join(dir.path, "site"));
  });

  const load = (session: NonNullable<Pool["session"]>, pool: Pool = {}): Loaded =>
    resolveConfig({ pools: { www: { listen: "./s", root: "./site", ...pool, session } } }, dir.path);

  const mistakes = (session: NonNullable<Pool["session"]>, pool?: Pool): string => {
    try {
      load(session, pool);
    } catch (error) {
      return (error as Fault).message;
    }
    return "none";
  };

  it("keeps sessions in memory for half an hour, with locks, unless it says otherwise", () => {
    const [pool] = load({}).config.pools;
    expect(pool?.session).toMatchObject({
      store: "memory",
      idleTimeoutMs: 1_800_000,
      maxAgeMs: 86_400_000,
      lock: true,
    });
    expect(load({}, { processes: 4 }).warnings).toEqual([]);
  });

  it("has paths relative to its file, outside of what is served", () => {
    const [pool] = load({ store: "file", path: "./sessions" }).config.pools;
    expect(pool?.session.path).toBe(join(dir.path, "sessions"));
    for (const path of ["./site", "./site/sessions", "./other/../site/x"]) {
      expect(mistakes({ store: "sqlite", path })).toMatch(/session\.path.*is inside root, whose files are served/);
    }
    expect(mistakes({ store: "file", path: "./sites" })).toBe("none");
  });

  it.each([
    [{ store: "file" }, /session\.path.*is missing: store = "file" needs it/],
    [{ store: "redis" }, /session\.url.*is missing: store = "redis" needs it/],
    [{ store: "redis", url: "postgres://x" }, /is no address for store = "redis"/],
    [{ store: "postgres", url: "redis://x" }, /is no address for store = "postgres"/],
    [{ store: "postgres", url: "localhost" }, /is no URL/],
    [{ path: "./x" }, /session\.path.*has no effect with store = "memory"/],
    [{ store: "mysql" }, /must be one of "memory", "file", "sqlite", "redis", "postgres"/],
    [{ cookie: "a b" }, /is no name for a cookie/],
    [{ namespace: "../x" }, /must be 1 to 32 letters/],
    [{ same_site: "Lax" }, /must be one of "lax", "strict", "none"/],
  ] as const)("refuses %j", (session, expected) => {
    expect(mistakes(session)).toMatch(expected);
  });

  it("refuses memory for several processes, where it is asked for", () => {
    expect(mistakes({ store: "memory" }, { processes: 2 })).toMatch(/processes do not share their memory/);
  });

  it("warns of times that contradict each other", () => {
    expect(load({ idle_timeout: "48h" }).warnings).toEqual([expect.stringContaining("longer than session.max_age")]);
    expect(load({ lock_timeout: "2m" }).warnings).toEqual([expect.stringContaining("gets 504 instead of 503")]);
  });

  it.each([
    ["redis", "redis://user:hunter2@db.test:6379/1"],
    ["postgres", "postgres://user:hunter2@db.test/shop?sslmode=require"],
    ["postgres", "postgres://db.test/shop?user=me&password=hunter2"],
    ["redis", "unix:///run/redis.sock"],
  ])("prints where the store is, and no password (%s %s)", (store, url) => {
    const { config } = load({ store, url });
    expect(config.pools[0]?.session.url).toBe(url);
    const printed = renderToml(config);
    expect(printed).not.toContain("hunter2");
    expect(printed).toContain(new URL(url).pathname);
  });
});
