import { inspect } from "node:util";
import { installResponse, isResponse, partsOf } from "../../workers/response.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";

const NodeResponse = globalThis.Response;
installResponse(FORM_LIMITS);

const typeError = expect.objectContaining({ name: "TypeError" });

async function* letters(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("a");
  yield Buffer.from("b");
}

describe("Response in a worker [Fetch §5.5]", () => {
  it("is lighter than Node's and still the same class to instanceof, both ways", () => {
    const light = new Response("x");
    const native = new NodeResponse("x");
    expect(Response).not.toBe(NodeResponse);
    expect(Response.name).toBe("Response");
    for (const response of [light, native]) {
      expect(response instanceof Response).toBe(true);
      expect(response instanceof NodeResponse).toBe(true);
      expect(isResponse(response)).toBe(true);
    }
    expect([{}, null, undefined, "x", Response].some((value) => value instanceof Response)).toBe(false);
  });

  it("can be derived from", () => {
    class Page extends Response {}
    expect(new Page("x") instanceof Page).toBe(true);
    expect(new Page("x") instanceof Response).toBe(true);
    expect(new Response("x") instanceof Page).toBe(false);
  });

  it("has the defaults of the standard", () => {
    const { status, statusText, ok, type, url, redirected, body, bodyUsed } = new Response();
    expect({ status, statusText, ok, type, url, redirected, body, bodyUsed }).toEqual({
      status: 200,
      statusText: "",
      ok: true,
      type: "default",
      url: "",
      redirected: false,
      body: null,
      bodyUsed: false,
    });
  });

  it.each([199, 600, 101, Number.NaN, "x", 0])("refuses the status %p with RangeError", (status) => {
    expect(() => new Response(null, { status: status as number })).toThrow(RangeError);
  });

  it.each([204, 205, 304])("refuses a body with status %p", (status) => {
    expect(() => new Response("x", { status })).toThrow(TypeError);
    expect(new Response(null, { status }).status).toBe(status);
  });

  it("refuses a status text that no status line can carry", () => {
    expect(() => new Response(null, { statusText: "a\r\nb" })).toThrow(TypeError);
    expect(new Response(null, { statusText: "Très bien" }).statusText).toBe("Très bien");
  });

  const bodies: [string, () => ConstructorParameters<typeof Response>[0], string, string | null][] = [
    ["a string", () => "é", "é", "text/plain;charset=UTF-8"],
    ["an empty string", () => "", "", "text/plain;charset=UTF-8"],
    ["bytes", () => Buffer.from("é"), "é", null],
    ["an ArrayBuffer", () => new TextEncoder().encode("é").buffer as ArrayBuffer, "é", null],
    ["a view of other numbers", () => new Uint16Array([0x6161]), "aa", null],
    ["a DataView", () => new DataView(new TextEncoder().encode("abc").buffer as ArrayBuffer, 1), "bc", null],
    ["a Blob", () => new Blob(["é"], { type: "text/x" }), "é", "text/x"],
    ["a Blob without type", () => new Blob(["é"]), "é", null],
    [
      "search parameters",
      () => new URLSearchParams({ a: "é" }),
      "a=%C3%A9",
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
    ["a stream", () => new Blob(["é"]).stream(), "é", null],
    ["an async iterable", letters, "ab", null],
    ["anything else, as text", () => 5 as unknown as string, "5", "text/plain;charset=UTF-8"],
  ];

  it.each(bodies)("takes %s as its body", async (_what, make, text, type) => {
    const response = new Response(make());
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.body).not.toBeNull();
    expect(response.bodyUsed).toBe(false);
    expect(await response.text()).toBe(text);
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(typeError);
  });

  it("takes a form as its body, with the boundary in its type", async () => {
    const form = new FormData();
    form.set("a", "1");
    const response = new Response(form);
    expect(response.headers.get("content-type")).toMatch(/^multipart\/form-data; boundary=/);
    expect((await response.formData()).get("a")).toBe("1");
  });

  it("refuses a stream that someone is reading", () => {
    const stream = new Blob(["x"]).stream();
    stream.getReader();
    expect(() => new Response(stream)).toThrow(TypeError);
  });

  it("reads its body as bytes, JSON and Blob", async () => {
    expect(Buffer.from(await new Response("é").bytes()).toString()).toBe("é");
    expect((await new Response("é").arrayBuffer()).byteLength).toBe(2);
    expect(await new Response("[1]").json()).toEqual([1]);
    const blob = await new Response("x", { headers: { "Content-Type": "text/x" } }).blob();
    expect([blob.type, await blob.text()]).toEqual(["text/x", "x"]);
  });

  it("is cloned with status, headers and body", async () => {
    const response = new Response("x", { status: 201, headers: { a: "1" } });
    response.headers.set("b", "2");
    const clone = response.clone();
    clone.headers.set("a", "changed");
    expect([clone.status, clone.headers.get("b"), response.headers.get("a")]).toEqual([201, "2", "1"]);
    expect([await clone.text(), await response.text()]).toEqual(["x", "x"]);
    expect(() => response.clone()).toThrow(typeError);
  });

  it("can be shown on a console", () => {
    expect(inspect(new Response("x", { status: 418 }))).toMatch(/^Response \{\s+status: 418/);
  });
});

describe("a form in a Response, by way of which frameworks parse a request's", () => {
  const type = { headers: { "content-type": "application/x-www-form-urlencoded" } };

  it("is read once, as Node reads it", async () => {
    const response = new Response("a=1&a=%C3%BC", type);
    expect([...(await response.formData())]).toEqual([
      ["a", "1"],
      ["a", "ü"],
    ]);
    expect(response.bodyUsed).toBe(true);
    await expect(response.formData()).rejects.toEqual(typeError);
    const form = new FormData();
    form.append("f", new File(["x"], "a.txt"));
    expect(((await new Response(form).formData()).get("f") as File).name).toBe("a.txt");
  });

  it("has the pool's limits", async () => {
    await expect(new Response("&".repeat(1000), type).formData()).rejects.toMatchObject({
      status: 413,
      message: "the form has more than 1000 fields (form.fields)",
    });
  });

  it("is a TypeError where it is none", async () => {
    await expect(new Response("a=1").formData()).rejects.toEqual(typeError);
  });
});

describe("the headers of a Response", () => {
  it("are copied from what was given", () => {
    const given = new Headers({ a: "1" });
    const record: Record<string, string> = { a: "1" };
    const responses = [new Response(null, { headers: given }), new Response(null, { headers: record })];
    given.set("a", "2");
    record.a = "2";
    expect(responses.map((response) => response.headers.get("a"))).toEqual(["1", "1"]);
  });

  it("keep several cookies apart", () => {
    const response = new Response(null, {
      headers: [
        ["Set-Cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    response.headers.append("Set-Cookie", "c=3");
    expect(partsOf(response).headers.filter(([name]) => name === "set-cookie")).toHaveLength(3);
  });

  it("are judged when they are looked at", () => {
    const response = new Response(null, { headers: { "a b": "1" } });
    expect(() => response.headers).toThrow(typeError);
    expect(() => new Response(null, { headers: [["a"]] as never })).toThrow(TypeError);
    expect(() => new Response(null, { headers: "a" as never })).toThrow(TypeError);
  });

  it("name their own content type rather than the body's", () => {
    expect(new Response("x", { headers: { "CONTENT-TYPE": "text/html" } }).headers.get("content-type")).toBe(
      "text/html",
    );
  });

  it("and status may come from another Response", () => {
    const response = new Response("new", new NodeResponse("old", { status: 404, headers: { a: "1" } }));
    expect([response.status, response.headers.get("a")]).toEqual([404, "1"]);
  });
});

describe("Response's static methods", () => {
  it("json", async () => {
    const response = Response.json({ a: 1 }, { status: 201, headers: { b: "2" } });
    expect([response.status, response.headers.get("content-type"), response.headers.get("b")]).toEqual([
      201,
      "application/json",
      "2",
    ]);
    expect(await response.json()).toEqual({ a: 1 });
    expect(Response.json(1, { headers: { "content-type": "application/ld+json" } }).headers.get("content-type")).toBe(
      "application/ld+json",
    );
    expect(() => Response.json(undefined)).toThrow(TypeError);
  });

  it("redirect, also to a relative URL", () => {
    expect([
      Response.redirect("http://a.test").status,
      Response.redirect("http://a.test").headers.get("location"),
    ]).toEqual([302, "http://a.test/"]);
    expect(Response.redirect("../b?c", 303).headers.get("location")).toBe("../b?c");
    expect(() => Response.redirect("/", 200 as never)).toThrow(RangeError);
  });

  it("error", () => {
    const response = Response.error();
    expect([response.type, response.status, response instanceof Response]).toEqual(["error", 0, true]);
  });
});

describe("what the host takes out of a Response", () => {
  it("is what was given, untouched", () => {
    const bytes = Buffer.from("x");
    expect(partsOf(new Response(bytes)).body).toEqual({ kind: "whole", content: bytes });
    expect(partsOf(new Response()).body).toEqual({ kind: "none" });
  });

  it("is still what was given after someone looked at the body", () => {
    const response = new Response("x");
    expect(response.body).not.toBeNull();
    expect(partsOf(response).body).toEqual({ kind: "whole", content: "x" });
  });

  it("is a stream for a native Response", () => {
    expect(partsOf(new NodeResponse("x", { status: 203 }))).toMatchObject({ status: 203, body: { kind: "stream" } });
    expect(partsOf(new NodeResponse(null)).body).toEqual({ kind: "none" });
  });

  it("is refused where the body was read, light or native", async () => {
    for (const response of [new Response("x"), new NodeResponse("x"), new Response(letters())]) {
      await response.text();
      expect(() => partsOf(response)).toThrow("already read");
    }
  });
});
