// What a `_middleware.ts` guards is guarded however Apache mounts the pool, and a new one counts at once.

import { join } from "node:path";
import { LAYOUTS } from "../../src/deploy/apache.ts";
import { describeWithApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { type RunningPool, startPool } from "../support/pool.ts";
import { type Site, startSite } from "../support/site.ts";

const HANDLER = `export default (request, ctx) =>
  new Response(\`\${ctx.user?.name} \${ctx.params.id ?? ""} \${ctx.env.AUTHORIZED ?? ""}\`);`;

describeWithApache("a folder with Basic authentication behind Apache", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite(
      {
        "index.ts": HANDLER,
        "admin/_middleware.ts": `
          import { basicAuth, defineMiddleware, sameSecret } from "holdfast";
          export default defineMiddleware({
            init: () => new Map([["ada", "lovelace"], ["eve", "apple"]]),
            authenticate: basicAuth({
              realm: "Staff",
              verify: ({ user, password }, ctx) =>
                sameSecret(ctx.state.get(user) ?? "", password) && ctx.state.has(user) ? { name: user } : undefined,
            }),
            authorize: (_request, ctx) => ctx.user.name === "ada" ? undefined : new Response("no", { status: 403 }),
            log: (request, ctx, { status, bytes }) => ctx.log.info("done", { user: ctx.user?.name, status, bytes }),
          });`,
        "admin/hello.ts": HANDLER,
        "admin/[id].ts": HANDLER,
        "admin/index.ts": HANDLER,
        "admin/plain.txt": "plain",
        "admin/page.tsp": "<p><%= ctx.user.name %> <%= 1 < 2 ? '<&>' : '' %></p>",
        "broken/_middleware.ts": "export const access = ;",
        "broken/x.ts": HANDLER,
      },
      { static: true },
    );
  }, 60_000);
  afterAll(() => site?.stop());

  const as = (credentials: string) => ({
    headers: { Authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
  });

  it.each(LAYOUTS)("mounted as %s asks, refuses and admits", async (layout) => {
    for (const path of ["/admin/hello", "/admin/7", "/admin/", "/admin/nothing/there", "/admin//hello"]) {
      const { status, headers } = await site.ask(layout, path);
      const seen = [path, status, headers["www-authenticate"]];
      // Of doubled slashes Apache may make something that is not there.
      if (path !== "/admin//hello" || status !== 404) {
        expect(seen).toEqual([path, 401, 'Basic realm="Staff", charset="UTF-8"']);
      }
    }
    expect((await site.ask(layout, "/admin/hello", as("ada:wrong"))).status).toBe(401);
    expect((await site.ask(layout, "/admin/hello", as("eve:apple"))).status).toBe(403);
    expect(await site.ask(layout, "/admin/hello", as("ada:lovelace"))).toMatchObject({ status: 200, text: "ada  " });
    expect(await site.ask(layout, "/admin/7", as("ada:lovelace"))).toMatchObject({ status: 200, text: "ada 7 " });
    expect((await site.ask(layout, "/admin/page")).status).toBe(401);
    const page = await site.ask(layout, "/admin/page", as("ada:lovelace"));
    expect([page.status, page.text.trim()]).toEqual([200, "<p>ada &lt;&amp;&gt;</p>"]);
    expect((await site.ask(layout, "/")).text).toBe("undefined  ");
    expect((await site.ask(layout, "/broken/x")).status).toBe(500);
  });

  it("guards the other files where the pool serves them; those that Apache serves are Apache's to guard", async () => {
    expect((await site.ask("prefix", "/admin/plain.txt")).status).toBe(401);
    expect(await site.ask("prefix", "/admin/plain.txt", as("ada:lovelace"))).toMatchObject({ text: "plain" });
    expect((await site.ask("files", "/admin/plain.txt")).status).toBe(200);
  });

  it("logs after the reply", async () => {
    await site.ask("prefix", "/admin/42", as("ada:lovelace"));
    const line = await eventually(() => site.lines().find(({ msg, uri }) => msg === "done" && uri === "/admin/42"));
    expect(line).toMatchObject({ user: "ada", status: 200, bytes: 7 });
  });
});

describe("with `watch`", () => {
  let pool: RunningPool;
  afterEach(() => pool?.stop());

  it("a new _middleware.ts replaces the workers, as a changed file does", async () => {
    pool = await startPool({ "a/x.ts": `export default () => new Response("open")` }, { watch: true, threads: 1 });
    expect((await pool.get("/a/x")).body.toString()).toContain("open");
    pool.dir.write("root/a/_middleware.ts", `export const access = () => new Response("shut", { status: 403 });`);
    await eventually(
      async () => ((await pool.get("/a/x")).body.toString().includes("shut") ? true : undefined),
      20_000,
    );
    await eventually(
      () => pool.lines.find(({ changed }) => changed === join(pool.dir.path, "root/a/_middleware.ts")),
      20_000,
    );
  }, 60_000);
});
