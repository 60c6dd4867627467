// Forms through a real Apache: `request.formData()`, and the forms of a framework that knows nothing of us.

import { describeWithApache } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { Browser, describeWithBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import type { Answer, Ask } from "../support/http.ts";

const FORM = `
export async function POST(request) {
  const form = await request.formData();
  const entries = [...form].map(async ([name, value]) =>
    [name, typeof value === "string" ? value : { filename: value.name, type: value.type, size: value.size }]);
  return Response.json(await Promise.all(entries));
}`;

const HONO = `
import { Hono } from "hono";
const app = new Hono();
app.post("/hono/parse", async (c) => {
  const { title, cover } = await c.req.parseBody();
  return c.json({ title, cover: { name: cover.name, text: await cover.text() } });
});
app.post("/hono/form", async (c) => c.json([...(await c.req.formData()).keys()]));
export default app;`;

const PAGE = `
export const GET = (request, ctx) => new Response(
  "<!doctype html><title>form</title><form method=post enctype=multipart/form-data>" + ctx.csrf.field() +
  "<input name='na&quot;me' value='gr\u00fcn'><textarea name=text>one\\ntwo</textarea><input type=file name=none></form>",
  { headers: { "content-type": "text/html; charset=utf-8" } });
export async function POST(request, ctx) {
  await ctx.csrf.verify(request);
  const form = await request.formData();
  form.delete("_csrf");
  const entries = [...form].map(([name, value]) => [name, typeof value === "string" ? value : [value.name, value.size]]);
  return Response.json(entries);
}`;

let site: BehindApache;
beforeAll(async () => {
  site = await startBehindApache(
    { "form.ts": FORM, "hono.ts": HONO, "page.ts": PAGE },
    {
      cookies: { secrets: ["0123456789abcdef0123456789abcdef"] },
      form: { fields: 5, files: 1, field_limit: 200_000, memory_limit: "300KiB" },
    },
  );
}, 30_000);
afterAll(() => site?.stop());

async function send(path: string, form: FormData | URLSearchParams, options: Ask = {}): Promise<Answer> {
  const sent = new Response(form as FormData);
  const body = Buffer.from(await sent.arrayBuffer());
  return site.ask(path, {
    method: "POST",
    body,
    ...options,
    headers: { "content-type": sent.headers.get("content-type") ?? "", ...options.headers },
  });
}

function formOf(entries: readonly (readonly [string, string | File])[]): FormData {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value as string);
  return form;
}

describeWithApache("a form through Apache", () => {
  it("comes as a browser sends it", async () => {
    const form = formOf([
      ["title", "Grüße & more"],
      ["title", "again"],
      ["__proto__", "x"],
      ["cover", new File([Buffer.alloc(100_000)], "C:\\fakepath\\../größe.png", { type: "image/png" })],
    ]);
    expect(JSON.parse((await send("/form", form)).text)).toEqual([
      ["title", "Grüße & more"],
      ["title", "again"],
      ["__proto__", "x"],
      ["cover", { filename: "größe.png", type: "image/png", size: 100_000 }],
    ]);
    const plain = new URLSearchParams([
      ["a", "1 + 1"],
      ["a", "ü"],
    ]);
    expect(JSON.parse((await send("/form", plain)).text)).toEqual([...plain]);
  });

  it.each([65_366, 65_367, 65_368, 65_369, 131_071])("keeps a field of %d bytes", async (length) => {
    const value = `${"x".repeat(length - 1)}\r`;
    expect(
      JSON.parse(
        (
          await send(
            "/form",
            formOf([
              ["a", value],
              ["b", "1"],
            ]),
          )
        ).text,
      ),
    ).toEqual([
      // A form's line breaks are CR LF [HTML §4.10.22.4].
      ["a", `${"x".repeat(length - 1)}\r\n`],
      ["b", "1"],
    ]);
  });

  it("that is too large is a 413, and the log names the option", async () => {
    const fields = formOf(Array.from({ length: 6 }, (_, index) => [`f${index}`, ""] as const));
    expect((await send("/form", fields)).status).toBe(413);
    const memory = formOf([["cover", new File([Buffer.alloc(400_000)], "large.png")]]);
    expect((await send("/form", memory)).status).toBe(413);
    const logged = (message: string): boolean => site.pool.lines.some(({ msg }) => msg === message);
    await eventually(() => logged("the form has more than 5 fields (form.fields)"));
    await eventually(() => logged("the form takes more than 307200 bytes of memory (form.memory_limit)"));
  });

  it("that is none is a 400 or a 415", async () => {
    const cut = { method: "POST", headers: { "content-type": "multipart/form-data; boundary=x" }, body: "--x\r\n" };
    expect((await site.ask("/form", cut)).status).toBe(400);
    const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    expect((await site.ask("/form", json)).status).toBe(415);
  });

  it("reaches a Hono app by its own means, with our limits and statuses", async () => {
    const form = formOf([
      ["title", "t"],
      ["cover", new File(["content"], "a.txt")],
    ]);
    expect(JSON.parse((await send("/hono/parse", form)).text)).toEqual({
      title: "t",
      cover: { name: "a.txt", text: "content" },
    });
    expect(JSON.parse((await send("/hono/form", form)).text)).toEqual(["title", "cover"]);
    const many = formOf(Array.from({ length: 6 }, (_, index) => [`f${index}`, ""] as const));
    expect((await send("/hono/form", many)).status).toBe(413);
    expect((await send("/hono/parse", many)).status).toBe(413);
  });
});

describeWithApache("a form of Chromium", () => {
  describeWithBrowser("with a token and a file input in which nothing was chosen", () => {
    it("is read as it was filled in", async () => {
      const browser = await Browser.start();
      try {
        await browser.open(`${site.url}/page`);
        await browser.evaluate("document.forms[0].submit()");
        const shown = await eventually(async () => {
          // Fails while one page gives way to the other.
          const text = await browser.evaluate<string>("document.body?.innerText ?? ''").catch(() => "");
          return text.startsWith("[") && text;
        }, 20_000);
        expect(JSON.parse(shown)).toEqual([
          ['na"me', "grün"],
          ["text", "one\r\ntwo"],
          ["none", ["", 0]],
        ]);
      } finally {
        await browser.close();
      }
    }, 60_000);
  });
});
