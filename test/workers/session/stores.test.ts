// Every store that sessions may be kept in, over its real server, files or pool.

import {
  chmodSync,
  lutimesSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { systemClock } from "../../../src/base/clock.ts";
import type { PoolConfig } from "../../../src/config/schema.ts";
import type { PoolState } from "../../../workers/pool-state.ts";
import type { Lease, SessionStore } from "../../../workers/session/store.ts";
import { openStore } from "../../../workers/session/stores/index.ts";
import { SQL } from "../../../workers/session/stores/postgres.ts";
import { type StoreUnderTest, sessionStoreContract } from "../../contracts/session-store.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithPostgres, startPostgres } from "../../support/postgres.ts";
import { describeWithRedis, startRedis } from "../../support/redis.ts";
import { sessionOptions } from "../../support/session-options.ts";
import { sharedWorkers } from "../../support/shared-workers.ts";
import { makeTempDir, tempDirs } from "../../support/temp-dir.ts";

const KEY = "ab".repeat(32);
const inAnHour = (): number => Date.now() + 3_600_000;

interface Opening {
  readonly namespace?: string;
  readonly poolState?: PoolState;
  readonly processes?: number;
  readonly lines?: string[];
}

function open(options: Partial<PoolConfig["session"]>, opening: Opening = {}): Promise<SessionStore> {
  return openStore({
    options: sessionOptions(options),
    namespace: opening.namespace ?? "test",
    processes: opening.processes ?? 1,
    from: import.meta.dirname,
    poolState: opening.poolState,
    now: () => Date.now(),
    log: (_level, message) => opening.lines?.push(message),
  });
}

function inFolder(options: (folder: string) => Partial<PoolConfig["session"]>): () => Promise<StoreUnderTest> {
  return async () => {
    const dir = makeTempDir();
    return {
      open: (namespace) => open(options(dir.path), namespace === undefined ? {} : { namespace }),
      close: async () => dir.remove(),
    };
  };
}

// Where Node's own way to make folders never ends, and keeps the worker from ending.
const onLinux = process.platform === "linux" ? it : it.skip;
onLinux.each(["file", "sqlite"] as const)(
  "sessions (%s) are refused at once where no folder can be made",
  async (store) => {
    await expect(open({ store, path: "/proc/holdfast/sessions/here" })).rejects.toThrow("ENOENT");
  },
);

describe("sessions in files", () => {
  sessionStoreContract(inFolder((folder) => ({ store: "file", path: join(folder, "sessions") })));

  const tempDir = tempDirs();
  const newStore = async (lines: string[] = []) => {
    const path = join(tempDir().path, "sessions");
    const store = await open({ store: "file", path }, { lines });
    return { store, folder: join(path, "test"), file: join(path, "test", KEY.slice(0, 2), KEY) };
  };

  it("can be read by nobody else, whatever the umask", async () => {
    const before = process.umask(0);
    try {
      const { store, folder, file } = await newStore();
      await store.create(KEY, { text: "secret", expiresAt: inAnHour() }, { token: "t", ms: 1000 });
      const modes = [folder, join(file, ".."), file].map((path) => statSync(path).mode & 0o777);
      expect(modes).toEqual([0o700, 0o700, 0o600]);
      chmodSync(folder, 0o755);
      await open({ store: "file", path: join(folder, "..") });
      expect(statSync(folder).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(before);
    }
  });

  it("are not put into what is no folder of their own", async () => {
    const { path, write } = tempDir();
    write("sessions/test", "a file");
    await expect(open({ store: "file", path: join(path, "sessions") })).rejects.toThrow(/EEXIST|is no folder/);
  });

  it.each([
    ["cut", (text: string) => text.slice(0, -3)],
    ["changed", (text: string) => text.replace("secret", "secreT")],
    ["of another version", (text: string) => text.replace("session 1", "session 2")],
    ["empty", () => ""],
  ])("count as none where their file is %s, and the log says so [CVE-2026-126714]", async (_what, damage) => {
    const lines: string[] = [];
    const { store, file } = await newStore(lines);
    const expiresAt = inAnHour();
    await store.create(KEY, { text: '{"secret":1}', expiresAt }, undefined);
    writeFileSync(file, damage(readFileSync(file, "utf8")));
    utimesSync(file, expiresAt / 1000, expiresAt / 1000);
    expect(await store.read(KEY)).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining("damaged")]);
  });

  it("are held on where a renewal of their lock came to nothing", async () => {
    const { store, folder } = await newStore();
    const lease = { token: "t", ms: 5000 };
    await store.create(KEY, { text: "old", expiresAt: inAnHour() }, lease);
    const locks = join(folder, KEY.slice(0, 2));
    // As a full disk leaves it: the new lock is made, and did not take the place of the former.
    symlinkSync("0:t", join(locks, `${KEY}.lock.t`));
    expect(await store.renew?.(KEY, lease)).toBe(true);
    expect(await store.renew?.(KEY, lease)).toBe(true);
    await store.release(KEY, lease);
    expect(readdirSync(locks)).toEqual([KEY]);
  });

  it("leave no file behind: neither they, nor locks and drafts of the dead", async () => {
    const { store, folder, file } = await newStore();
    await store.create(KEY, { text: "old", expiresAt: inAnHour() }, { token: "t", ms: 1000 });
    writeFileSync(`${file}.dead.new`, "half");
    const longAgo = Date.now() / 1000 - 7200;
    for (const each of ["", ".lock", ".dead.new"]) lutimesSync(file + each, longAgo, longAgo);
    for (let round = 0; round < 8; round++) await store.sweep?.();
    expect(readdirSync(join(folder, KEY.slice(0, 2)))).toEqual([]);
  });
});

describe("sessions in SQLite", () => {
  sessionStoreContract(inFolder((folder) => ({ store: "sqlite", path: join(folder, "own", "sessions.db") })));

  const tempDir = tempDirs();

  it("can be read by nobody else, and warn of nothing on any Node", async () => {
    const warnings: unknown[] = [];
    const warned = (warning: unknown): unknown => warnings.push(warning);
    process.on("warning", warned);
    const before = process.umask(0);
    const path = join(tempDir().path, "own", "s.db");
    try {
      const store = await open({ store: "sqlite", path });
      await store.create(KEY, { text: "secret", expiresAt: inAnHour() }, undefined);
      const modes = [join(path, ".."), path, `${path}-wal`, `${path}-shm`].map((file) => statSync(file).mode & 0o777);
      expect(modes).toEqual([0o700, 0o600, 0o600, 0o600]);
      await store.close();
      expect(warnings).toEqual([]);
    } finally {
      process.umask(before);
      process.off("warning", warned);
    }
  });

  it("are not written into what is no database", async () => {
    const path = tempDir().write("s.db", "something else, and long enough to be looked at as a database".repeat(20));
    await expect(open({ store: "sqlite", path })).rejects.toThrow("not a database");
    expect(readFileSync(path, "utf8")).toContain("something else");
  });
});

describeWithRedis("sessions in Redis", () => {
  sessionStoreContract(async () => {
    const server = await startRedis();
    return {
      open: (namespace) => open({ store: "redis", url: server.url }, namespace === undefined ? {} : { namespace }),
      close: () => server.remove(),
    };
  });

  it("are refused while the server is away, and there again with it, without a restart", async () => {
    const server = await startRedis();
    const store = await open({ store: "redis", url: server.url });
    try {
      await store.create(KEY, { text: "1", expiresAt: inAnHour() }, undefined);
      await server.stop();
      await expect(store.read(KEY)).rejects.toThrow();
      await expect(store.read(KEY)).rejects.toThrow();
      await server.start();
      await Promise.all([store.read(KEY), store.read(KEY), store.touch(KEY, inAnHour())]);
      await store.create(KEY, { text: "2", expiresAt: inAnHour() }, undefined);
      expect((await store.read(KEY))?.text).toBe("2");
    } finally {
      await store.close();
      await server.remove();
    }
  });
});

describeWithPostgres("sessions in PostgreSQL", () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let administrator: pg.Client;

  beforeAll(async () => {
    server = await startPostgres();
    administrator = new pg.Client(server.url);
    await administrator.connect();
  });
  afterAll(async () => {
    await administrator?.end();
    await server?.stop();
  });

  it("may be kept by one who may not make their table, where another has made it", async () => {
    const url = server.url.replace("guest@", "modest@");
    await administrator.query("CREATE ROLE modest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    await expect(open({ store: "postgres", url })).rejects.toMatchObject({
      message: expect.stringContaining("may not make the table holdfast_sessions"),
      hint: expect.stringContaining("CREATE TABLE IF NOT EXISTS holdfast_sessions"),
    });
    await (await open({ store: "postgres", url: server.url })).close();
    await administrator.query("GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_sessions TO modest");
    const store = await open({ store: "postgres", url });
    await store.create(KEY, { text: "1", expiresAt: inAnHour() }, undefined);
    expect((await store.read(KEY))?.text).toBe("1");
    await store.close();
  });

  it("take few connections, and new ones where these are lost", async () => {
    const store = await open({ store: "postgres", url: server.url });
    try {
      await store.destroy(KEY);
      await store.create(KEY, { text: "1", expiresAt: inAnHour() }, undefined);
      await Promise.all(Array.from({ length: 40 }, () => store.read(KEY)));
      const ours = "FROM pg_stat_activity WHERE application_name = 'holdfast sessions test'";
      const { rows } = await administrator.query(`SELECT count(*)::int AS count ${ours}`);
      expect(rows[0].count).toBeGreaterThan(0);
      expect(rows[0].count).toBeLessThanOrEqual(4);
      await administrator.query(`SELECT pg_terminate_backend(pid) ${ours}`);
      await eventually(async () => (await store.read(KEY).catch(() => undefined))?.text === "1");
    } finally {
      await store.close();
    }
  });

  it("are on the disk when they are written, and nobody waits for that with a lock", async () => {
    const row = ["test", "a".repeat(64)];
    const waits = async (sql: string, ...more: readonly (string | number | null)[]): Promise<boolean> => {
      const { rowCount } = await administrator.query(sql, [...row, ...more]);
      expect(rowCount).toBe(1);
      return (await administrator.query("SHOW synchronous_commit")).rows[0].synchronous_commit === "on";
    };
    await administrator.query("BEGIN");
    expect(await waits(SQL.insert, "text", inAnHour(), null, 0)).toBe(true);
    expect(await waits(SQL.update, "text", inAnHour())).toBe(true);
    expect(await waits(SQL.claim, "token", 1000)).toBe(false);
    await administrator.query("ROLLBACK");
    expect((await administrator.query("SHOW synchronous_commit")).rows[0].synchronous_commit).toBe("on");
  });

  describe("by every worker", () => {
    sessionStoreContract(async () => ({
      open: (namespace) => open({ store: "postgres", url: server.url }, namespace === undefined ? {} : { namespace }),
      close: async () => {},
    }));
  });
});

describe("sessions in the pool's memory", () => {
  sessionStoreContract(
    async () => {
      const { states } = sharedWorkers(systemClock, 3);
      let opened = 0;
      return {
        open: (namespace = "test") => {
          const poolState = states[opened++];
          return open({ store: "memory" }, poolState === undefined ? { namespace } : { namespace, poolState });
        },
        close: async () => {},
      };
    },
    { leaseless: true },
  );

  it("are free again when the worker that holds one has died", async () => {
    const { shared, states } = sharedWorkers(systemClock, 2);
    const [dies, lives] = await Promise.all(states.map((poolState) => open({ store: "memory" }, { poolState })));
    const mine = { token: "mine", ms: 1000 };
    await dies?.create(KEY, { text: "kept", expiresAt: inAnHour() }, mine);
    const waiting = lives?.wait?.(KEY, { token: "theirs", ms: 1000 }, 10_000);
    shared.forget(1);
    expect(await waiting).toMatchObject({ text: "kept" });
  });
});

describe("a session in the pool's memory", () => {
  it("is nobody's who has given it up before it was free", async () => {
    const { states } = sharedWorkers(systemClock, 1);
    const [poolState] = states;
    const store = await open({ store: "memory" }, poolState === undefined ? {} : { poolState });
    const [first, second, third] = ["1", "2", "3"].map((token) => ({ token, ms: 1000 })) as [Lease, Lease, Lease];
    await store.create(KEY, { text: "kept", expiresAt: inAnHour() }, first);
    const waited = store.wait?.(KEY, second, 10_000);
    await store.release(KEY, second);
    await store.release(KEY, first);
    await waited;
    expect(await store.claim(KEY, third)).toMatchObject({ text: "kept" });
    expect(await store.update(KEY, { text: "late", expiresAt: inAnHour() }, second)).toBe("lost");
  });
});

describe("a store that cannot be had", () => {
  const tempDir = tempDirs();

  it("says which package is missing, and how to get it", async () => {
    const { loadDriver } = await import("../../../workers/session/stores/driver.ts");
    expect(() => loadDriver("@nobody/has-this", "redis", tempDir().path)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining("needs the package @nobody/has-this"),
        hint: "Run `npm install @nobody/has-this` in the app's folder.",
      }),
    );
  });

  it("takes the app's own package first", async () => {
    const { path, write } = tempDir();
    const bare = tempDir().write("app.ts", "");
    write("node_modules/pg/package.json", '{"name":"pg","main":"index.js"}');
    write("node_modules/pg/index.js", 'module.exports = "the app\'s";');
    const app = write("src/app.ts", "");
    const { loadDriver } = await import("../../../workers/session/stores/driver.ts");
    expect([loadDriver("pg", "postgres", app), loadDriver("pg", "postgres", path)]).toEqual(["the app's", "the app's"]);
    expect(loadDriver("pg", "postgres", bare)).toHaveProperty("Pool");
  });

  it("is memory, where several processes would each have their own", async () => {
    await expect(open({ store: "memory" }, { processes: 2, poolState: {} as PoolState })).rejects.toThrow(
      "not shared by the 2 processes",
    );
  });
});
