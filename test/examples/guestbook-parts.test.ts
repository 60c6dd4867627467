// The guestbook's pure parts: markup, form, figures.

import { duration } from "../../examples/guestbook/_answered.ts";
import { MESSAGE_LIMIT, NAME_LIMIT, objection, readDraft } from "../../examples/guestbook/_form.ts";
import { html } from "../../examples/guestbook/_html.ts";
import { renderPage } from "../../examples/guestbook/_page.ts";

describe("html", () => {
  it("escapes what is put in, for elements and for quoted attributes", () => {
    const evil = `<script>alert("1" & '2')</script>`;
    const escaped = "&#60;script&#62;alert(&#34;1&#34; &#38; &#39;2&#39;)&#60;/script&#62;";
    expect(html`<b title="${evil}">${evil}</b>`.toString()).toBe(`<b title="${escaped}">${escaped}</b>`);
  });

  it("takes markup of its own as it is, lists in order, and undefined as nothing", () => {
    const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
    expect(html`<ul>${items}</ul>${undefined}${0}`.toString()).toBe("<ul><li>a</li><li>&#60;b&#62;</li></ul>0");
  });
});

describe("the guestbook's form", () => {
  const send = (body: string, type = "application/x-www-form-urlencoded") =>
    readDraft(new Request("http://localhost/", { method: "POST", body, headers: { "content-type": type } }));
  const fill = (name: string, message: string) => send(new URLSearchParams({ name, message }).toString());

  it("keeps every script of the world", async () => {
    expect(await fill("山田 שרה", "Grüße 👋🏽")).toEqual({ name: "山田 שרה", message: "Grüße 👋🏽" });
  });

  it("tidies: one kind of line end, no outer blanks, at most one empty line", async () => {
    expect(await fill("  Ada \n Lovelace ", "\r\none\r\n\r\n\r\n\r\ntwo\r")).toEqual({
      name: "Ada Lovelace",
      message: "one\n\ntwo",
    });
  });

  it("drops control characters and those that turn the direction of the text around them", async () => {
    expect(await fill("A\u0000d\u001ba\u202e", "x\u0007\u2066y")).toEqual({ name: "Ada", message: "xy" });
  });

  it("turns bytes that are not UTF-8 into replacement characters", async () => {
    expect(await send("name=%ff&message=%c3%28")).toEqual({ name: "\ufffd", message: "\ufffd(" });
  });

  it("is no other kind of body", async () => {
    expect(await send("name=a&message=b", "text/plain")).toBeUndefined();
    expect(await send("name=a&message=b", "application/x-www-form-urlencoded-not")).toBeUndefined();
  });

  it("is not read when it announces more than any form can hold", async () => {
    expect(await fill("a", "b".repeat(100_000))).toBeUndefined();
  });

  it("is not read to its end when it turns out longer than any form can be", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(4096));
      },
    });
    const request = new Request("http://localhost/", {
      method: "POST",
      body: endless,
      duplex: "half",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    } as RequestInit);
    expect(await readDraft(request)).toBeUndefined();
    expect(pulled).toBeLessThan(10);
  });

  it.each([
    ["no name", "", "x", "Please write your name."],
    ["no message", "x", "", "Please write a message."],
    ["too long a name", "x".repeat(NAME_LIMIT + 1), "x", "at most 60 characters"],
    ["too long a message", "x", "x".repeat(MESSAGE_LIMIT + 1), "at most 600 characters"],
  ])("objects to %s", (_, name, message, words) => {
    expect(objection({ name, message })).toContain(words);
  });

  it("counts characters, not bytes or code units, and accepts the longest", async () => {
    const draft = await fill("👋".repeat(NAME_LIMIT), "👋".repeat(MESSAGE_LIMIT));
    expect(draft && objection(draft)).toBeUndefined();
    expect([...(draft?.message ?? "")]).toHaveLength(MESSAGE_LIMIT);
  });
});

describe("the guestbook's page", () => {
  it("shows a refused form again, with what was typed and what to change", () => {
    const attempt = { draft: { name: `"><img>`, message: "</textarea>" }, objection: "Please write less." };
    const page = renderPage({ entries: [], total: 0, attempt, answered: undefined }).toString();
    expect(page).toContain(`value="&#34;&#62;&#60;img&#62;"`);
    expect(page).toContain("\n&#60;/textarea&#62;</textarea>");
    expect(page).toContain("Please write less.");
    expect(page).toContain("Nobody has signed yet");
  });

  it.each([
    [0.4321, "0.43 ms"],
    [87.6, "88 ms"],
    [999.6, "1000 ms"],
    [1000, "1 s"],
    [59_999, "59 s"],
    [252_000, "4 min 12 s"],
    [3_600_000, "1 h 0 min"],
    [90_000_000, "1 d 1 h"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
