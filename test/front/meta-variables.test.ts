import { type FrontRequest, metaVariables } from "../../src/front/meta-variables.ts";

function variablesOf(request: Partial<FrontRequest>): Record<string, string> {
  const pairs = metaVariables({
    method: "GET",
    target: "/",
    httpVersion: "1.1",
    rawHeaders: ["Host", "site.example:8000"],
    local: { address: "::ffff:127.0.0.1", port: 8000 },
    remote: { address: "::ffff:127.0.0.1", port: 40_000 },
    documentRoot: "/srv/wüste",
    ...request,
  });
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, typeof value === "string" ? value : Buffer.from(value).toString("latin1")]),
  );
}

describe("meta-variables of the built-in front [RFC 3875 §4.1]", () => {
  it("tell where the request came from and what it asked for", () => {
    expect(variablesOf({ method: "POST", target: "/a%20b/c.ts?q=%41" })).toEqual({
      GATEWAY_INTERFACE: "CGI/1.1",
      SERVER_SOFTWARE: "Holdfast",
      SERVER_PROTOCOL: "HTTP/1.1",
      SERVER_NAME: "site.example",
      SERVER_ADDR: "127.0.0.1",
      SERVER_PORT: "8000",
      REMOTE_ADDR: "127.0.0.1",
      REMOTE_PORT: "40000",
      REQUEST_SCHEME: "http",
      REQUEST_METHOD: "POST",
      REQUEST_URI: "/a%20b/c.ts?q=%41",
      QUERY_STRING: "q=%41",
      SCRIPT_NAME: "/a b/c.ts",
      HTTP_HOST: "site.example:8000",
      DOCUMENT_ROOT: "/srv/wüste",
    });
  });

  it("carry headers under HTTP_, but Content-Type and Content-Length under their own names", () => {
    const rawHeaders = ["Content-Type", "text/plain", "Content-Length", "3", "X-Two-Words", "a"];
    expect(variablesOf({ rawHeaders })).toMatchObject({
      CONTENT_TYPE: "text/plain",
      CONTENT_LENGTH: "3",
      HTTP_X_TWO_WORDS: "a",
    });
  });

  it("join headers of one name, cookies with a semicolon", () => {
    const rawHeaders = ["Accept", "a", "accept", "b", "Cookie", "x=1", "Cookie", "y=2"];
    expect(variablesOf({ rawHeaders })).toMatchObject({ HTTP_ACCEPT: "a, b", HTTP_COOKIE: "x=1; y=2" });
  });

  it("drop names that could pass for others, and Proxy [CVE-2016-5385]", () => {
    const rawHeaders = ["X_User", "root", "Proxy", "evil", "X.Y", "1", "__proto__", "1"];
    const names = Object.keys(variablesOf({ rawHeaders }));
    expect(names.filter((name) => name.startsWith("HTTP_"))).toEqual([]);
  });

  it("keep bytes beyond ASCII as they came", () => {
    const rawHeaders = ["X-Name", Buffer.from("ü").toString("latin1")];
    expect(Buffer.from(variablesOf({ rawHeaders }).HTTP_X_NAME ?? "", "latin1").toString()).toBe("ü");
  });

  it("take the path of an absolute target, and the star of OPTIONS", () => {
    expect(variablesOf({ target: "http://site.example/x?y" })).toMatchObject({
      REQUEST_URI: "http://site.example/x?y",
      SCRIPT_NAME: "/x",
      QUERY_STRING: "y",
    });
    expect(variablesOf({ method: "OPTIONS", target: "*" })).toMatchObject({ REQUEST_URI: "*", SCRIPT_NAME: "*" });
  });

  it.each([
    ["//a///b", "/a/b"],
    ["/a/./b/../c/", "/a/c/"],
    ["/a/..", "/"],
    ["/a/b/.", "/a/b/"],
    ["/%2e%2e", undefined],
    ["/../x", undefined],
    ["/a%2Fb", undefined],
    ["/a%00", undefined],
    ["/a%zz", undefined],
    ["x", undefined],
  ])("take the path of %s as %s", (target, path) => {
    if (path === undefined) expect(() => variablesOf({ target })).toThrow("a path");
    else expect(variablesOf({ target }).SCRIPT_NAME).toBe(path);
  });

  it("refuse two Host headers", () => {
    expect(() => variablesOf({ rawHeaders: ["Host", "a", "Host", "b"] })).toThrow("two Host");
  });
});
