// Routes by file name are the same however Apache mounts the pool.

import { LAYOUTS } from "../../src/deploy/apache.ts";
import { describeWithApache } from "../support/apache.ts";
import { type Site, startSite } from "../support/site.ts";

const SAYS = `export default (request, ctx) => Response.json({
  file: import.meta.url.split("/www/")[1].split("?")[0], params: ctx.params,
  script: ctx.env.SCRIPT_NAME, pathInfo: ctx.env.PATH_INFO ?? "",
});`;

describeWithApache("files in brackets behind Apache", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite({
      "index.ts": SAYS,
      "users/[id].ts": SAYS,
      "users/me.ts": SAYS,
      "users/[id]/orders/[order].ts": SAYS,
      "docs/[...path].ts": SAYS,
      "docs/plain.txt": "plain",
      "api/things.ts": `export const GET = () => new Response("list");
        export const POST = async (request) => new Response(await request.text(), { status: 201 });`,
    });
  }, 60_000);
  afterAll(() => site?.stop());

  it.each(LAYOUTS)("mounted as %s find the same", async (layout) => {
    const said = async (path: string): Promise<unknown> => {
      const { status, text } = await site.ask(layout, path);
      return status === 200 ? JSON.parse(text) : status;
    };
    expect(await said("/users/7")).toEqual({
      file: "users/%5Bid%5D.ts",
      params: { id: "7" },
      script: "/users/7",
      pathInfo: "",
    });
    expect(await said("/users/me")).toMatchObject({ file: "users/me.ts", params: {} });
    // There Apache itself refuses whatever looks like a source.
    const ofSources = layout === "front-controller" ? 403 : undefined;
    for (const id of ["x.ts", "[id].ts"]) {
      expect(await said(`/users/${encodeURIComponent(id)}`)).toEqual(
        ofSources ?? { file: "users/%5Bid%5D.ts", params: { id }, script: `/users/${id}`, pathInfo: "" },
      );
    }
    expect(await said("/users/%C3%A9%20%2541?id=8")).toMatchObject({ params: { id: "é %41" } });
    expect(await said("/users/7/orders/9")).toMatchObject({ params: { id: "7", order: "9" } });
    expect(await said("/docs/a/b")).toEqual({
      file: "docs/%5B...path%5D.ts",
      params: { path: "a/b" },
      script: "/docs",
      pathInfo: "/a/b",
    });
    expect(await said("/docs/")).toMatchObject({ params: { path: "" } });
    expect(await said("/users/7/nothing")).toBe(404);
    expect([403, 404]).toContain(await said("/users/_x"));
    expect([403, 404]).toContain(await said("/docs/a/.git/config"));
    expect(await said("/users/a%2Fb")).toBe(404);
  });

  it.each(LAYOUTS)("mounted as %s answer by method", async (layout) => {
    expect(await site.ask(layout, "/api/things")).toMatchObject({ status: 200, text: "list" });
    expect(await site.ask(layout, "/api/things", { method: "POST", body: "new" })).toMatchObject({
      status: 201,
      text: "new",
    });
    const refused = await site.ask(layout, "/api/things", { method: "DELETE" });
    expect([refused.status, refused.headers.allow]).toEqual([405, "GET, HEAD, POST, OPTIONS"]);
  });
});
