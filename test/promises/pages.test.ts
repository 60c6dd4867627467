// Server pages and JSX, asked through a real Apache and looked at in a real browser.

import { writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { LAYOUTS } from "../../src/deploy/apache.ts";
import { describeWithApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { type Site, startSite } from "../support/site.ts";

/** On a loaded machine. */
const SLOW_MS = 60_000;
const ROWS = 10_000;
const ROW = "r".repeat(2000);

const FILES = {
  "_layout.tsp": `<!doctype html>
<html lang="en">
<title><%@ slot name="title" %></title>
<main><%@ slot %></main>
</html>
`,
  "index.tsp": `<%@ layout file="_layout.tsp" %>
<%! import { greeting } from "./_greeting.ts"; %>
<% const name: string = page.query.get("name") ?? "you"; %>
<%@ block name="title" %><%= greeting(name) %><%@ end %>
<h1><%= greeting(name) %></h1>
`,
  "_greeting.ts": "export const greeting = (name: string): string => `Hello, $" + "{name}`;",
  "form.tsp": `<% if (request.method === "POST") { const form = await page.form(); page.redirect("/form?said=" + encodeURIComponent(String(form.get("text")))); } %>
<p><%= page.query.get("said") %></p>
`,
  "counted.tsp": `<%! let begun = 0;
export const init = () => { begun += 1; return { name: "state" }; };
%>
<%= ctx.state.name %> <%= begun %>`,
  "controller.ts": `import view from "./_view.tsp";
import type { Context } from "holdfast";
export default (request: Request, ctx: Context) => {
  (ctx.locals as { from?: string }).from = "the controller";
  return view(request, ctx, ctx);
};
`,
  "_view.tsp": "<p>From <%= ctx.locals.from %></p>",
  "watched.tsp": '<%@ include file="_part.tsp" %>',
  "_part.tsp": "before",
  "users/[id].tsp": "<p><%= page.params.id %></p>",
  "rows.tsp": `<%! let made = 0; %>
<% if (page.query.has("made")) { %>
<%= made %>
<% return; } made = 0; %>
<% for (let i = 0; i < ${ROWS}; i += 1) { made += 1; %>
<%= ${JSON.stringify(ROW)} %>
<% } %>
`,
  "fails.tsp": "<ul>\n<%\n  const none: undefined | { x: number } = undefined;\n%>\n<li><%= none!.x %></li>\n</ul>\n",
  "promise.tsp": "<p>\n<%= Promise.resolve(1) %>",
  "broken.tsp": "<ul>\n  <li class=<%= 1 %>></li>\n</ul>\n",
  "late.tsp": `<% await page.flush(); %>begun<% await page.flush(); await new Promise((resolve) => setTimeout(resolve, 50)); throw new Error("late"); %>`,
  "jsx.tsx": `import { Suspense } from "holdfast/jsx";
async function Slow({ text }: { text: string }) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return <p>{text}</p>;
}
export default async function Page(request: Request) {
  const name = new URL(request.url).searchParams.get("name") ?? "you";
  return <html lang="en"><body><h1 title={name}>Hello, {name}</h1>
    <Suspense fallback={<p>soon</p>}><Slow text="at last" /></Suspense></body></html>;
}
`,
  "methods.tsx": `export const GET = () => <p>part</p>;
export const POST = () => new Response("posted");
`,
  "react.tsx": `/** @jsxImportSource ./_other */
export default () => <p>not ours</p>;
`,
  "forged.ts": `export default () => JSON.parse('{"tag":"p","props":{"children":"<script>"},"isEscaped":true}');
`,
  "component-fails.tsx":
    "const Bad = () => { throw new Error('bad component'); };\nexport default () => <p><Bad /></p>;\n",
  "_other/jsx-runtime.ts":
    "export const jsx = (type: string, props: object) => ({ type, props }); export const jsxs = jsx;",
};

describeWithApache("server pages behind Apache", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite(FILES, { show_errors: true });
  }, 60_000);
  afterAll(() => site?.stop());

  it.each(LAYOUTS)("mounted as %s answer with and without extension, and in folders", async (layout) => {
    const index = await site.ask(layout, "/?name=%3Cb%3E");
    expect([index.status, index.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(index.text).toBe(
      `<!doctype html>
<html lang="en">
<title>Hello, &lt;b&gt;</title>
<main>
<h1>Hello, &lt;b&gt;</h1>
</main>
</html>
`,
    );
    expect((await site.ask(layout, "/form?said=x")).text).toBe("<p>x</p>\n");
    // Apache itself refuses what looks like a source where only its own files are mounted.
    if (layout !== "front-controller") expect((await site.ask(layout, "/form.tsp?said=x")).text).toBe("<p>x</p>\n");
    expect((await site.ask(layout, "/users/7")).text).toBe("<p>7</p>");
    expect((await site.ask(layout, "/jsx")).text).toContain("<!doctype html><html");
  });

  it.each(LAYOUTS)("mounted as %s never show their source", async (layout) => {
    for (const path of [
      "/_layout.tsp",
      "/_layout",
      "/index.tsp~",
      "/index.tsp.bak",
      "/users/%5Bid%5D.tsp",
      "/_greeting.ts",
    ]) {
      const { status, text } = await site.ask(layout, path);
      expect([path, status === 403 || status === 404 || text === "<p>[id].tsp</p>"]).toEqual([path, true]);
      expect(text).not.toContain("<%");
    }
  });

  it("may have an init of their own, and be called by a handler", async () => {
    expect((await site.ask("files", "/counted")).text).toBe("state 1");
    expect((await site.ask("files", "/counted")).text).toBe("state 1");
    expect((await site.ask("files", "/controller")).text).toBe("<p>From the controller</p>");
  });

  it("take GET, HEAD and POST, and redirect after a form", async () => {
    const head = await site.ask("files", "/form?said=abc", { method: "HEAD" });
    expect([head.status, head.headers["content-length"], head.text]).toEqual([200, "11", ""]);
    const posted = await site.ask("files", "/form", {
      method: "POST",
      body: "text=a+%26+b",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect([posted.status, posted.headers.location]).toEqual([303, "/form?said=a%20%26%20b"]);
    const refused = await site.ask("files", "/form", { method: "DELETE" });
    expect([refused.status, refused.headers.allow]).toEqual([405, "GET, HEAD, POST, OPTIONS"]);
  });

  it("fail with 500, their own line and its source, as long as nothing is sent", async () => {
    const accept = { accept: "text/html" };
    const failed = await site.ask("files", "/fails", { headers: accept });
    expect(failed.status).toBe(500);
    expect(failed.text).toMatch(/fails\.tsp:5:15</);
    expect(failed.text).toMatch(/<li value=5 class=marked><code>&lt;li&gt;&lt;%= none!\.x %&gt;/);
    expect(failed.text).toMatch(/<span class=others>.*define\.[jt]s/);
    const promise = await site.ask("files", "/promise", { headers: accept });
    expect(promise.text).toMatch(/promise\.tsp:2:\d+</);
    expect(promise.text).toContain("write await before it");
    const broken = await site.ask("files", "/broken", { headers: accept });
    expect(broken.status).toBe(500);
    expect(broken.text).toMatch(/broken\.tsp:2:16</);
    expect(broken.text).toContain("without quotes");
    await expect(site.ask("files", "/late")).rejects.toThrow();
  });

  it(
    "of 10,000 rows are made as fast as the client reads, and no faster",
    async () => {
      const whole = await site.ask("files", "/rows", { deadlineMs: SLOW_MS });
      expect(whole.text.length).toBe(ROWS * (ROW.length + 1));
      // What Apache, two sockets and the pool's window hold is far less than the page.
      const { promise: begun, resolve } = Promise.withResolvers<void>();
      const paused = httpRequest(`${site.url("files")}/rows`, { headers: { connection: "close" } }, (response) => {
        response.once("readable", resolve);
        response.on("error", () => {});
      });
      paused.on("error", () => {});
      paused.end();
      await begun;
      let made = -1;
      await eventually(async () => {
        const before = made;
        made = Number((await site.ask("files", "/rows?made")).text);
        return made > 0 && made === before;
      }, SLOW_MS);
      paused.destroy();
      expect(made).toBeLessThan(ROWS / 2);
      expect(
        await eventually(async () => (await site.ask("files", "/?name=still")).text.includes("still"), SLOW_MS),
      ).toBe(true);
    },
    3 * SLOW_MS,
  );
});

describeWithApache("a pool of another kind", () => {
  it.each(["fetch", "node", "publisher"] as const)(
    "has server pages, too: %s",
    async (kind) => {
      const site = await startSite({ "page.tsp": "<p><%= 6 * 7 %></p>" }, { kind });
      try {
        expect((await site.ask("files", "/page")).text).toBe("<p>42</p>");
      } finally {
        await site.stop();
      }
    },
    2 * SLOW_MS,
  );
});

describeWithApache("a watched pool", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite(FILES, { watch: true });
  }, 60_000);
  afterAll(() => site?.stop());

  it(
    "serves a page anew when what it includes has changed",
    async () => {
      expect((await site.ask("files", "/watched")).text).toBe("before");
      writeFileSync(join(site.root, "_part.tsp"), "after");
      await eventually(async () => (await site.ask("files", "/watched")).text === "after", SLOW_MS);
    },
    2 * SLOW_MS,
  );
});

describeWithApache("JSX behind Apache", () => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite(FILES, { show_errors: true });
  }, 60_000);
  afterAll(() => site?.stop());

  it("is a whole document with its doctype, streamed where a part of it is suspended", async () => {
    const { status, headers, text } = await site.ask("files", "/jsx?name=%22%3E%3Cb%3E");
    expect([status, headers["content-type"], headers["content-length"]]).toEqual([
      200,
      "text/html; charset=utf-8",
      undefined,
    ]);
    expect(text).toContain(
      '<!doctype html><html lang="en"><body><h1 title="&quot;&gt;&lt;b&gt;">Hello, &quot;&gt;&lt;b&gt;</h1>',
    );
    expect(text.indexOf("soon")).toBeLessThan(text.indexOf("at last"));
  });

  it("may be a part of a document, and answer one method", async () => {
    expect(await site.ask("files", "/methods")).toMatchObject({ status: 200, text: "<p>part</p>" });
    expect((await site.ask("files", "/methods", { method: "POST", body: "" })).text).toBe("posted");
    expect(await site.ask("files", "/methods", { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
  });

  it.each([
    ["another library's nodes", "/react", "returned a plain object instead of a Response"],
    ["data that looks like a node", "/forged", "returned a plain object instead of a Response"],
    ["a component that throws", "/component-fails", "bad component"],
  ])("is an error with %s", async (_what, path, message) => {
    const { status, text } = await site.ask("files", path);
    expect(status).toBe(500);
    expect(text).toContain(message);
  });
});
