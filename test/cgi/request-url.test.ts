import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { requestPath, requestUrl } from "../../src/cgi/variables.ts";
import { type NameValue, Params } from "../../src/fastcgi/name-values.ts";

const REQUEST = expect.objectContaining({ code: "REQUEST", status: 400 });
const HOST = { HTTP_HOST: "example.org" };
const from = (variables: Record<string, string>) => Params.from(Object.entries(variables));
const url = (variables: Record<string, string>) => requestUrl(from({ ...HOST, ...variables }));
const bytes = (...pairs: [string, string][]) =>
  Params.from(pairs.map(([name, value]): NameValue => [name, Buffer.from(value, "latin1")]));

describe("the path and the query [RFC 9112 §3.2]", () => {
  it.each([
    ["/", "http://example.org/"],
    ["/a/b.ts?x=1&y=%20", "http://example.org/a/b.ts?x=1&y=%20"],
    ["/a%2Fb", "http://example.org/a%2Fb"],
    ["/a//b", "http://example.org/a//b"],
    ["//evil.org/a", "http://example.org//evil.org/a"],
    ["/a?b?c", "http://example.org/a?b?c"],
    ["/a?", "http://example.org/a"],
    ["/.well-known/x", "http://example.org/.well-known/x"],
    ["/a/../b", "http://example.org/b"],
    ["/a/%2e%2E/b", "http://example.org/b"],
    ["/..", "http://example.org/"],
    ["/a\\b", "http://example.org/a/b"],
    ["/a b", "http://example.org/a%20b"],
    ["/a?q='\"<>", "http://example.org/a?q=%27%22%3C%3E"],
    ["/a#fragment", "http://example.org/a"],
    ["/%zz%", "http://example.org/%zz%"],
  ])("origin-form: %s", (target, expected) => {
    expect(url({ REQUEST_URI: target })).toBe(expected);
  });

  it.each([
    ["http://other.org/a?b", "http://other.org/a?b"],
    ["HTTP://other.org:8080/a", "http://other.org:8080/a"],
    ["http://other.org", "http://other.org/"],
    ["http://other.org?a", "http://other.org/?a"],
    ["https://other.org/a", "http://other.org/a"],
    ["http://user:pass@other.org/a", "http://server.example/a"],
    ["http:///a", "http://server.example/a"],
  ])("absolute-form overrides Host: %s", (target, expected) => {
    expect(url({ REQUEST_URI: target, SERVER_NAME: "server.example" })).toBe(expected);
  });

  it("asterisk-form has an empty path [RFC 9112 §3.3]", () => {
    expect(url({ REQUEST_METHOD: "OPTIONS", REQUEST_URI: "*" })).toBe("http://example.org/");
  });

  it.each(["a", "example.org:443", "ftp://x/", "javascript:1", "**", "?a", " /"])(
    "%j is no target of a request",
    (target) => {
      expect(() => url({ REQUEST_URI: target })).toThrow(REQUEST);
    },
  );

  it.each(["/a\tb", "/a\r\nb", "/a\0", "/a?\x7f", "/\x1f", "http://x/\n"])(
    "%j is refused: URL would drop the character",
    (target) => {
      expect(() => url({ REQUEST_URI: target })).toThrow(REQUEST);
    },
  );

  it("percent-encodes bytes beyond ASCII as they came", () => {
    const params = bytes(["HTTP_HOST", "h"], ["REQUEST_URI", "/\u00e9?\u00c3\u00a9"]);
    expect(requestUrl(params)).toBe("http://h/%E9?%C3%A9");
  });

  it("come from SCRIPT_NAME, PATH_INFO and QUERY_STRING where there is no REQUEST_URI", () => {
    expect(url({ SCRIPT_NAME: "/a b.ts", PATH_INFO: "/c%?d", QUERY_STRING: "e=f%20g" })).toBe(
      "http://example.org/a%20b.ts/c%25%3Fd?e=f%20g",
    );
    expect(url({ SCRIPT_NAME: "/é" })).toBe("http://example.org/%C3%A9");
    expect(url({ REQUEST_URI: "", SCRIPT_NAME: "/a" })).toBe("http://example.org/a");
    expect(url({ QUERY_STRING: "a" })).toBe("http://example.org/?a");
    expect(url({})).toBe("http://example.org/");
  });
});

describe("scheme and authority", () => {
  it.each<[Record<string, string>, string]>([
    [{ HTTP_HOST: "example.org" }, "http://example.org/"],
    [{ HTTP_HOST: "example.org:8000" }, "http://example.org:8000/"],
    [{ HTTP_HOST: "example.org:80" }, "http://example.org/"],
    [{ HTTP_HOST: "example.org:443", HTTPS: "on" }, "https://example.org/"],
    [{ HTTP_HOST: "Example.ORG" }, "http://example.org/"],
    [{ HTTP_HOST: "my_app:1" }, "http://my_app:1/"],
    [{ HTTP_HOST: "[::1]:8000" }, "http://[::1]:8000/"],
    [{ HTTP_HOST: "127.0.0.1" }, "http://127.0.0.1/"],
    [{ HTTP_HOST: "h", REQUEST_SCHEME: "https" }, "https://h/"],
    [{ HTTP_HOST: "h", HTTP_X_FORWARDED_PROTO: "https", HTTP_X_FORWARDED_HOST: "evil" }, "http://h/"],
    [{ SERVER_NAME: "s.example", SERVER_PORT: "8000" }, "http://s.example:8000/"],
    [{ SERVER_NAME: "s.example", SERVER_PORT: "443", HTTPS: "on" }, "https://s.example/"],
    [{ SERVER_NAME: "::1", SERVER_PORT: "8000" }, "http://[::1]:8000/"],
    [{ SERVER_NAME: "[::1]" }, "http://[::1]/"],
    [{ SERVER_NAME: "s.example", SERVER_PORT: "x" }, "http://localhost/"],
    [{}, "http://localhost/"],
  ])("%j", (variables, expected) => {
    expect(requestUrl(from({ ...variables, REQUEST_URI: "/" }))).toBe(expected);
  });

  it.each([
    "",
    "a b",
    "evil.com/path",
    "evil.com?",
    "evil.com#",
    "user@evil.com",
    "evil.com\\@x",
    "[::1",
    "[::1]:x",
    "a:b:c",
    "x:99999",
    "1.2.3.400",
    "h\r\nX: y",
    "%41",
    "é",
  ])("a Host of %j does not count; the server's own name does", (host) => {
    expect(requestUrl(from({ HTTP_HOST: host, SERVER_NAME: "s.example", REQUEST_URI: "/" }))).toBe("http://s.example/");
  });

  it("of more hosts than are remembered are told apart", () => {
    for (let host = 0; host < 200; host += 1) {
      expect(requestUrl(from({ HTTP_HOST: `h${host}.example`, REQUEST_URI: "/" }))).toBe(`http://h${host}.example/`);
    }
  });
});

describe("any URL", () => {
  const target = fc.oneof(
    fc.string({ maxLength: 30 }).map((text) => `/${text}`),
    fc
      .array(
        fc.constantFrom("/", ".", "..", "%2e", "%2E", "a", "?", "#", "'", '"', "\\", "%", "é", "^", "|", "@", ":"),
        { maxLength: 12 },
      )
      .map((parts) => `/${parts.join("")}`),
    fc.webUrl({ withQueryParameters: true }),
  );

  it("is as the URL standard writes it, and its path is the path alone", () => {
    fc.assert(
      fc.property(target, (text) => {
        const params = from({ HTTP_HOST: "example.org", REQUEST_URI: text });
        try {
          const whole = requestUrl(params);
          const parsed = new URL(whole);
          expect(parsed.href).toBe(whole);
          expect(requestPath(params)).toEqual({ pathname: parsed.pathname, search: parsed.search });
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.code).toBe("REQUEST");
        }
      }),
      { numRuns: 1000 },
    );
  });
});
