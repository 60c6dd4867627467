import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { Fault } from "../../src/base/fault.ts";
import { Params } from "../../src/fastcgi/name-values.ts";
import { authorPlace } from "../../src/loader/author-place.ts";
import { errorPage } from "../../workers/error-page.ts";
import { handlerFault } from "../../workers/failure.ts";
import { causeChain, summaryOf, traceOf } from "../../workers/trace.ts";
import { tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();

function params(variables: Record<string, string> = {}): Params {
  return Params.from(
    Object.entries({ REQUEST_METHOD: "GET", REQUEST_URI: "/x?<b>", HTTP_ACCEPT: "text/html,*/*", ...variables }),
  );
}

function errorAt(file: string, line: number, message = "it broke"): Error {
  const error = new RangeError(message);
  error.stack = `RangeError: ${message}\n    at fetch (${file}:${line}:3)\n    at node:internal/x:1:2`;
  return error;
}

describe("the page of an error", () => {
  it("shows message, the author's line, stack, causes and request", () => {
    const file = newDir().write("a.ts", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    const cause = errorAt(file, 6, "the reason");
    const error = Object.assign(errorAt(file, 4), { cause });
    const { type, body } = errorPage(error, params());
    expect(type).toBe("text/html; charset=utf-8");
    expect(body).toContain("RangeError: it broke</h1>");
    expect(body).toContain("<li value=4 class=marked><code>four</code>");
    expect(body).toContain("<li value=6><code>six</code>");
    expect(body).toContain(`${file}:4:3`);
    expect(body).toContain("Caused by RangeError: the reason");
    expect(body).toContain("<li value=6 class=marked><code>six</code>");
    expect(body).toContain("<th>URL<td>/x?&lt;b&gt;");
  });

  it("escapes whatever strangers wrote", () => {
    const evil = "<script>alert(1)</script>\"'&";
    const file = newDir().write("a.ts", evil);
    const { body } = errorPage(errorAt(file, 1, evil), params({ HTTP_X_EVIL: evil, REQUEST_URI: evil }));
    expect(body.replace(/<script>\nconst button[^<]*<\/script>/, "")).not.toContain("<script");
    expect(body).not.toContain("</textarea><script");
    expect(body).not.toContain(`"'&`);
  });

  it("needs nothing but itself", () => {
    const { body, policy } = errorPage(errorAt("/gone.ts", 1), params());
    expect(body).not.toMatch(/(?:src|href)=|url\(|@import/);
    const [, script = ""] = /<script>([^<]*)<\/script>/.exec(body) ?? [];
    const hash = createHash("sha256").update(script).digest("base64");
    expect(policy).toBe(`default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`);
    expect(body.match(/<script/g)).toHaveLength(1);
  });

  it("may reload itself where the pool says so", () => {
    const { policy } = errorPage(errorAt("/gone.ts", 1), params(), { live: true });
    expect(policy).toMatch(/; script-src 'sha256-[^']+' 'self'; connect-src 'self'$/);
  });

  it("links the author's line to the editor, where one is known", () => {
    const file = newDir().write("a<b>.ts", "one\ntwo\n");
    const { body } = errorPage(errorAt(file, 2), params(), { editor: "vscode://file{file}:{line}:{column}" });
    expect(body).toContain(`<a href="vscode://file${file.replace("<", "%3C").replace(">", "%3E")}:2:3">`);
  });

  it("keeps cookies and credentials to itself, of the request and of the environment", () => {
    Object.assign(process.env, {
      TEST_DB_PASSWORD: "leak1",
      TEST_DATABASE_URL: "postgres://me:leak2@host/db",
      TEST_X: "<y>",
    });
    try {
      const { body } = errorPage(
        errorAt("/gone.ts", 1),
        params({
          HTTP_COOKIE: "sid=leak3",
          HTTP_AUTHORIZATION: "Basic leak4",
          HTTP_X_API_KEY: "leak5",
          HTTP_REFERER: "http://a/?code=1&access_token=leak6",
          REQUEST_URI: "/x?token=leak7&a=1",
        }),
      );
      expect(body).not.toMatch(/leak/);
      expect(body).toContain("<th>TEST_DATABASE_URL<td>postgres://me:…@host/db");
      expect(body).toContain("<th>TEST_X<td>&lt;y&gt;");
      expect(body).toContain("<td>/x?token=…&amp;a=1");
    } finally {
      for (const name of ["TEST_DB_PASSWORD", "TEST_DATABASE_URL", "TEST_X"]) delete process.env[name];
    }
  });

  it("can be copied as text: error, place and request, but not the environment", () => {
    const file = newDir().write("a.ts", "one\ntwo\nthree\n");
    const { body } = errorPage(Object.assign(errorAt(file, 2), { cause: errorAt("/gone.ts", 1, "why") }), params());
    const [, text = ""] = /<textarea[^>]*>\n([^<]*)<\/textarea>/.exec(body) ?? [];
    expect(text).toMatch(
      /^RangeError: it broke\n[\s\S]*caused by: RangeError: why[\s\S]*a\.ts:2:3\n[\s\S]*&gt; 2 \| two[\s\S]*GET \/x[\s\S]*Node/,
    );
    expect(text).not.toContain("PATH");
  });

  it.each([{ HTTP_ACCEPT: "application/json" }, { HTTP_ACCEPT: "*/*" }])(
    "is plain text for a client that accepts %j",
    (accept) => {
      const { type, body } = errorPage(new Error("it broke"), params(accept));
      expect([type, body]).toEqual(["text/plain; charset=utf-8", expect.stringMatching(/^Error: it broke\n {4}at /)]);
    },
  );

  it("says what to do as plain text, too", () => {
    const { body } = errorPage(new Fault("HANDLER", "m", { hint: "do <this>" }), params({ HTTP_ACCEPT: "*/*" }));
    expect(body).toMatch(/^Fault: m\n(?:.*\n)+\ndo <this>\n$/);
  });

  it("says which package is to be installed, also where a handler asks for it", () => {
    // As Node has it: Jest's own words of an import are others.
    const { stdout } = spawnSync(process.execPath, [
      "--eval",
      'import("@nobody/has-this").catch(({ message }) => process.stdout.write(message))',
    ]);
    const error = new Error(String(stdout));
    const hint = "Run `npm install @nobody/has-this` in the folder of the app's package.json.";
    expect(errorPage(error, params({ HTTP_ACCEPT: "*/*" })).body).toContain(`\n${hint}\n`);
    expect(errorPage(error, params()).body).toContain("npm install @nobody/has-this");
    expect(handlerFault(error)).toMatchObject({ code: "HANDLER", hint });
    expect(handlerFault(new Error("Cannot find it")).hint).toBeUndefined();
  });

  it("shows a hint, a source that is gone, and what is no Error", () => {
    expect(errorPage(new Fault("HANDLER", "m", { hint: "do <this>" }), params()).body).toContain("do &lt;this&gt;");
    expect(errorPage(errorAt("/gone/a.ts", 4), params()).body).toContain("/gone/a.ts:4:3");
    expect(errorPage("just a string", params()).body).toContain("&#34;just a string&#34; was thrown");
    expect(errorPage(undefined, params()).body).toContain("undefined was thrown");
  });

  it("shows a stack once, where a fault has taken its cause's for its own", () => {
    const cause = errorAt("/gone.ts", 1);
    const fault = new Fault("BOOT", "/gone.ts did not load", { cause });
    fault.stack = traceOf(cause);
    expect(causeChain(fault)).toEqual([fault]);
    expect(errorPage(fault, params()).body).toContain("<p>The module did not load</p>");
  });

  it("is made whatever was thrown", () => {
    const hostile = new Error("x");
    for (const name of ["stack", "cause", "message"]) {
      Object.defineProperty(hostile, name, {
        get: () => {
          throw new Error("no");
        },
      });
    }
    const circular = new Error("round");
    circular.cause = circular;
    for (const thrown of [
      hostile,
      circular,
      Object.create(null),
      Symbol("s"),
      {
        toString: () => {
          throw new Error();
        },
      },
    ]) {
      expect(errorPage(thrown, params()).body).toContain("<h1>");
      expect(typeof summaryOf(thrown)).toBe("string");
      expect(typeof traceOf(thrown)).toBe("string");
      expect(causeChain(thrown).length).toBeLessThanOrEqual(9);
    }
  });
});

describe("a stack in the log", () => {
  it("ends with the author's last line, where only what called it follows", () => {
    const own = new URL("../../workers/host.js", import.meta.url).pathname;
    const error = new RangeError("x");
    error.stack = `RangeError: x\n    at a (/srv/a.ts:1:2)\n    at fetch (${own}:3:4)\n    at node:internal/x:1:2`;
    expect(traceOf(error)).toBe("RangeError: x\n    at a (/srv/a.ts:1:2)");
    error.stack = `RangeError: x\n    at fetch (${own}:3:4)\n    at node:internal/x:1:2`;
    expect(traceOf(error)).toBe(error.stack);
  });
});

describe("the author's place in a stack", () => {
  it.each([
    ["    at fetch (/srv/a.ts:3:9)", "/srv/a.ts 3 9"],
    ["    at /srv/a.ts:3:9", "/srv/a.ts 3 9"],
    ["    at async fetch (file:///srv/a%20b.ts:3:9)", "/srv/a b.ts 3 9"],
    ["    at async file:///srv/a.ts?holdfast-again=1:3:9", "/srv/a.ts 3 9"],
    ["    at node:internal/x:1:2\n    at x (/srv/node_modules/p/i.js:1:2)\n    at /srv/a.tsx:5:6", "/srv/a.tsx 5 6"],
    ["    at Object.<anonymous> [as x] (/srv/(group)/a.ts:3:9)", undefined],
    ["    at eval (eval at x (/srv/a.ts:1:1), <anonymous>:1:1)", undefined],
    ["Error: /srv/a.ts", undefined],
    ["", undefined],
  ])("%j", (stack, place) => {
    const found = authorPlace(stack);
    expect(found === undefined ? undefined : `${found.file} ${found.line} ${found.column}`).toBe(place);
  });
});
