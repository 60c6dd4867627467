import type { CsrfVerifyOptions } from "../../src/app/cookies.ts";
import { csrf } from "../../src/app/csrf.ts";
import { RequestContext } from "../../workers/context.ts";
import { lazyKeys } from "../../workers/keys.ts";
import { formAgain, lazyRequest } from "../../workers/request.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const FORM = { "content-type": "application/x-www-form-urlencoded" };

function contextOf(options: FakeExchangeOptions = {}, secret = SECRET) {
  const exchange = new FakeExchange(options);
  const request = lazyRequest(exchange, { ...FORM_LIMITS, memoryBytes: 10_000 });
  const ctx = new RequestContext({
    exchange,
    request,
    form: FORM_LIMITS,
    state: undefined,
    worker: { id: 1, generation: 1, requests: 1 },
    corrections: undefined,
    keys: lazyKeys([secret]),
    waitUntil: () => {},
  });
  return { ctx, request };
}

/** What a browser has after it has seen a page with a token. */
async function visit(options: FakeExchangeOptions = {}, bindTo?: string): Promise<{ token: string; cookie: string }> {
  const { ctx } = contextOf(options);
  const token = ctx.csrf.token(bindTo === undefined ? {} : { bindTo });
  const headers = new Headers();
  for (const hook of ctx.replyHooks ?? []) await hook({ status: 200, headers });
  const [cookie = ""] = headers.getSetCookie();
  return { token, cookie: cookie.split(";", 1)[0] ?? "" };
}

async function outcome(options: FakeExchangeOptions, verify?: CsrfVerifyOptions): Promise<string> {
  const { ctx, request } = contextOf({ method: "POST", ...options });
  return ctx.csrf.verify(request, verify).then(
    () => "passes",
    (error: { status: number; message: string }) =>
      `${error.status} ${error.message.replace("the request may have been forged: ", "")}`,
  );
}

describe("a CSRF token", () => {
  it("lets a form of this browser pass, which can be read again", async () => {
    const { token, cookie } = await visit();
    const body = new URLSearchParams({ _csrf: token, title: "x" }).toString();
    for (const sent of [{ body }, { pieces: [body.slice(0, 9), body.slice(9)] }]) {
      const { ctx, request } = contextOf({ method: "POST", headers: { ...FORM, cookie }, ...sent });
      await ctx.csrf.verify(request);
      expect(request.bodyUsed).toBe(false);
      expect((await request.formData()).get("title")).toBe("x");
    }
  });

  it("lets a multipart form, a header, a form that was read, and a token that was read pass", async () => {
    const { token, cookie } = await visit();
    const form = new FormData();
    form.append("_csrf", token);
    const sent = new Response(form);
    const headers = { "content-type": sent.headers.get("content-type") ?? "", cookie };
    expect(await outcome({ headers, body: new Uint8Array(await sent.arrayBuffer()) })).toBe("passes");
    expect(await outcome({ headers: { cookie, "x-csrf-token": token } })).toBe("passes");
    const { ctx } = contextOf({ method: "POST", headers: { cookie } });
    await ctx.csrf.verify(form);
    await ctx.csrf.verify(new URLSearchParams({ _csrf: token }));
    await ctx.csrf.verify(token);
  });

  it("is another text each time, of the same browser", async () => {
    const { cookie } = await visit();
    const { ctx } = contextOf({ headers: { cookie } });
    const [one, two] = [ctx.csrf.token(), ctx.csrf.token()];
    expect(one).not.toBe(two);
    // The browser has its cookie already.
    expect(ctx.replyHooks).toBeUndefined();
    for (const token of [one, two])
      expect(await outcome({ headers: { cookie, "x-csrf-token": token } })).toBe("passes");
  });

  it("comes with one cookie, however many there are in a page", async () => {
    const { ctx } = contextOf();
    ctx.csrf.token();
    expect(ctx.csrf.field()).toMatch(/^<input type="hidden" name="_csrf" value="[A-Za-z0-9_.-]{66}">$/);
    const headers = new Headers();
    for (const hook of ctx.replyHooks ?? []) await hook({ status: 200, headers });
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^csrf=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  it("over TLS belongs to a cookie that no other host of the domain can set", async () => {
    const { cookie, token } = await visit({ variables: { HTTPS: "on" } });
    expect(cookie).toMatch(/^__Host-csrf=/);
    const headers = { cookie, "x-csrf-token": token };
    expect(await outcome({ headers, variables: { HTTPS: "on" } })).toBe("passes");
    const planted = { cookie: cookie.replace("__Host-", ""), "x-csrf-token": token };
    expect(await outcome({ headers: planted, variables: { HTTPS: "on" } })).toContain("403 it brings no cookie");
  });

  it("is refused where it is missing, another browser's, changed, or of another secret", async () => {
    const { token, cookie } = await visit();
    const other = await visit();
    expect(await outcome({ headers: { cookie } })).toBe("403 it brings no token");
    expect(await outcome({ headers: { ...FORM, cookie }, body: "title=x" })).toBe("403 it brings no token");
    expect(await outcome({ headers: { "x-csrf-token": token } })).toBe(
      "403 it brings no cookie that its token could belong to",
    );
    const wrong = "403 its token is not one of this browser's";
    for (const bad of [other.token, `${token}x`, token.slice(1), "", ".", "x", `.${token}`, ` ${token}`]) {
      expect([
        bad,
        await outcome({ headers: { ...FORM, cookie }, body: new URLSearchParams({ _csrf: bad }).toString() }),
      ]).toEqual([bad, wrong]);
    }
    const { ctx } = contextOf({ method: "POST", headers: { cookie } }, "another secret, also long enough");
    await expect(ctx.csrf.verify(token)).rejects.toMatchObject({ status: 403 });
  });

  it("may be bound to a user, and is then nobody else's", async () => {
    const { token, cookie } = await visit({}, "user 7");
    const headers = { cookie, "x-csrf-token": token };
    expect(await outcome({ headers }, { bindTo: "user 7" })).toBe("passes");
    expect(await outcome({ headers }, { bindTo: "user 8" })).toContain("403");
    expect(await outcome({ headers })).toContain("403");
  });

  it("may be in another field or header", async () => {
    const { token, cookie } = await visit();
    expect(
      await outcome(
        { headers: { ...FORM, cookie }, body: new URLSearchParams({ t: token }).toString() },
        { field: "t" },
      ),
    ).toBe("passes");
    expect(await outcome({ headers: { cookie, "x-xsrf": token } }, { header: "x-xsrf" })).toBe("passes");
  });

  it("is not needed by methods that change nothing [RFC 9110 §9.2.1]", async () => {
    for (const method of ["GET", "HEAD", "OPTIONS", "TRACE"]) expect(await outcome({ method })).toBe("passes");
    for (const method of ["PUT", "PATCH", "DELETE", "PROPFIND"]) expect(await outcome({ method })).toContain("403");
  });
});

describe("where a request comes from", () => {
  it.each<[string, Record<string, string>, CsrfVerifyOptions, string]>([
    ["this site's page", { "sec-fetch-site": "same-origin", origin: "http://site.test" }, {}, "passes"],
    ["the address bar", { "sec-fetch-site": "none" }, {}, "passes"],
    ["an older browser on this site", { origin: "http://site.test" }, {}, "passes"],
    ["a program", {}, {}, "passes"],
    [
      "another site's page",
      { "sec-fetch-site": "cross-site" },
      {},
      'it comes from another site (Sec-Fetch-Site: "cross-site")',
    ],
    ["a neighbour of the domain", { "sec-fetch-site": "same-site" }, {}, "it comes from another site"],
    ["an older browser on another site", { origin: "http://evil.test" }, {}, 'it comes from "http://evil.test"'],
    ["this host without TLS", { origin: "https://site.test" }, {}, 'it comes from "https://site.test"'],
    ["a page without an origin", { origin: "null" }, {}, 'it comes from "null"'],
    [
      "a site that is trusted",
      { "sec-fetch-site": "cross-site", origin: "https://admin.test" },
      { origins: ["https://admin.test"] },
      "passes",
    ],
    [
      "one that only looks like it",
      { "sec-fetch-site": "cross-site", origin: "https://admin.test.evil" },
      { origins: ["https://admin.test"] },
      "it comes from",
    ],
  ])("%s, with a good token", async (_, headers, options, expected) => {
    const { token, cookie } = await visit();
    expect(await outcome({ headers: { ...headers, cookie, "x-csrf-token": token } }, options)).toContain(expected);
  });
});

describe("csrf(), a phase for a middleware", () => {
  it("goes on, or refuses", async () => {
    const { token, cookie } = await visit();
    const good = contextOf({ method: "POST", headers: { cookie, "x-csrf-token": token } });
    expect(await csrf()(good.request, good.ctx)).toBeUndefined();
    const bad = contextOf({ method: "POST", headers: { cookie } });
    await expect(csrf()(bad.request, bad.ctx)).rejects.toMatchObject({ status: 403, code: "REQUEST" });
  });
});

describe("a form that is read before its handler", () => {
  it("is refused with 413 where it does not fit into memory", async () => {
    const { ctx, request } = contextOf({
      method: "POST",
      headers: FORM,
      pieces: ["a=".padEnd(9000, "x"), "x".repeat(2000)],
    });
    await expect(ctx.csrf.verify(request)).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining("form.memory_limit"),
    });
  });

  it("is looked for in a Request of the app's, too", async () => {
    const body = new URLSearchParams({ a: "1" });
    const native = new Request("http://site.test/", { method: "POST", body });
    expect((await formAgain(native))?.get("a")).toBe("1");
    expect(await native.text()).toBe("a=1");
    expect(await formAgain(new Request("http://site.test/", { method: "POST", body: "x" }))).toBeUndefined();
  });
});
