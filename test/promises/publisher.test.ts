// A publisher pool is the same however Apache mounts it, and publishes nothing else.

import { LAYOUTS } from "../../src/deploy/apache.ts";
import { describeWithApache } from "../support/apache.ts";
import { type Site, startSite } from "../support/site.ts";

describeWithApache("a publisher behind Apache", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite(
      {
        "index.ts": `
          import fs from "node:fs";
          import { type InitContext, publish, published } from "holdfast";
          import { required } from "./_schema.ts";

          export const init = (worker: InitContext) => ({ pool: worker.pool, exists: fs.existsSync("/") });
          export const unpublished = () => "unpublished";

          export default publish({
            index: () => "<!doctype html><title>index</title></html>",
            hello: ({ name = "world" }, ctx) => \`Hello \${name} from \${ctx.state.pool}\`,
            add: published({
              methods: ["GET", "POST"],
              input: required("name"),
              handler: (input) => ({ input }),
            }),
            staff: publish(
              { index: (_fields, ctx) => \`staff \${ctx.user}\` },
              { realm: "Staff", auth: ({ password }) => password === "sesame" },
            ),
          });`,
        // Standard Schema needs no library.
        "_schema.ts": `
          import type { StandardSchema } from "holdfast";
          export const required = (name: string): StandardSchema<unknown, Record<string, unknown>> => ({
            "~standard": {
              version: 1,
              vendor: "test",
              validate: (value) => (value as Record<string, unknown>)[name] === undefined
                ? { issues: [{ message: "is missing", path: [name] }] }
                : { value: value as Record<string, unknown> },
            },
          });`,
        "tools/math.ts": `
          import { publish } from "holdfast";
          export default publish({ twice: ({ n }) => Number(n) * 2 });`,
      },
      { kind: "publisher" },
    );
  }, 60_000);
  afterAll(() => site?.stop());

  it.each(LAYOUTS)("mounted as %s answers by function, field and method", async (layout) => {
    const said = async (...asked: [path: string, options?: Parameters<Site["ask"]>[2]]): Promise<unknown> => {
      const { status, headers, text } = await site.ask(layout, ...asked);
      return [status, headers["content-type"], text];
    };
    const plain = "text/plain; charset=utf-8";
    expect(await said("/")).toEqual([200, "text/html; charset=utf-8", "<!doctype html><title>index</title></html>"]);
    expect(await said("/hello")).toEqual([200, plain, "Hello world from site"]);
    expect(await said("/hello?name=%C3%89a")).toEqual([200, plain, "Hello Éa from site"]);
    expect(await said("/tools/math/twice?n=21")).toEqual([200, plain, "42"]);
    const json = { "Content-Type": "application/json" };
    expect(await said("/add", { method: "POST", headers: json, body: '{"name":"Ada"}' })).toEqual([
      200,
      "application/json",
      '{"input":{"name":"Ada"}}',
    ]);
    const form = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
    expect(await said("/add?name=query", { method: "POST", headers: form, body: "name=form" })).toEqual([
      200,
      "application/json",
      '{"input":{"name":"form"}}',
    ]);
    expect(await said("/add", { method: "POST", headers: form, body: "other=1" })).toEqual([
      400,
      "application/json",
      '{"error":"the input is not valid","issues":[{"path":["name"],"message":"is missing"}]}',
    ]);
    const refused = await site.ask(layout, "/hello", { method: "POST", headers: form, body: "a=b" });
    expect([refused.status, refused.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    const asked = await site.ask(layout, "/staff");
    expect([asked.status, asked.headers["www-authenticate"]]).toEqual([401, 'Basic realm="Staff", charset="UTF-8"']);
    const headers = { Authorization: `Basic ${Buffer.from("ada:sesame").toString("base64")}` };
    expect(await said("/staff/", { headers })).toEqual([200, plain, "staff ada"]);
  });

  it.each(LAYOUTS)("mounted as %s publishes nothing else", async (layout) => {
    for (const path of [
      "/unpublished",
      "/init",
      "/default",
      "/fs/existsSync",
      "/constructor",
      "/__proto__",
      "/hello/constructor",
      "/_schema/required",
      "/_schema.ts",
      "/tools/math/__proto__",
      "/tools/..%2findex.ts/hello",
    ]) {
      const { status, text } = await site.ask(layout, path);
      expect([path, [403, 404].includes(status), text.includes("publish")]).toEqual([path, true, false]);
    }
  });
});
