// What a page does while it runs: its head, its end, and how far it may be ahead of its reader.

import type { LogFields } from "../../src/app/context.ts";
import { HELD_BACK, PIECE } from "../../src/pages/runtime/output.ts";
import { eventually } from "../support/eventually.ts";
import { runPage } from "../support/pages.ts";

const LONG = "x".repeat(HELD_BACK);

function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array> {
  if (response.body === null) throw new Error("no body");
  return response.body.getReader();
}

describe("the head of a page's reply", () => {
  it("is 200 and HTML, unless the page says otherwise", async () => {
    const plain = await runPage("hello");
    expect([plain.status, plain.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const own = await runPage('<%@ page type="text/plain" status="404" %>gone');
    expect([own.status, own.headers.get("content-type")]).toEqual([404, "text/plain; charset=utf-8"]);
    const late = await runPage(
      'hello<% page.status = 410; page.headers.append("x-a", "b"); page.headers.set("content-type", "text/css") %>',
    );
    expect([late.status, ...late.headers]).toEqual([410, ["content-type", "text/css"], ["x-a", "b"]]);
    const none = await runPage("<% page.status = 204 %> ");
    expect([none.status, await none.text()]).toEqual([204, ""]);
  });

  it("is the page's before its layout's", async () => {
    const layout = '<%@ page type="application/json" status="201" %><%@ slot %>';
    const { status, headers } = await runPage({
      "page.tsp": '<%@ page status="202" %><%@ layout file="l" %>{}',
      l: layout,
    });
    expect([status, headers.get("content-type")]).toEqual([202, "application/json"]);
  });

  it.each([
    ["status", "page.status = 404", "status cannot change any more"],
    ["headers", 'page.headers.set("a", "b")', "headers cannot change any more"],
    ["headers that were looked at before", 'h.append("a", "b")', "headers cannot change any more"],
    ["a redirect", 'page.redirect("/")', "a redirect cannot change any more"],
  ])("cannot change once it is sent: %s", async (_what, code, message) => {
    const response = await runPage(
      `<% const h = page.headers; await page.flush(); %>a<% try { ${code} } catch (e) { %><%= e.message %><% } %>`,
    );
    expect(await response.text()).toContain(message);
  });

  it.each([
    ["page.status = 99", "99 is no status for a page"],
    ["page.status = 2e9", "2000000000 is no status for a page"],
    ['page.redirect("/", 200)', "200 is no redirect"],
    ['page.redirect("/\\r\\nx: y")', "control character"],
  ])("cannot be nonsense: %s", async (code, message) => {
    await expect(runPage(`<% ${code} %>`)).rejects.toThrow(message);
  });

  it.each([
    ["GET", "/login", undefined, 302],
    ["POST", "/done", undefined, 303],
    ["GET", "https://x.test/", 308, 308],
  ])("may be a redirect: %s to %s with %s", async (method, url, status, expected) => {
    const code = `page.headers.append("set-cookie", "a=b"); page.redirect(${JSON.stringify(url)}${status === undefined ? "" : `, ${status}`}); neverReached()`;
    const response = await runPage(`text<% ${code} %>`, { method, ...(method === "POST" ? { body: "a=b" } : {}) });
    expect([response.status, response.headers.get("location"), response.headers.get("set-cookie")]).toEqual([
      expected,
      url,
      "a=b",
    ]);
    expect([response.headers.get("content-type"), await response.text()]).toEqual([null, ""]);
  });

  it("is a redirect even where the page catches it and writes much after it, or wants to send what it has", async () => {
    const long = await runPage(`<% try { page.redirect("/") } catch {} %>${LONG}<% throw new Error("late") %>`);
    expect([long.status, long.body]).toEqual([302, null]);
    const sent = await runPage('<% try { page.redirect("/") } catch {} await page.flush() %>');
    expect([sent.status, sent.body]).toEqual([302, null]);
    const unawaited = await runPage('<% try { page.redirect("/") } catch {} void page.flush() %>x');
    expect([unawaited.status, unawaited.body]).toEqual([302, null]);
  });

  it("is a redirect even where the page catches everything", async () => {
    expect((await runPage('<% try { page.redirect("/") } catch {} %>')).status).toBe(302);
  });
});

describe("a page's request", () => {
  it.each([
    ["GET", 200],
    ["HEAD", 200],
    ["POST", 200],
    ["OPTIONS", 204],
    ["PUT", 405],
    ["DELETE", 405],
  ])("may be %s: %i", async (method, status) => {
    const response = await runPage("a", { method });
    expect(response.status).toBe(status);
    if (status !== 200) expect(response.headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
  });

  it("is there as request, ctx and page, with its query and form", async () => {
    const page =
      "<%= request.method %> <%= ctx.state %> <%= page.ctx === ctx && page.request === request %> <%= page.query.get('q') %> <%= (await page.form()).get('a') %> <%= page.form() === page.form() %> <%= page.params.id %>";
    const ctx = { state: 5, params: { id: "7" } };
    expect(await (await runPage(page, { method: "POST", url: "/?q=1%202", body: "a=b+c", ctx })).text()).toBe(
      "POST 5 true 1 2 b c true 7",
    );
  });
});

describe("a page with a session", () => {
  it.each([
    ["as page.session", "<% const s = await page.session.open(); %><%= s.data.user %>"],
    ["as session, if it says so", '<%@ page session="true" %>\n<%= session.data.user %>'],
    [
      "… where its own name goes before it",
      '<%@ page session="true" %>\n<% { const session = "Ada"; %><%= session %><% } %>',
    ],
  ])("has it %s", async (_what, page) => {
    const ctx = { session: { open: async () => ({ data: { user: "Ada" } }), peek: async () => undefined } };
    expect(await (await runPage(page, { ctx: ctx as never })).text()).toBe("Ada");
  });
});

describe("what a page writes", () => {
  it("is held back until there is much of it, so that an error is still an error", async () => {
    await expect(runPage(`${LONG.slice(2)}<% throw new Error("late") %>`)).rejects.toThrow("late");
  });

  it("is sent when it is asked for", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const response = await runPage("first<% await page.flush(); %><% await gate; %>second", {
      values: { gate: promise },
    });
    const reader = readerOf(response);
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("first");
    resolve();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("second");
    expect((await reader.read()).done).toBe(true);
  });

  it("fails for its reader when the page fails after that", async () => {
    const response = await runPage(`${LONG}<% await null; throw new Error("late") %>`);
    await expect(response.text()).rejects.toThrow("late");
  });

  it("is no further ahead of its reader than one piece on its way and one being made", async () => {
    const rows = { made: 0 };
    const row = `${"r".repeat(100)}\n`;
    const page = `<% for (let i = 0; i < 10000; i += 1) { rows.made += 1; %>${row}<% } %>`;
    const response = await runPage(page, { values: { rows } });
    const reader = readerOf(response);
    let read = 0;
    let ahead = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.length;
      // As long as a slow client takes for it.
      await new Promise((resolve) => setImmediate(resolve));
      ahead = Math.max(ahead, rows.made * row.length - read);
    }
    expect(read).toBe(10_000 * row.length);
    // The stream in front of the test keeps one piece, too.
    expect(ahead).toBeLessThan(HELD_BACK + 4 * PIECE);
    expect(ahead).toBeGreaterThan(0);
  });

  it("waits nowhere but where it may: callbacks that are not async write on", async () => {
    const page = `<% Array.from({ length: 1000 }).forEach(() => { %>${"c".repeat(100)}<% }) %>`;
    expect((await (await runPage(page)).text()).length).toBe(100_000);
  });

  it("has a bound also where its code does not wait: the reply is cut off with an error that says so", async () => {
    const page = "<% for (let i = 0; i < 1024; i += 1) page.write(much) %>";
    const response = await runPage(page, { values: { much: "x".repeat(PIECE) } });
    expect((await response.text()).length).toBe(1024 * PIECE);
    const endless = await runPage("<% for (;;) page.write(much) %>", { values: { much: "x".repeat(1024 * 1024) } });
    await expect(endless.text()).rejects.toThrow("await page.write()");
  });

  it("may be written by its code, raw and escaped", async () => {
    expect(await (await runPage("<% await page.write('<b>'); page.write(page.escape('<i>')) %>")).text()).toBe(
      "<b>&lt;i&gt;",
    );
  });

  it("ends when nobody reads it any more: the page's finally blocks run, and a worker that drains waits for them", async () => {
    const seen: string[] = [];
    const waited: PromiseLike<unknown>[] = [];
    const page = `<% try { for (;;) { %>${LONG}<% } } finally { await null; seen.push("finally"); } %>`;
    const ctx = { waitUntil: (promise: PromiseLike<unknown>) => waited.push(promise) };
    const response = await runPage(page, { values: { seen }, ctx });
    const reader = readerOf(response);
    await reader.read();
    await reader.cancel();
    expect(waited).toHaveLength(1);
    await waited[0];
    expect(seen).toEqual(["finally"]);
  });

  it("is logged when the page fails after its reader has left", async () => {
    const lines: [string, LogFields | undefined][] = [];
    const log = { error: (message: string, fields?: LogFields) => lines.push([message, fields]) };
    const page = `<% try { for (;;) { %>${LONG}<% } } finally { throw new Error("in finally"); } %>`;
    const reader = readerOf(await runPage(page, { ctx: { log: log as never } }));
    await reader.cancel();
    await eventually(() => lines.length > 0);
    expect(lines[0]?.[0]).toBe("the page failed after its client had left: Error: in finally");
  });

  it("that it does not wait for is no stray rejection when nobody reads it", async () => {
    const stray: unknown[] = [];
    const note = (error: unknown): void => {
      stray.push(error);
    };
    process.on("unhandledRejection", note);
    const page = `<% await page.flush(); for (let i = 0; i < 9; i += 1) page.write("${LONG}"); await gate; %>`;
    const { promise, resolve } = Promise.withResolvers<void>();
    const reader = readerOf(await runPage(`a${page}`, { values: { gate: promise } }));
    await reader.cancel();
    resolve();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(stray).toEqual([]);
  });
});
