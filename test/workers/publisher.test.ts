import { setImmediate } from "node:timers/promises";
import { jsx } from "hono/jsx/jsx-runtime";
import { z } from "zod";
import { publish, published, type StandardSchema } from "../../src/index.ts";
import { installRequest } from "../../workers/request.ts";
import { installResponse } from "../../workers/response.ts";
import type { FakeExchangeOptions } from "../support/fake-exchange.ts";
import { FORM_LIMITS } from "../support/form-limits.ts";
import { appHost, type Modules, type SiteHost, siteHost } from "../support/site-host.ts";
import { tempDirs } from "../support/temp-dir.ts";

installRequest();
installResponse();

const newDir = tempDirs();

/** A pool whose one module publishes this. */
async function site(tree: Parameters<typeof publish>[0], hooks: Parameters<typeof publish>[1] = {}): Promise<SiteHost> {
  return files({ "index.ts": { default: publish(tree, hooks) } });
}

function files(modules: Modules): Promise<SiteHost> {
  return siteHost(newDir(), modules, { kind: "publisher" });
}

/** Status and text. */
async function get({ get: ask }: Pick<SiteHost, "get">, url: string): Promise<string> {
  const { status, text } = await ask(url);
  return `${status} ${text}`.trimEnd();
}

const form = (body: string): Partial<FakeExchangeOptions> => ({
  method: "POST",
  body,
  headers: { "content-type": "application/x-www-form-urlencoded" },
});
const json = (value: unknown): Partial<FakeExchangeOptions> => ({
  method: "POST",
  body: typeof value === "string" ? value : JSON.stringify(value),
  headers: { "content-type": "application/json" },
});
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

describe("a path of names", () => {
  it("leads to what is published there, `index` standing for the object itself", async () => {
    const at = await site({
      index: () => "the index",
      hello: () => "hello",
      shop: { index: () => "the shop", list: () => "the list", deep: { er: () => "deeper" } },
      bare: { x: () => "x" },
      motto: "less",
    });
    expect(await get(at, "/")).toBe("200 the index");
    expect(await get(at, "/index")).toBe("200 the index");
    expect(await get(at, "/hello")).toBe("200 hello");
    expect(await get(at, "/hello/")).toBe("200 hello");
    expect(await get(at, "/shop")).toBe("200 the shop");
    expect(await get(at, "/shop/")).toBe("200 the shop");
    expect(await get(at, "/shop/list")).toBe("200 the list");
    expect(await get(at, "/shop/deep/er")).toBe("200 deeper");
    expect(await get(at, "/motto")).toBe("200 less");
    for (const url of ["/nothing", "/hello/x", "/bare", "/bare/", "/shop/deep", "/motto/length", "/hello//"]) {
      expect([url, (await at.get(url)).status]).toEqual([url, 404]);
    }
  });

  it("finds its module as mod_python does: NAME.ts, else the folder's index with all of the path", async () => {
    const page = (text: string) => ({ default: publish({ index: () => text, f: () => `${text}.f` }) });
    const at = await files({
      "index.ts": page("index"),
      "tests.ts": page("tests"),
      "a/index.ts": page("a/index"),
      "a/b.ts": page("a/b"),
      "empty/c.ts": page("c"),
    });
    expect(await get(at, "/f")).toBe("200 index.f");
    expect(await get(at, "/tests")).toBe("200 tests");
    expect(await get(at, "/tests/f")).toBe("200 tests.f");
    expect(await get(at, "/tests.ts/f")).toBe("200 tests.f");
    expect(await get(at, "/a/")).toBe("200 a/index");
    expect(await get(at, "/a/f")).toBe("200 a/index.f");
    expect(await get(at, "/a/b/f")).toBe("200 a/b.f");
    expect(await get(at, "/a/b/nothing")).toBe("404 Not Found");
    expect(await get(at, "/empty/f")).toMatch(/^404/);
  });

  it("works in the one module of `app`, below the mount", async () => {
    const dir = newDir();
    const app = dir.write("app.ts", "");
    const module = { default: publish({ index: () => "index", a: { b: () => "a.b" } }) };
    const at = await appHost(app, module, "/shop");
    expect(await get(at, "/shop/a/b")).toBe("200 a.b");
    expect(await get(at, "/shop")).toBe("200 index");
    expect(await get(at, "/shop/")).toBe("200 index");
    for (const url of ["/shopping", "/a/b", "/shop//a/b", "/shop/a%2fb"]) expect(await get(at, url)).toMatch(/^404/);
    const agreed = await at.ask({ url: "/shop//a/b", variables: { SCRIPT_NAME: "/shop/a/b" } });
    expect(agreed.text).toBe("a.b");
  });

  it('with `kind = "auto"` stands beside other handlers', async () => {
    const at = await siteHost(newDir(), {
      "math.ts": { default: publish({ twice: ({ n }) => Number(n) * 2 }) },
      "plain.ts": { default: () => new Response("plain") },
    });
    expect(await get(at, "/math/twice?n=21")).toBe("200 42");
    expect(await get(at, "/plain")).toBe("200 plain");
  });

  it("calls a function as the method of its object, with state, user and variables in ctx", async () => {
    const at = await files({
      "index.ts": {
        init: () => ({ greeting: "Hello" }),
        default: publish({
          _secret: "kept",
          own(this: { _secret: string }) {
            return this._secret;
          },
          hello: ({ name }, ctx) => `${ctx.state.greeting} ${name} ${ctx.env.PATH_INFO}`,
        }),
      },
    });
    expect(await get(at, "/own")).toBe("200 kept");
    expect(await get(at, "/hello?name=Ada")).toBe("200 Hello Ada /hello");
  });
});

describe("nothing else is reachable [mod_python 2.7.1, 3.2]", () => {
  it.each([
    "/__proto__",
    "/constructor",
    "/toString",
    "/hello/constructor",
    "/hello/call",
    "/hello/name",
    "/shop/__proto__/toString",
    "/shop/hasOwnProperty",
    "/list/0",
    "/list/length",
    "/motto/length",
    "/_private",
    "/shop/_x",
    "/%5F_proto__",
    "/init",
    "/dispose",
    "/default",
    "/os/rename",
    "/../index.ts",
    "/..%2findex.ts",
    "/shop%2flist",
    "/shop/../hello/..%2f",
    "/shop/%00",
    "/shop/.",
    "/hello.constructor",
    "/shop.list",
    "/%2e%2e/etc/passwd",
  ])("%s", async (url) => {
    const called: string[] = [];
    const at = await files({
      "index.ts": {
        init: () => undefined,
        dispose: () => undefined,
        os: { rename: () => called.push("rename") },
        default: publish({
          hello: () => "hello",
          shop: { list: () => "list", _x: () => called.push("_x") },
          list: [1, 2],
          motto: "less",
          _private: () => called.push("_private"),
        }),
      },
    });
    expect((await at.get(url)).status).toBe(404);
    expect(called).toEqual([]);
  });

  it("a module that publishes nothing does not load, and says how", async () => {
    const at = await files({ "x.ts": { hello: () => "hello" }, "index.ts": { default: () => new Response("x") } });
    for (const url of ["/x/hello", "/"]) {
      const { status, lines } = await at.get(url);
      expect([status, lines[0]?.message]).toEqual([500, expect.stringContaining("publishes nothing")]);
    }
  });

  it("nor in another role than the responder's", async () => {
    const at = await site({ index: () => "x" });
    expect((await at.ask({ url: "/", role: "authorizer" })).status).toBe(500);
  });
});

describe("fields", () => {
  const echo = (fields: unknown) => Response.json(fields);

  it("of a plain function are strings: the query's, of each name the last", async () => {
    const at = await site({ echo });
    expect(await get(at, "/echo?a=1&b=x%20y+z&a=2&empty=&%C3%A9=%E2%82%AC")).toBe(
      '200 {"a":"2","b":"x y z","empty":"","é":"€"}',
    );
    expect(await get(at, "/echo")).toBe("200 {}");
  });

  it("have no prototype", async () => {
    const at = await site({
      proto: (fields) => String(Object.getPrototypeOf(fields)),
      has: (fields) => String("constructor" in fields),
    });
    expect(await get(at, "/proto?a=1")).toBe("200 null");
    expect(await get(at, "/has")).toBe("200 false");
  });

  it("of a form take the place of the query's of the same name", async () => {
    const at = await site({ echo: published({ methods: ["POST"], handler: echo }) });
    const { text } = await at.ask({ url: "/echo?a=query&b=query", ...form("a=form&c=%26") });
    expect(JSON.parse(text)).toEqual({ a: "form", b: "query", c: "&" });
  });

  it("named __proto__ are refused, wherever they come from", async () => {
    const at = await site({ echo: published({ methods: ["GET", "POST"], input: z.any(), handler: echo }) });
    expect((await at.get("/echo?__proto__=1")).status).toBe(400);
    expect((await at.ask({ url: "/echo", ...form("__proto__=1") })).status).toBe(400);
    for (const body of ['{"__proto__":{"x":1}}', '{"a":[{"\\u005f_proto__":1}]}']) {
      expect((await at.ask({ url: "/echo", ...json(body) })).status).toBe(400);
    }
    expect((await at.ask({ url: "/echo", ...json({ a: "__proto__" }) })).status).toBe(200);
  });
});

describe("an input that is declared", () => {
  const input = z.object({
    name: z.string().min(2),
    age: z.coerce.number().int().optional(),
    tags: z.array(z.string()).default([]),
  });
  const declared = () =>
    site({ add: published({ methods: ["GET", "POST"], input, handler: (given) => Response.json(given) }) });

  it("is what the schema makes of the fields", async () => {
    const at = await declared();
    expect(await get(at, "/add?name=Ada&age=36&tags=a&tags=b&more=1")).toBe(
      '200 {"name":"Ada","age":36,"tags":["a","b"]}',
    );
    expect(await get(at, "/add?name=Ada")).toBe('200 {"name":"Ada","tags":[]}');
  });

  it("is an array of one where the schema wants an array", async () => {
    expect(await get(await declared(), "/add?name=Ada&tags=a")).toBe('200 {"name":"Ada","tags":["a"]}');
  });

  it("refuses a name that came twice where it wants one", async () => {
    const { status, text } = await (await declared()).get("/add?name=Ada&name=Eve");
    expect([status, text]).toEqual([400, expect.stringMatching(/^Bad Request\nname: .*array/)]);
  });

  it("says what is wrong, as text or as JSON", async () => {
    const at = await declared();
    const plain = await at.get("/add?name=A&age=x");
    expect([plain.status, plain.header("content-type")]).toEqual([400, "text/plain; charset=utf-8"]);
    expect(plain.text).toMatch(/^Bad Request\nname: .+\nage: .+\n$/);
    const program = await at.get("/add?name=A&tags=x", { accept: "application/json" });
    expect([program.status, program.header("content-type")]).toEqual([400, "application/json"]);
    expect(JSON.parse(program.text)).toEqual({
      error: "the input is not valid",
      issues: [{ path: ["name"], message: expect.stringContaining("Too small") }],
    });
  });

  it("complains about what is in an array, if that is what is wrong", async () => {
    const at = await site({ f: published({ input: z.object({ n: z.array(z.coerce.number()) }), handler: () => "" }) });
    const { text } = await at.get("/f?n=x", { accept: "application/json" });
    expect(JSON.parse(text).issues).toEqual([{ path: ["n", 0], message: expect.any(String) }]);
  });

  it.each([
    ["application/json", true],
    ["application/problem+json, text/html;q=0.9", true],
    ["text/html, application/json;q=0.9", false],
    ["text/plain;q=0.5, application/json;q=0.5", true],
    ["application/json;q=0", false],
    ["*/*", false],
    ["", false],
  ])("answers Accept: %s with JSON: %s", async (accept, isJson) => {
    const exchange = await (await declared()).get("/add", { accept });
    expect(exchange.header("content-type")?.startsWith("application/json")).toBe(isJson);
  });

  it("takes a JSON body as it is, over the query", async () => {
    const at = await declared();
    const ask = async (value: unknown, url = "/add"): Promise<unknown> => {
      const { status, text } = await at.ask({ url, ...json(value) });
      return status === 200 ? JSON.parse(text) : status;
    };
    expect(await ask({ name: "Ada", age: 36, tags: ["x"] })).toEqual({ name: "Ada", age: 36, tags: ["x"] });
    expect(await ask({ name: "Ada" }, "/add?name=query&age=1")).toEqual({ name: "Ada", age: 1, tags: [] });
    expect(await ask({ name: "Ada", tags: "x" })).toBe(400);
    expect(await ask("{")).toBe(400);
    expect(await ask([1])).toBe(400);
    expect(await ask("null")).toBe(400);
  });

  it("may be JSON that is no object", async () => {
    const input = z.array(z.number());
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    const at = await site({ sum: published({ methods: ["POST"], input, handler: sum }) });
    expect((await at.ask({ url: "/sum", ...json([1, 2, 3]) })).text).toBe("6");
  });

  it("takes files of a form", async () => {
    const at = await site({
      save: published({
        methods: ["POST"],
        input: z.object({ title: z.string(), file: z.instanceof(File) }),
        handler: async ({ title, file }) => `${title} ${file.name} ${await file.text()}`,
      }),
    });
    const body = [
      '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA title\r\n',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="x.txt"\r\n\r\ncontent\r\n--b--\r\n',
    ].join("");
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    expect((await at.ask({ url: "/save", method: "POST", body, headers })).text).toBe("A title x.txt content");
    const nameless = body.replace("Content-Disposition", "Content-Description");
    expect((await at.ask({ url: "/save", method: "POST", body: nameless, headers })).status).toBe(400);
  });

  it("may come from any library that speaks Standard Schema, asynchronously too", async () => {
    const positive: StandardSchema<unknown, number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          await setImmediate();
          const n = Number((value as { n?: unknown }).n);
          return n > 0
            ? { value: n }
            : { issues: [{ message: "not positive", path: [{ key: "n" }] }, { message: "at all" }] };
        },
      },
    };
    const at = await site({ f: published({ input: positive, handler: (n) => n + 1 }) });
    expect(await get(at, "/f?n=1")).toBe("200 2");
    expect(await get(at, "/f?n=-1")).toBe("400 Bad Request\nn: not positive\nat all");
  });

  it("as JSON is no longer than a form in memory may be (form.memory_limit)", async () => {
    const tree = publish({ f: published({ methods: ["POST"], input: z.array(z.number()), handler: (n) => n.length }) });
    const form = { ...FORM_LIMITS, memoryBytes: 10 };
    const at = await siteHost(newDir(), { "index.ts": { default: tree } }, { kind: "publisher", form });
    expect((await at.ask({ url: "/f", ...json([1, 2, 3, 4]) })).text).toBe("4");
    expect((await at.ask({ url: "/f", ...json([1, 2, 3, 4, 5]) })).status).toBe(413);
  });

  it("that cannot be taken apart is 415, and without an input JSON is refused", async () => {
    const at = await site({ f: published({ methods: ["POST"], handler: () => "x" }) });
    const headers = { "content-type": "text/csv" };
    expect((await at.ask({ url: "/f", method: "POST", body: "a,b", headers })).status).toBe(415);
    expect((await at.ask({ url: "/f", ...json({}) })).status).toBe(400);
    expect((await at.ask({ url: "/f", method: "POST" })).text).toBe("x");
  });
});

describe("methods", () => {
  it("are GET and HEAD unless declared; the others are told which [RFC 9110 §15.5.6]", async () => {
    const called: string[] = [];
    const at = await site({
      read: () => "read",
      write: published({
        methods: ["POST", "PUT"],
        handler: (_fields, _ctx, request) => void called.push(request.method),
      }),
    });
    const ask = async (url: string, method: string): Promise<unknown> => {
      const exchange = await at.ask({ url, method });
      return [exchange.status, exchange.text, exchange.header("allow")];
    };
    expect(await ask("/read", "HEAD")).toEqual([200, "", undefined]);
    expect(await ask("/read", "POST")).toEqual([405, "Method Not Allowed\n", "GET, HEAD, OPTIONS"]);
    expect(await ask("/read", "OPTIONS")).toEqual([204, "", "GET, HEAD, OPTIONS"]);
    expect(await ask("/write", "GET")).toEqual([405, "Method Not Allowed\n", "POST, PUT, OPTIONS"]);
    expect(await ask("/write", "HEAD")).toEqual([405, "", "POST, PUT, OPTIONS"]);
    expect(await ask("/write", "PROPFIND")).toEqual([405, "Method Not Allowed\n", "POST, PUT, OPTIONS"]);
    expect(called).toEqual([]);
    expect(await ask("/write", "PUT")).toEqual([204, "", undefined]);
    expect(called).toEqual(["PUT"]);
  });
});

describe("what is returned", () => {
  async function* pieces() {
    yield "a";
    await setImmediate();
    yield "b";
  }
  const results: [string, unknown, string][] = [
    ["a Response", new Response("r", { status: 201 }), "201 text/plain;charset=UTF-8 r"],
    ["text", "<b>", "200 text/plain; charset=utf-8 <b>"],
    [
      "an HTML document",
      "<!doctype html>\n<p>x</html>\n",
      "200 text/html; charset=utf-8 <!doctype html>\n<p>x</html>\n",
    ],
    ["an older one", "<html><p>x</HTML>", "200 text/html; charset=utf-8 <html><p>x</HTML>"],
    [
      "text that only ends like one",
      "Hello <script></script></html>",
      "200 text/plain; charset=utf-8 Hello <script></script></html>",
    ],
    ["text that only begins like one", "<html> is a tag", "200 text/plain; charset=utf-8 <html> is a tag"],
    ["JSX", jsx("p", { children: "<" }), "200 text/html; charset=utf-8 <p>&lt;</p>"],
    ["what only looks like JSX", { tag: "p", props: {} }, '200 application/json {"tag":"p","props":{}}'],
    ["a number", 42, "200 text/plain; charset=utf-8 42"],
    ["a bigint", 42n, "200 text/plain; charset=utf-8 42"],
    ["a boolean", false, "200 text/plain; charset=utf-8 false"],
    ["an object", { a: [1] }, '200 application/json {"a":[1]}'],
    ["an array", [1, "x"], '200 application/json [1,"x"]'],
    ["bytes", new Uint8Array([65, 66]), "200 application/octet-stream AB"],
    ["a Blob with a type", new Blob(["x"], { type: "text/css" }), "200 text/css x"],
    ["an async iterable", pieces(), "200 text/plain; charset=utf-8 ab"],
    ["a stream", new Blob(["s"]).stream(), "200 text/plain; charset=utf-8 s"],
    ["nothing", undefined, "204 undefined "],
    ["null", null, "404 text/plain; charset=utf-8 Not Found\n"],
  ];
  it.each(results)("%s", async (_what, value, expected) => {
    const at = await site({ now: () => value, later: async () => (value instanceof Response ? value.clone() : value) });
    const url = _what === "an async iterable" || _what === "a stream" ? "/now" : "/later";
    const exchange = await at.get(url);
    expect(`${exchange.status} ${exchange.header("content-type")} ${exchange.text}`).toBe(expected);
  });

  it.each([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a circle", circle()],
  ])("%s is an error", async (_what, value) => {
    expect((await (await site({ f: () => value })).get("/f")).status).toBe(500);
  });

  function circle(): object {
    const one: Record<string, unknown> = {};
    one.self = one;
    return one;
  }

  it("an error is a 500, and tells nobody what it was", async () => {
    const at = await site({
      f: () => {
        throw new Error("password=1234");
      },
    });
    const { status, text } = await at.get("/f");
    expect([status, text.includes("1234")]).toEqual([500, false]);
  });
});

describe("a document that a visitor has sent", () => {
  const echo = { echo: published({ methods: ["GET", "POST"], handler: ({ text }) => text?.toUpperCase() }) };
  const document = "<html><script>x</script></html>";

  it("is text when it is returned", async () => {
    const exchange = await (await site(echo)).get(`/echo?text=${encodeURIComponent(document)}`);
    expect(exchange.header("content-type")).toBe("text/plain; charset=utf-8");
    expect(exchange.text).toBe(document.toUpperCase());
  });

  it("changes nothing of what the function makes around other fields", async () => {
    const page = { page: ({ name = "" }) => `<html><p>${name}</html>` };
    const exchange = await (await site(page)).get("/page?name=x");
    expect(exchange.header("content-type")).toBe("text/html; charset=utf-8");
  });
});

describe("auth and access", () => {
  it.each([undefined, null, false, 0, "", Number.NaN])("%p is no user", async (user) => {
    const at = await site({ in: published({ auth: () => user, handler: () => "in" }) });
    expect((await at.get("/in", basic("a:b"))).status).toBe(401);
  });

  const called: string[] = [];
  const guarded = () =>
    site(
      {
        index: (_fields, ctx) => `index ${ctx.user}`,
        staff: publish(
          { index: (_fields, ctx) => `staff ${ctx.user.name}`, deep: { er: () => "deeper" } },
          {
            realm: "Staff",
            auth: ({ user, password }) => (password === "staff" ? { name: user } : null),
            access: (_request, ctx) => {
              called.push("staff.access");
              return ctx.user.name !== "eve";
            },
          },
        ),
        one: published({
          realm: "One",
          auth: ({ password }) => password === "one",
          handler: (_fields, ctx) => `one ${ctx.user}`,
        }),
        never: published({ access: () => false, handler: () => called.push("never") }),
        truthy: published({ access: (() => "yes") as never, handler: () => called.push("truthy") }),
      },
      {},
    );

  it("are asked per level, from the outside in: 401 with the realm, then 403", async () => {
    const at = await guarded();
    const ask = async (url: string, credentials?: string): Promise<unknown> => {
      const exchange = await at.get(url, credentials === undefined ? {} : basic(credentials));
      return exchange.status === 401
        ? exchange.header("www-authenticate")?.slice(0, 20)
        : `${exchange.status} ${exchange.text}`.trimEnd();
    };
    expect(await ask("/")).toBe("200 index undefined");
    expect(await ask("/staff")).toBe('Basic realm="Staff",');
    expect(await ask("/staff", "ada:wrong")).toBe('Basic realm="Staff",');
    expect(await ask("/staff", "ada:staff")).toBe("200 staff ada");
    expect(await ask("/staff", "eve:staff")).toBe("403 Forbidden");
    expect(await ask("/staff/deep/er")).toBe('Basic realm="Staff",');
    expect(await ask("/staff/deep/er", "ada:staff")).toBe("200 deeper");
    expect(await ask("/one")).toBe('Basic realm="One", c');
    expect(await ask("/one", "ada:one")).toBe("200 one ada");
  });

  it("tell a stranger nothing of what is inside", async () => {
    const at = await guarded();
    expect((await at.get("/staff/nothing")).status).toBe(401);
    expect((await at.get("/staff/_x")).status).toBe(404);
    expect((await at.get("/staff/nothing", basic("ada:staff"))).status).toBe(404);
    expect((await at.ask({ url: "/staff", method: "POST" })).status).toBe(401);
  });

  it("take nothing but true for a yes", async () => {
    called.length = 0;
    const at = await guarded();
    expect([(await at.get("/never")).status, (await at.get("/truthy")).status]).toEqual([403, 403]);
    expect(called).toEqual([]);
  });

  it.each(["Digest username=x", "Bearer abc", "Basic !!!", "Basic", "Basic YQ=="])(
    "take %s for no credentials, and not for an error [MODPYTHON-47]",
    async (authorization) => {
      const at = await guarded();
      expect((await at.get("/", { authorization })).status).toBe(200);
      expect((await at.get("/staff", { authorization })).status).toBe(401);
    },
  );

  it("that throw let nobody in", async () => {
    const fails = () => {
      throw new Error("no database");
    };
    const at = await site({
      a: published({ auth: fails, handler: () => "in" }),
      b: published({ access: fails, handler: () => "in" }),
    });
    expect((await at.get("/a", basic("x:y"))).status).toBe(500);
    expect((await at.get("/b")).status).toBe(500);
  });
});
