import { inspect } from "node:util";
import { installRequest, lazyRequest } from "../../workers/request.ts";
import { FakeExchange, type FakeExchangeOptions } from "../support/fake-exchange.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";

const native = Object.getOwnPropertyDescriptor(Request.prototype, "formData") as PropertyDescriptor;
installRequest(FORM_LIMITS);
// It is that of every suite in this process.
afterAll(() => Object.defineProperty(Request.prototype, "formData", native));

/** Node's own classes throw the TypeError of their realm, which is not the test's. */
const typeError = expect.objectContaining({ name: "TypeError" });

function requestOf(options: FakeExchangeOptions): Request {
  return lazyRequest(new FakeExchange(options), FORM_LIMITS);
}

const upload = {
  method: "POST",
  headers: { "content-type": "text/plain", "content-length": "5" },
  body: "héé",
} as const;

describe("a handler's Request [Fetch §5.4]", () => {
  it("is a Request", () => {
    expect(requestOf({})).toBeInstanceOf(Request);
    expect(Object.prototype.toString.call(requestOf({}))).toBe("[object Request]");
  });

  it("tells method, absolute URL and headers", () => {
    const request = requestOf({ method: "DELETE", url: "/a/b?c=d", headers: { "x-one": "1", accept: "text/html" } });
    expect(request.method).toBe("DELETE");
    expect(request.url).toBe("http://site.test/a/b?c=d");
    expect(request.headers.get("X-One")).toBe("1");
    expect(request.headers).toBe(request.headers);
    expect([...request.headers.keys()]).toEqual(["accept", "host", "x-one"]);
  });

  it("answers for the properties that only a native Request has", () => {
    const request = requestOf({});
    expect([request.redirect, request.mode, request.keepalive, request.duplex]).toEqual([
      "follow",
      "cors",
      false,
      "half",
    ]);
  });

  it("has the exchange's signal", () => {
    const exchange = new FakeExchange();
    const request = lazyRequest(exchange, FORM_LIMITS);
    expect(request.signal.aborted).toBe(false);
    exchange.abort("timeout");
    expect(request.signal.aborted).toBe(true);
  });

  it("can be shown on a console", () => {
    expect(inspect(requestOf({ url: "/x" }))).toContain("http://site.test/x");
  });

  it("refuses a method that is none, as Fault REQUEST", () => {
    expect(() => requestOf({ method: "G T" })).toThrow(expect.objectContaining({ code: "REQUEST" }));
  });
});

const { body: _, ...announced } = upload;
const arrivals: [string, FakeExchangeOptions][] = [
  ["all at once", upload],
  ["in pieces", { ...announced, pieces: ["h", "é", "é"] }],
];

describe.each(arrivals)("the body of a Request that arrives %s [Fetch §5.2]", (_how, options) => {
  it("is read as text", async () => {
    expect(await requestOf(options).text()).toBe("héé");
  });

  it("is read as bytes that share no memory with other exchanges", async () => {
    const bytes = await requestOf(options).bytes();
    expect(Buffer.from(bytes).toString()).toBe("héé");
    expect(bytes.buffer.byteLength).toBe(5);
    expect((await requestOf(options).arrayBuffer()).byteLength).toBe(5);
  });

  it("is read as a stream of pieces that share no memory with other exchanges", async () => {
    let text = "";
    for await (const piece of requestOf(options).body ?? []) {
      expect(piece.buffer.byteLength).toBe(piece.byteLength);
      text += Buffer.from(piece).toString("latin1");
    }
    expect(Buffer.from(text, "latin1").toString()).toBe("héé");
  });

  it("is read as a Blob of its type", async () => {
    const blob = await requestOf(options).blob();
    expect([blob.type, await blob.text()]).toEqual(["text/plain", "héé"]);
  });

  it("is read once", async () => {
    const request = requestOf(options);
    expect(request.bodyUsed).toBe(false);
    await request.text();
    expect(request.bodyUsed).toBe(true);
    await expect(request.text()).rejects.toThrow(typeError);
    await expect(request.arrayBuffer()).rejects.toThrow(typeError);
    expect(() => request.clone()).toThrow(typeError);
    expect(() => new Request(request)).toThrow(typeError);
  });

  it("is not used by one who only looks whether there is one", async () => {
    const request = requestOf(options);
    expect(request.body).not.toBeNull();
    expect(request.body).toBe(request.body);
    expect(request.bodyUsed).toBe(false);
    expect(await request.text()).toBe("héé");
    expect(request.bodyUsed).toBe(true);
  });

  it("cannot be read as text while its stream is locked", async () => {
    const request = requestOf(options);
    const reader = request.body?.getReader();
    await expect(request.text()).rejects.toThrow(typeError);
    await reader?.cancel();
  });

  it("is there twice after clone", async () => {
    const request = requestOf(options);
    const clone = request.clone();
    expect(clone).toBeInstanceOf(Request);
    expect([await clone.text(), await request.text()]).toEqual(["héé", "héé"]);
    expect(clone.url).toBe(request.url);
  });

  it("moves into a new Request", async () => {
    const request = requestOf(options);
    const moved = new Request(request, { headers: { "x-added": "1" } });
    expect([moved.url, moved.method, moved.headers.get("x-added")]).toEqual([request.url, "POST", "1"]);
    expect(await moved.text()).toBe("héé");
    expect(request.bodyUsed).toBe(true);
  });

  it("is left to whoever reads it, where a new Request has a body of its own [Fetch §5.4]", async () => {
    for (const begin of ["locked", "disturbed"]) {
      const request = requestOf(options);
      const reader = (request.body as ReadableStream<Uint8Array>).getReader();
      const pieces: Uint8Array[] = [];
      const first = begin === "disturbed" ? (await reader.read()).value : undefined;
      if (first !== undefined) pieces.push(first);
      const limited = new Request(request, {
        body: new ReadableStream({
          async pull(controller) {
            const { value, done } = await reader.read();
            for (const piece of pieces.splice(0)) controller.enqueue(piece);
            if (done) controller.close();
            else controller.enqueue(value);
          },
        }),
        duplex: "half",
      });
      expect([begin, limited.url, await limited.text()]).toEqual([begin, request.url, "héé"]);
    }
  });

  it("does not move into a new Request while somebody reads it", async () => {
    const request = requestOf(options);
    const reader = request.body?.getReader();
    expect(() => new Request(request)).toThrow(typeError);
    expect((await reader?.read())?.done).toBe(false);
  });

  it("moves into a Request for another URL", async () => {
    const moved = new Request("http://other.test/", requestOf(options));
    expect([moved.url, moved.method, moved.headers.get("content-type")]).toEqual([
      "http://other.test/",
      "POST",
      "text/plain",
    ]);
    expect(await moved.text()).toBe("héé");
  });
});

describe("the body of a Request", () => {
  it("is null with GET and HEAD, whatever was sent", async () => {
    for (const method of ["GET", "HEAD"]) {
      const request = requestOf({ method, body: "ignored" });
      expect([request.body, await request.text(), request.bodyUsed]).toEqual([null, "", false]);
    }
  });

  it("is null where nothing was sent, and may be read again", async () => {
    const request = requestOf({ method: "POST" });
    expect([request.body, await request.text(), await request.text()]).toEqual([null, "", ""]);
  });

  it("is parsed as JSON", async () => {
    expect(await requestOf({ method: "PUT", body: '\ufeff{"a":[1]}' }).json()).toEqual({ a: [1] });
    await expect(requestOf({ method: "PUT", body: "{" }).json()).rejects.toThrow(SyntaxError);
  });

  it("is parsed as a form", async () => {
    const urlencoded = requestOf({
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      pieces: ["a=1&b=%C3", "%A9"],
    });
    expect([...(await urlencoded.formData())]).toEqual([
      ["a", "1"],
      ["b", "é"],
    ]);
    const multipart = requestOf({
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=X" },
      body: '--X\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhi\r\n--X--\r\n',
    });
    const file = (await multipart.formData()).get("f");
    expect(file).toBeInstanceOf(File);
    expect(await (file as File).text()).toBe("hi");
  });

  const copies: [string, (request: Request) => Request][] = [
    ["clone()", (request) => request.clone()],
    [
      "what was cloned",
      (request) => {
        request.clone();
        return request;
      },
    ],
    ["new Request(request)", (request) => new Request(request)],
    ["new Request(request), cloned", (request) => new Request(request).clone()],
    [
      "new Request with its body",
      ({ url, method, headers, body }) => new Request(url, { method, headers, body, duplex: "half" }),
    ],
  ];
  it.each(copies)("is a form within the pool's limits as %s too", async (_, copy) => {
    const form = (pieces: string[]): Request =>
      copy(requestOf({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, pieces }));
    expect([...(await form(["a=1&b=", "2"]).formData())]).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    const read = form(["a=1"]);
    await read.formData();
    await expect(read.formData()).rejects.toEqual(typeError);
    const tooMany = ["a&".repeat(FORM_LIMITS.fields), "a"];
    await expect(form(tooMany).formData()).rejects.toMatchObject({ status: 413, code: "LIMIT" });
    const whole = copy(requestOf({ method: "POST", headers: { "content-type": "text/plain" }, body: "x" }));
    await expect(whole.formData()).rejects.toMatchObject({ status: 415 });
  });

  it("is FCGI_DATA for a filter, also with GET [FCGI §6.4]", async () => {
    expect(await requestOf({ role: "filter", data: "the file" }).text()).toBe("the file");
  });

  it("is asked for no piece before someone reads", async () => {
    const exchange = new FakeExchange({ method: "POST", pieces: ["a", "b"] });
    const request = lazyRequest(exchange, FORM_LIMITS);
    const reader = request.body?.getReader();
    await new Promise((resolve) => setImmediate(resolve));
    expect(exchange.body.reads).toBe(0);
    await reader?.read();
    expect(exchange.body.reads).toBe(1);
    await reader?.cancel();
  });

  it.each(["text", "json", "bytes"] as const)("rejects %s() with what broke the body", async (method) => {
    const request = requestOf({ method: "POST", pieces: ["a", new RangeError("too long")] });
    await expect(request[method]()).rejects.toThrow("too long");
  });

  it("fails its stream with what broke the body", async () => {
    const request = requestOf({ method: "POST", pieces: ["a", new RangeError("too long")] });
    const reader = (request.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).done).toBe(false);
    await expect(reader.read()).rejects.toThrow("too long");
  });
});
