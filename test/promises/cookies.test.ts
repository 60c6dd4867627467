// Cookies and CSRF tokens through a real Apache.

import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describeWithApache } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { eventually } from "../support/eventually.ts";

const SHOW = `
export default (request, ctx) => Response.json({
  all: [...ctx.cookies.all()], signed: ctx.cookies.signed.get("signed"), sealed: ctx.cookies.sealed.get("sealed") });`;

const SET = `
export default (request, ctx) => {
  ctx.cookies.set("plain", "ü; x");
  ctx.cookies.signed.set("signed", "7", { maxAge: 60 });
  ctx.cookies.sealed.set("sealed", "secret");
  return new Response("ok", { headers: [["set-cookie", "own=1"], ["x-own", "kept"]] });
};`;

const FAILS = `
export default (request, ctx) => {
  if (request.url.endsWith("large")) ctx.cookies.set("a", "x".repeat(5000));
  ctx.cookies.set("a", "1");
  throw new Error("failed after it");
};`;

const LATE = `
async function* body(ctx) {
  yield "first";
  await new Promise((resolve) => setTimeout(resolve, 5));
  try { ctx.cookies.set("late", "1"); yield "set"; } catch (error) { yield error.message; }
}
export default (request, ctx) => new Response(body(ctx));`;

const GUARDED = `
export const GET = (request, ctx) => new Response(ctx.csrf.token());
export async function POST(request, ctx) {
  await ctx.csrf.verify(request);
  const form = await request.formData();
  return new Response("hello " + form.get("name"));
}`;

const FOLDER = `
import { csrf, defineMiddleware } from "holdfast";
export default defineMiddleware({ access: csrf() });`;

const INSIDE = `
export const GET = (request, ctx) => new Response(ctx.csrf.field());
export const POST = async (request) => new Response((await request.formData()).get("name"));`;

let site: BehindApache;
beforeAll(async () => {
  const files = {
    "show.ts": SHOW,
    "set.ts": SET,
    "fails.ts": FAILS,
    "late.ts": LATE,
    "guarded.ts": GUARDED,
    "admin/_middleware.ts": FOLDER,
    "admin/edit.ts": INSIDE,
  };
  site = await startBehindApache(files, { cookies: { secrets: ["0123456789abcdef0123456789abcdef"] } });
}, 30_000);
afterAll(() => site?.stop());

const names = (lines: readonly string[] | undefined): string[] =>
  (lines ?? []).map((line) => line.split("=", 1)[0] ?? "");

describeWithApache("cookies through Apache", () => {
  it("come back as they were set, beside the handler's own headers", async () => {
    const set = await site.ask("/set");
    expect(names(set.headers["set-cookie"])).toEqual(["own", "plain", "signed", "sealed"]);
    expect(set.headers["x-own"]).toBe("kept");
    const cookie = (set.headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]).join("; ");
    expect(JSON.parse((await site.ask("/show", { headers: { cookie } })).text)).toMatchObject({
      all: expect.arrayContaining([["plain", "ü; x"]]),
      signed: "7",
      sealed: "secret",
    });
  });

  it("in several headers are read as Apache joins them: nothing of one becomes another's name", async () => {
    const { hostname, port } = new URL(site.url);
    const socket = connect(Number(port), hostname);
    socket.end("GET /show HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a=1\r\nCookie: b=2; c=3\r\n\r\n");
    const reply = await text(socket);
    const { all } = JSON.parse(reply.slice(reply.indexOf("{"), reply.lastIndexOf("}") + 1));
    expect(new Map(all).get("c")).toBe("3");
    expect(new Map(all).get("a")).toMatch(/^1(, b=2)?$/);
  });

  it("are not sent with an error, and one that no browser would keep is an error", async () => {
    const failed = await site.ask("/fails");
    expect([failed.status, failed.headers["set-cookie"]]).toEqual([500, undefined]);
    expect((await site.ask("/fails?large")).status).toBe(500);
    await eventually(() => site.pool.lines.some(({ msg }) => String(msg).includes("browsers keep 4096")));
  });

  it("cannot be set any more once the reply has begun, and whoever tries is told", async () => {
    expect((await site.ask("/late")).text).toBe("firstthe reply has begun: it takes no more cookies or headers");
  });
});

describeWithApache("a CSRF token through Apache", () => {
  it("lets this site's form pass and refuses others with 403", async () => {
    const page = await site.ask("/guarded");
    const cookie = page.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
    const post = (form: Record<string, string>, headers: Record<string, string>) =>
      site.ask("/guarded", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams(form).toString(),
      });
    const good = await post(
      { _csrf: page.text, name: "you" },
      { cookie, origin: site.url, "sec-fetch-site": "same-origin" },
    );
    expect([good.status, good.text]).toEqual([200, "hello you"]);
    expect((await post({ name: "you" }, { cookie })).status).toBe(403);
    expect((await post({ _csrf: page.text, name: "you" }, {})).status).toBe(403);
    expect((await post({ _csrf: page.text, name: "you" }, { cookie, origin: "http://evil.test" })).status).toBe(403);
  });

  it("guards a whole folder by its middleware", async () => {
    const page = await site.ask("/admin/edit");
    const token = /value="([^"]+)"/.exec(page.text)?.[1] ?? "";
    const cookie = page.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
    const post = (form: Record<string, string>) =>
      site.ask("/admin/edit", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", cookie },
        body: new URLSearchParams(form).toString(),
      });
    const good = await post({ _csrf: token, name: "you" });
    expect([good.status, good.text]).toEqual([200, "you"]);
    expect((await post({ name: "you" })).status).toBe(403);
  });
});
