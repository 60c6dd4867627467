import {
  contentLength,
  headerEntries,
  headerValue,
  isSecure,
  metaVariables,
  remoteAddress,
  requestFields,
  requestMethod,
  scriptFilename,
  serverProtocol,
} from "../../src/cgi/variables.ts";
import { type NameValue, Params } from "../../src/fastcgi/name-values.ts";

const from = (variables: Record<string, string>) => Params.from(Object.entries(variables));
const pairs = (...list: NameValue[]) => Params.from(list);
const REQUEST = expect.objectContaining({ code: "REQUEST", status: 400 });

describe("REQUEST_METHOD [RFC 3875 §4.1.12]", () => {
  it.each(["GET", "POST", "PROPFIND", "M-SEARCH", "X".repeat(32)])("%s is a method", (method) => {
    expect(requestMethod(from({ REQUEST_METHOD: method }))).toBe(method);
  });

  it.each(["", "get", "Get", "G ET", "GET\r\n", "GÉT", "X".repeat(33), "GET\0"])("%j is none", (method) => {
    expect(() => requestMethod(from({ REQUEST_METHOD: method }))).toThrow(REQUEST);
  });

  it("must be there", () => {
    expect(() => requestMethod(from({}))).toThrow("REQUEST_METHOD is missing");
  });
});

describe("request headers [RFC 3875 §4.1.18]", () => {
  it("come from HTTP_*, CONTENT_TYPE and CONTENT_LENGTH, in lower case with hyphens", () => {
    const params = from({
      REQUEST_METHOD: "POST",
      HTTP_HOST: "example.org",
      HTTP_ACCEPT_LANGUAGE: "de, en",
      CONTENT_TYPE: "text/plain",
      CONTENT_LENGTH: "3",
      SERVER_NAME: "example.org",
    });
    expect(headerEntries(params)).toEqual([
      ["host", "example.org"],
      ["accept-language", "de, en"],
      ["content-type", "text/plain"],
      ["content-length", "3"],
    ]);
  });

  it("keep hop-by-hop headers, which Apache passes on", () => {
    const params = from({ HTTP_CONNECTION: "Upgrade", HTTP_TRANSFER_ENCODING: "chunked", HTTP_TE: "trailers" });
    expect(headerEntries(params).map(([name]) => name)).toEqual(["connection", "transfer-encoding", "te"]);
  });

  it("never hold Proxy, which libraries take for a setting [CVE-2016-5385]", () => {
    const params = from({ HTTP_PROXY: "http://evil", HTTP_PROXY_AUTHORIZATION: "x" });
    expect(headerEntries(params)).toEqual([["proxy-authorization", "x"]]);
    expect(headerValue(params, "proxy")).toBeUndefined();
  });

  it.each(["HTTP_", "HTTP_X-USER", "HTTP_x_user", "http_x_user", "HTTP_X USER", "HTTP_É", "HTTPX_USER", ""])(
    "do not come from a variable named %j",
    (name) => {
      expect(headerEntries(pairs([name, "evil"]))).toEqual([]);
    },
  );

  it("of the same name: the last one counts", () => {
    const params = pairs(["HTTP_X_USER", "a"], ["HTTP_X_USER", "b"]);
    expect(headerEntries(params)).toEqual([["x-user", "b"]]);
    expect(headerValue(params, "X-User")).toBe("b");
  });

  it("take type and length from the variables, not from HTTP_CONTENT_* beside them (nginx)", () => {
    const params = from({ HTTP_CONTENT_TYPE: "a/b", HTTP_CONTENT_LENGTH: "9", CONTENT_TYPE: "", CONTENT_LENGTH: "" });
    expect(headerEntries(params)).toEqual([]);
    expect(headerValue(params, "content-type")).toBeUndefined();
  });

  it("leave out a length that is not known (-1)", () => {
    expect(headerEntries(from({ CONTENT_LENGTH: "-1" }))).toEqual([]);
  });

  it("are one char per byte", () => {
    expect(headerValue(pairs(["HTTP_X", Buffer.from([0x61, 0xe9, 0xff])]), "x")).toBe("a\u00e9\u00ff");
  });

  it.each(["\r", "\n", "\0", "a\r\nSet-Cookie: x"])("with %j in them are refused", (value) => {
    const params = from({ HTTP_X: value, HTTP_Y: "fine" });
    expect(() => headerEntries(params)).toThrow(REQUEST);
    expect(() => headerValue(params, "x")).toThrow(REQUEST);
    expect(headerValue(params, "y")).toBe("fine");
    expect(() => headerValue(from({ CONTENT_TYPE: value }), "content-type")).toThrow(REQUEST);
  });

  it("are found alone as among all of them", () => {
    const params = from({ HTTP_X_A: "1", CONTENT_TYPE: "t/t", CONTENT_LENGTH: "0", HTTP_COOKIE: "" });
    for (const [name, value] of headerEntries(params)) expect(headerValue(params, name)).toBe(value);
    for (const name of ["x_a", "http_x_a", "", "x a", "y"]) expect(headerValue(params, name)).toBeUndefined();
  });

  it("whose names objects have by themselves are ordinary", () => {
    expect(headerEntries(pairs(["HTTP___PROTO__", "x"], ["HTTP_CONSTRUCTOR", "y"]))).toEqual([
      ["--proto--", "x"],
      ["constructor", "y"],
    ]);
  });
});

describe("CONTENT_LENGTH [RFC 3875 §4.1.2]", () => {
  it.each([
    ["0", 0],
    ["3", 3],
    ["007", 7],
    ["999999999999999", 999_999_999_999_999],
  ])("%s is %i bytes", (value, bytes) => {
    expect(contentLength(from({ CONTENT_LENGTH: value }))).toBe(bytes);
  });

  it.each(["", "-1"])("%j means that the length is not known", (value) => {
    expect(contentLength(from({ CONTENT_LENGTH: value }))).toBeUndefined();
  });

  it("may be missing", () => {
    expect(contentLength(from({}))).toBeUndefined();
  });

  it.each(["-2", "+3", "3.0", "0x3", "3, 3", " 3", "3 ", "1e3", "1000000000000000", "three", "3\n"])(
    "%j is refused",
    (value) => {
      expect(() => contentLength(from({ CONTENT_LENGTH: value }))).toThrow(REQUEST);
    },
  );

  it("several times is refused unless all agree", () => {
    expect(contentLength(pairs(["CONTENT_LENGTH", "3"], ["CONTENT_LENGTH", "3"]))).toBe(3);
    expect(contentLength(pairs(["CONTENT_LENGTH", "3"], ["HTTP_CONTENT_LENGTH", "3"]))).toBe(3);
    expect(() => contentLength(pairs(["CONTENT_LENGTH", "3"], ["CONTENT_LENGTH", "4"]))).toThrow(REQUEST);
    expect(() => contentLength(pairs(["CONTENT_LENGTH", "3"], ["HTTP_CONTENT_LENGTH", "4"]))).toThrow(REQUEST);
  });
});

describe("who asks", () => {
  it("is who the web server says, whatever the client's headers say", () => {
    const params = from({ REMOTE_ADDR: "192.0.2.1", REMOTE_PORT: "5000", HTTP_X_FORWARDED_FOR: "127.0.0.1" });
    expect(remoteAddress(params)).toEqual({ address: "192.0.2.1", port: 5000 });
  });

  it.each(["", "x", "65536", "-1", "1e3"])("has no port if REMOTE_PORT is %j", (port) => {
    expect(remoteAddress(from({ REMOTE_ADDR: "::1", REMOTE_PORT: port }))).toEqual({ address: "::1", port: undefined });
  });

  it("may have any port there is", () => {
    expect(remoteAddress(from({ REMOTE_PORT: "65535" })).port).toBe(65_535);
  });

  it("may be unknown", () => {
    expect(remoteAddress(from({}))).toEqual({ address: "", port: undefined });
  });

  it.each<[Record<string, string>, boolean]>([
    [{ HTTPS: "on" }, true],
    [{ HTTPS: "ON" }, true],
    [{ HTTPS: "1" }, true],
    [{ HTTPS: "off", REQUEST_SCHEME: "https" }, false],
    [{ HTTPS: "", REQUEST_SCHEME: "https" }, true],
    [{ REQUEST_SCHEME: "https" }, true],
    [{ REQUEST_SCHEME: "http" }, false],
    [{ HTTP_X_FORWARDED_PROTO: "https", HTTP_HTTPS: "on" }, false],
    [{}, false],
  ])("over TLS or not: %j", (variables, secure) => {
    expect(isSecure(from(variables))).toBe(secure);
  });

  it("speaks the protocol that the web server says", () => {
    expect(serverProtocol(from({ SERVER_PROTOCOL: "HTTP/2.0" }))).toBe("HTTP/2.0");
    expect(serverProtocol(from({}))).toBe("HTTP/1.1");
  });
});

describe("all meta-variables, for an environment", () => {
  it("leave out names that no environment has, and HTTP_PROXY", () => {
    const params = pairs(
      ["A", "1"],
      ["", "x"],
      ["B=C", "x"],
      ["D\0", "x"],
      ["E F", "x"],
      ["HTTP_PROXY", "x"],
      ["no-gzip", "1"],
      ["A", "2"],
    );
    expect([...metaVariables(params)]).toEqual([
      ["A", "1"],
      ["no-gzip", "1"],
      ["A", "2"],
    ]);
  });
});

describe("what names a request in a log", () => {
  it("is its method, URI and id, as far as they were sent", () => {
    expect(requestFields(from({ REQUEST_METHOD: "GET", REQUEST_URI: "/a?b", UNIQUE_ID: "x" }))).toEqual({
      method: "GET",
      uri: "/a?b",
      request: "x",
    });
    expect(requestFields(from({}))).toEqual({});
  });

  it("is not as long as a client likes", () => {
    expect(requestFields(from({ REQUEST_URI: `/${"a".repeat(100_000)}` })).uri).toMatch(/^\/a{2047}…$/);
  });
});

describe("SCRIPT_FILENAME, as Apache sends it", () => {
  it.each([
    ["/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:fcgi://localhost/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:fcgi://localhost:9000/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:fcgi://127.0.0.1:9000//srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:fcgi://[::1]:9000/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:fcgi://holdfast-www/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:balancer://cluster/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:unix:/run/holdfast/www.sock|fcgi://www/srv/www/a.ts", "/srv/www/a.ts"],
    ["proxy:unix:/run/holdfast/www.sock|fcgi://www//srv/www/a.ts", "/srv/www/a.ts"],
    ["//srv/www/a.ts", "/srv/www/a.ts"],
    ["/srv//www/a.ts", "/srv//www/a.ts"],
    ["/srv/proxy:fcgi://x/a.ts", "/srv/proxy:fcgi://x/a.ts"],
    ["proxy:http://localhost/a.ts", "proxy:http://localhost/a.ts"],
    ["fcgi://localhost/a.ts", "fcgi://localhost/a.ts"],
    ["/srv/a%2fb.ts", "/srv/a%2fb.ts"],
    ["/srv/a.ts?x#y;z", "/srv/a.ts?x#y;z"],
    ["/srv/é.ts", "/srv/é.ts"],
    ["/srv/../etc/passwd", "/srv/../etc/passwd"],
  ])("%s is the file %s", (value, file) => {
    expect(scriptFilename(from({ SCRIPT_FILENAME: value }))).toBe(file);
  });

  it("may be missing or empty", () => {
    expect(scriptFilename(from({}))).toBeUndefined();
    expect(scriptFilename(from({ SCRIPT_FILENAME: "" }))).toBeUndefined();
  });

  it.each(["/a\0.ts", "/a\n.ts", "/a\x7f.ts"])("with a control character is refused: %j", (value) => {
    expect(() => scriptFilename(from({ SCRIPT_FILENAME: value }))).toThrow(REQUEST);
  });
});
