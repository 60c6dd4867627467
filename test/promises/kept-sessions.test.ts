// What sessions outlive: a reload, the death of a pool process; and who never sees them.

import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { ClientReply } from "../support/fastcgi-client.ts";
import { paramsOf } from "../support/pool.ts";
import { describeWithPostgres, startPostgres } from "../support/postgres.ts";
import { describeWithRedis, startRedis } from "../support/redis.ts";
import { type Started, startedPrograms } from "../support/started.ts";
import { itAsRoot } from "../support/user.ts";

const APP = `
import { readdirSync, writeFileSync } from "node:fs";
export default async (request, ctx) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/list") {
    try {
      return Response.json(readdirSync(searchParams.get("folder")));
    } catch ({ code }) {
      return new Response(code);
    }
  }
  const { data } = await ctx.session.open();
  if (pathname === "/hold") {
    writeFileSync(searchParams.get("sign"), "");
    await new Promise(() => {});
  }
  data.count = (data.count ?? 0) + 1;
  return new Response(data.count + " " + process.pid);
};
`;

class Visitor {
  cookie = "";
  readonly #started: Started;
  readonly #socket: string;

  constructor(started: Started, pool: string) {
    this.#started = started;
    this.#socket = join(started.dir.path, `${pool}.sock`);
  }

  async get(uri: string): Promise<ClientReply> {
    const client = await this.#started.connect(this.#socket);
    try {
      const params = { ...paramsOf(uri), ...(this.cookie === "" ? {} : { HTTP_COOKIE: this.cookie }) };
      const reply = await client.request({ params });
      const setCookie = reply.header("set-cookie");
      if (setCookie !== undefined) this.cookie = setCookie.split(";")[0] ?? "";
      return reply;
    } finally {
      await client.close();
    }
  }

  async count(): Promise<[count: string | undefined, pid: number]> {
    const reply = await this.get("/");
    const [count, pid] = reply.body.toString().split(" ");
    if (reply.status !== 200) throw new Error(`status ${reply.status}`);
    return [count, Number(pid)];
  }
}

describe("sessions", () => {
  const start = startedPrograms();

  /** One pool for each store, all with the same app. */
  async function startWith(stores: Readonly<Record<string, string>>): Promise<Started> {
    const started = start();
    started.app(APP);
    const tables = Object.entries(stores).map(([name, session]) => {
      const pool =
        name === "www"
          ? ""
          : `[pools.${name}]\nlisten = "./${name}.sock"\napp = "./app.mjs"\nthreads = 1\nallow_root = true\n`;
      return `${pool}[pools.${name}.session]\nlock_lease = "1s"\n${session}\n`;
    });
    started.configure({ more: tables.join("") });
    await started.start();
    return started;
  }

  /** Counts on through a reload, and through the death of the process that holds the session. */
  async function outlives(started: Started, pools: readonly string[], dies: boolean): Promise<void> {
    const visitors = pools.map((name) => ({ name, visitor: new Visitor(started, name) }));
    const before = await Promise.all(visitors.map(({ visitor }) => visitor.count()));
    expect(before.map(([count]) => count)).toEqual(pools.map(() => "1"));
    await started.reload();
    const after = await Promise.all(visitors.map(({ visitor }) => visitor.count()));
    expect(after.map(([count]) => count)).toEqual(pools.map(() => "2"));
    for (const [index, [, pid]] of after.entries()) expect(pid).not.toBe(before[index]?.[1]);
    if (!dies) return;
    await Promise.all(
      visitors.map(async ({ name, visitor }, index) => {
        const sign = join(started.dir.path, `${name}.held`);
        const held = visitor.get(`/hold?sign=${encodeURIComponent(sign)}`).catch(() => undefined);
        await eventually(() => existsSync(sign), 15_000);
        const [, pid] = after[index] ?? ["", 0];
        if (pid > 0) process.kill(pid, "SIGKILL");
        await held;
        await eventually(async () => (await visitor.count().catch(() => undefined))?.[0] === "3", 15_000);
      }),
    );
  }

  it("in memory outlive a reload", async () => {
    await outlives(await startWith({ www: 'store = "memory"' }), ["www"], false);
  });

  describeWithRedis("in Redis,", () => {
    describeWithPostgres("PostgreSQL, files and SQLite", () => {
      it("outlive a reload, and the death of the process that held them", async () => {
        const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
        try {
          const stores = {
            www: 'store = "file"\npath = "./sessions"',
            sqlite: 'store = "sqlite"\npath = "./sessions.db"',
            redis: `store = "redis"\nurl = "${redis.url}"`,
            postgres: `store = "postgres"\nurl = "${postgres.url}"`,
          };
          await outlives(await startWith(stores), Object.keys(stores), true);
        } finally {
          await Promise.all([redis.remove(), postgres.stop()]);
        }
      }, 90_000);
    });
  });

  itAsRoot("of a pool's user cannot be read, nor written, by another pool's", async () => {
    const started = start();
    started.enterable();
    started.app(APP);
    const users = { alpha: 61_001, beta: 61_002 };
    const shared = join(started.dir.path, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    for (const [name, uid] of Object.entries(users)) {
      mkdirSync(join(started.dir.path, name));
      chownSync(join(started.dir.path, name), uid, uid);
    }
    const pool = (name: keyof typeof users, path: string): string =>
      `[pools.${name}]\nlisten = "./${name}.sock"\napp = "./app.mjs"\nthreads = 1\nuser = "${users[name]}"\nchdir = "."\n` +
      `[pools.${name}.session]\nstore = "file"\nnamespace = "shop"\npath = "${path}"\n`;
    started.configure({ more: pool("alpha", `${shared}/sessions`) + pool("beta", `${shared}/sessions`) });
    const launched = await started.start();
    const [alpha, beta] = [new Visitor(started, "alpha"), new Visitor(started, "beta")];
    expect((await alpha.count())[0]).toBe("1");
    beta.cookie = alpha.cookie;
    expect((await beta.get("/")).status).toBe(503);
    await launched.line(/the session store \(file\) failed: EACCES|is no folder of this pool's user/);
    const listed = await beta.get(`/list?folder=${encodeURIComponent(`${shared}/sessions/shop`)}`);
    expect(listed.body.toString()).toBe("EACCES");
    expect((await alpha.count())[0]).toBe("2");
  });
});
