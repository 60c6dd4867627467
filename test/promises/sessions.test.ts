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
      await new Promise((resolve) => setTimeout(resolve, 10));
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
  "wrong.ts": `
    import type { Context } from "holdfast";
    export default async (_request: Request, ctx: Context) => {
      const session = await ctx.session.open<{ wrong: number }>();
      session.data.wrong = (session.data.wrong ?? 0) + 1;
      await session.save();
      throw new Error("wrong password");
    };`,
  "_middleware.ts": `
    import { defineMiddleware } from "holdfast";
    export default defineMiddleware({
      async access(_request, ctx) {
        if (!ctx.env.REQUEST_URI?.includes("visits")) return;
        (await ctx.session.open<{ visits: number }>()).data.visits = 1;
      },
    });`,
  "visits.tsp": `<% const { data } = await ctx.session.open<{ visits: number }>(); data.visits = (data.visits ?? 0) + 1; %>
    <p><%= data.visits %></p>`,
  "long-visits.tsp": `<% const { data } = await ctx.session.open<{ visits: number; rows: number }>(); data.visits += 1; %>
    <% for (let row = 0; row < 3000; row++) { data.rows = row + 1; %><p>a row of a long page</p><% } %>`,
  "express.ts": `
    import express from "express";
    import { currentContext } from "holdfast";
    const app = express();
    app.use(async (_request, _response, next) => {
      const session = await currentContext().session.open();
      session.data.visits = (session.data.visits ?? 0) + 1;
      next();
    });
    app.get("/", (_request, response) => response.send("hello"));
    export default app;`,
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

function keepsSessions(table: () => Promise<SessionTable>, options: WrittenConfig["pools"][string] = {}): void {
  let site: BehindApache;

  beforeAll(async () => {
    const session = { lock_lease: "3s", lock_timeout: "20s", ...(await table()) };
    site = await startBehindApache(SITE, { threads: 3, concurrency: 2, session, ...options });
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

  it("keeps what a handler that fails has saved, with the cookie that it was the first to need", async () => {
    const visitor = new Visitor(site);
    for (let n = 0; n < 2; n++) expect((await visitor.get("/wrong.ts")).status).toBe(500);
    expect(JSON.parse((await visitor.get("/look.ts")).text)).toEqual({ wrong: 2 });
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

  describe("in memory, whose workers are processes", () => {
    keepsSessions(async () => ({ store: "memory" }), { isolation: "process" });
  });

  describe("in pages and apps", () => {
    let site: BehindApache;
    beforeAll(async () => {
      site = await startBehindApache(SITE, { threads: 1, session: { lock_timeout: "1s" } });
    }, 60_000);
    afterAll(() => site?.stop());

    it("are the session that their middleware has opened, and nobody waits for himself", async () => {
      const visitor = new Visitor(site);
      const { status, text, setCookie } = await visitor.get("/visits.tsp");
      expect([status, text.trim()]).toEqual([200, "<p>2</p>"]);
      expect(setCookie).toMatch(/^session=/);
      expect((await visitor.get("/look.ts")).text).toBe('{"visits":2}');
    });

    it("are found by Express, whose replies set their cookie, too", async () => {
      const visitor = new Visitor(site);
      const first = await visitor.get("/express.ts");
      expect([first.status, first.text, first.setCookie?.slice(0, 8)]).toEqual([200, "hello", "session="]);
      expect((await visitor.get("/express.ts")).setCookie).toBeUndefined();
      expect((await visitor.get("/look.ts")).text).toBe('{"visits":2}');
    });

    it("are saved with what a page changed after its head was sent", async () => {
      const visitor = new Visitor(site);
      const { status, text } = await visitor.get("/long-visits.tsp");
      expect([status, text.length > 64 * 1024]).toEqual([200, true]);
      await eventually(async () => (await visitor.get("/look.ts")).text === '{"visits":2,"rows":3000}');
    });
  });

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

    const logged = (message: RegExp) =>
      eventually(() => site.pool.lines.some(({ msg, level }) => level === "error" && message.test(String(msg))));

    it("are 503 at once with the reason in the log, and there again with it", async () => {
      const visitor = new Visitor(site);
      await visitor.get("/count.ts");
      await server.stop();
      expect((await visitor.get("/count.ts")).status).toBe(503);
      expect((await visitor.get("/count.ts")).status).toBe(503);
      await logged(/^the session store \(redis\) failed: /);
      await server.start();
      expect((await visitor.get("/count.ts")).status).toBe(200);
    });

    it("are 503 in time where it stands still, and there again when it goes on", async () => {
      const visitor = new Visitor(site);
      await visitor.get("/count.ts");
      process.kill(server.pid, "SIGSTOP");
      expect((await visitor.get("/count.ts")).status).toBe(503);
      await logged(/^the session store \(redis\) has not answered within 1000 ms$/);
      process.kill(server.pid, "SIGCONT");
      await eventually(async () => (await visitor.get("/count.ts")).status === 200, 15_000);
    });
  });
});
