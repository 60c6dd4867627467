// Sessions as visitors have them: through Apache, over three workers, in every store on its real server.

import { join } from "node:path";
import type { WrittenConfig } from "../../src/config/load.ts";
import { describeWithApache } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { eventually } from "../support/eventually.ts";
import { describeWithPostgres, startPostgres } from "../support/postgres.ts";
import { describeWithRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const SITE = {
  "count.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      const { data } = await ctx.session.open<{ count: number }>();
      const count = data.count ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 2));
      data.count = count + 1;
      return new Response(String(ctx.worker.id));
    };`,
  "look.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => Response.json((await ctx.session.peek()) ?? null);`,
  "login.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      const session = await ctx.session.open<{ user: string }>();
      session.regenerate();
      session.data.user = "ann";
      session.flash("notice", "Welcome.");
      return new Response(null, { status: 303, headers: { location: "/welcome" } });
    };`,
  "welcome.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      const session = await ctx.session.open<{ user: string; count: number }>();
      return Response.json([session.data.user, session.data.count, session.flash("notice") ?? null]);
    };`,
  "logout.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      await (await ctx.session.open()).destroy();
      return new Response("bye");
    };`,
  "die.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      (await ctx.session.open<{ count: number }>()).data.count = 1000;
      process.exit(1);
    };`,
};

/** A browser, as far as it keeps one cookie. */
class Visitor {
  cookie = "";
  readonly #site: BehindApache;

  constructor(site: BehindApache) {
    this.#site = site;
  }

  async get(path: string): Promise<{ status: number; text: string; setCookie: string | undefined }> {
    const headers = this.cookie === "" ? {} : { Cookie: this.cookie };
    const { status, text, headers: sent } = await this.#site.ask(path, { headers, deadlineMs: 30_000 });
    const [setCookie] = sent["set-cookie"] ?? [];
    if (setCookie !== undefined) this.cookie = setCookie.includes("Max-Age=0") ? "" : (setCookie.split(";")[0] ?? "");
    return { status, text, setCookie };
  }
}

type SessionTable = NonNullable<WrittenConfig["pools"][string]["session"]>;

function keepsSessions(table: () => Promise<SessionTable>): void {
  let site: BehindApache;

  beforeAll(async () => {
    const session = { lock_lease: "2s", lock_timeout: "20s", ...(await table()) };
    site = await startBehindApache(SITE, { threads: 3, concurrency: 7, session });
  }, 60_000);
  afterAll(() => site?.stop());

  it("loses no increment of twenty requests at once over three workers", async () => {
    const visitor = new Visitor(site);
    await visitor.get("/count.ts");
    const replies = await Promise.all(Array.from({ length: 20 }, () => visitor.get("/count.ts")));
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(replies.map(({ text }) => text)).size).toBe(3);
    expect((await visitor.get("/look.ts")).text).toBe('{"count":21}');
  });

  it("gives a visitor who logs in another id, and keeps what the session held", async () => {
    const visitor = new Visitor(site);
    const { setCookie } = await visitor.get("/count.ts");
    expect(setCookie).toMatch(/^session=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    const old = new Visitor(site);
    old.cookie = visitor.cookie;
    expect((await visitor.get("/login.ts")).status).toBe(303);
    expect(visitor.cookie).not.toBe(old.cookie);
    expect((await visitor.get("/welcome.ts")).text).toBe('["ann",1,"Welcome."]');
    expect((await visitor.get("/welcome.ts")).text).toBe('["ann",1,null]');
    expect((await old.get("/look.ts")).text).toBe("null");
    const stolen = new Visitor(site);
    stolen.cookie = visitor.cookie;
    await visitor.get("/logout.ts");
    expect([visitor.cookie, (await stolen.get("/look.ts")).text]).toEqual(["", "null"]);
  });

  it("frees a session whose worker dies while it holds it, and saves nothing of that", async () => {
    const visitor = new Visitor(site);
    await visitor.get("/count.ts");
    expect((await visitor.get("/die.ts")).status).toBe(502);
    expect((await visitor.get("/count.ts")).status).toBe(200);
    expect((await visitor.get("/look.ts")).text).toBe('{"count":2}');
  }, 30_000);
}

describeWithApache("sessions through Apache", () => {
  let dir: TempDir;
  beforeAll(() => {
    dir = makeTempDir();
  });
  afterAll(() => dir.remove());

  describe("in memory", () => keepsSessions(async () => ({ store: "memory" })));

  describe("in files", () => keepsSessions(async () => ({ store: "file", path: join(dir.path, "sessions") })));

  describe("in SQLite", () => keepsSessions(async () => ({ store: "sqlite", path: join(dir.path, "sessions.db") })));

  describeWithRedis("in Redis", () => {
    let server: TestRedis;
    keepsSessions(async () => {
      server = await startRedis();
      return { store: "redis", url: server.url };
    });
    afterAll(() => server?.remove());
  });

  describeWithPostgres("in PostgreSQL", () => {
    let server: Awaited<ReturnType<typeof startPostgres>>;
    keepsSessions(async () => {
      server = await startPostgres();
      return { store: "postgres", url: server.url };
    });
    afterAll(() => server?.stop());
  });

  describeWithRedis("whose server is away", () => {
    let server: TestRedis;
    let site: BehindApache;
    beforeAll(async () => {
      server = await startRedis();
      site = await startBehindApache(SITE, {
        threads: 1,
        session: { store: "redis", url: server.url, store_timeout: "1s" },
      });
    }, 60_000);
    afterAll(async () => {
      await site?.stop();
      await server?.remove();
    });

    it("are 503 at once with the reason in the log, and there again with it", async () => {
      const visitor = new Visitor(site);
      await visitor.get("/count.ts");
      await server.stop();
      expect((await visitor.get("/count.ts")).status).toBe(503);
      expect((await visitor.get("/count.ts")).status).toBe(503);
      expect(site.pool.lines).toContainEqual(
        expect.objectContaining({ msg: expect.stringMatching(/^the session store \(redis\) failed: /) }),
      );
      await server.start();
      expect((await visitor.get("/count.ts")).status).toBe(200);
    });

    it("are 503 in time where it stands still, and there again when it goes on", async () => {
      const visitor = new Visitor(site);
      await visitor.get("/count.ts");
      process.kill(server.pid, "SIGSTOP");
      expect((await visitor.get("/count.ts")).status).toBe(503);
      expect(site.pool.lines).toContainEqual(
        expect.objectContaining({ msg: "the session store (redis) has not answered within 1000 ms" }),
      );
      process.kill(server.pid, "SIGCONT");
      await eventually(async () => (await visitor.get("/count.ts")).status === 200, 15_000);
    });
  });
});
