import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { CgiResponseParser } from "../../src/cgi/parse-response.ts";
import { encodeHead, MAX_LINE_BYTES, type ResponseHead, refusalReply } from "../../src/cgi/response.ts";
import { reasonPhrase } from "../../src/cgi/status.ts";

const TYPE = ["Content-Type", "text/html"] as const;
const HANDLER = expect.objectContaining({ code: "HANDLER", status: 500 });
const head = (given: Partial<ResponseHead>) => encodeHead({ status: 200, headers: [TYPE], ...given });

describe("a CGI header block [RFC 3875 §6]", () => {
  it("ends every line with CRLF and itself with an empty line", () => {
    expect(head({ headers: [TYPE, ["X-A", "1"]] })).toBe("Content-Type: text/html\r\nX-A: 1\r\n\r\n");
  });

  it("keeps several Set-Cookie apart, in order", () => {
    const headers = [TYPE, ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] as const;
    expect(head({ headers })).toBe("Content-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n");
  });

  it("keeps Content-Length, also where no body follows, but not with 204", () => {
    const headers = [TYPE, ["Content-Length", "5"]] as const;
    expect(head({ headers, bodyless: true })).toContain("Content-Length: 5\r\n");
    expect(head({ headers, status: 304 })).toContain("Content-Length: 5\r\n");
    expect(head({ headers, status: 204 })).not.toContain("Content-Length");
  });
});

describe("Status [RFC 3875 §6.3.3]", () => {
  it("is left out of a plain 200, so that Apache answers conditional requests by itself", () => {
    expect(head({ headers: [TYPE, ["ETag", '"x"']] })).not.toContain("Status:");
  });

  it.each([
    [201, "Status: 201 Created\r\n"],
    [302, "Status: 302 Found\r\n"],
    [404, "Status: 404 Not Found\r\n"],
    [418, "Status: 418 I'm a teapot\r\n"],
    [299, "Status: 299 Unknown\r\n"],
    [599, "Status: 599 Unknown\r\n"],
  ])("comes first with %i", (status, line) => {
    expect(head({ status }).startsWith(line)).toBe(true);
  });

  it("comes with every Location: Apache would make a redirect without it a 200", () => {
    expect(head({ status: 302, headers: [["Location", "/x"]], bodyless: true })).toBe(
      "Status: 302 Found\r\nLocation: /x\r\n\r\n",
    );
    expect(head({ headers: [TYPE, ["LOCATION", "/x"]] })).toMatch(/^Status: 200 OK\r\n/);
  });

  it("comes with a block that has no other line: Apache would not see an empty one", () => {
    expect(head({ headers: [], bodyless: true })).toBe("Status: 200 OK\r\n\r\n");
    expect(head({ headers: [["Connection", "close"]], bodyless: true })).toBe("Status: 200 OK\r\n\r\n");
  });

  it.each([0, 99, 100, 101, 199, 600, 1000, -1, 200.5, Number.NaN])("of %d is refused", (status) => {
    expect(() => head({ status })).toThrow(HANDLER);
  });
});

describe("Content-Type [RFC 3875 §6.3.1]", () => {
  it("is text/plain where a body has none, so that no browser takes it for HTML", () => {
    expect(head({ headers: [] })).toBe("Content-Type: text/plain; charset=utf-8\r\n\r\n");
    expect(head({ status: 404, headers: [] })).toContain("Content-Type: text/plain");
  });

  it.each([204, 205, 304])("is not invented for %i, which has no body", (status) => {
    expect(head({ status, headers: [] })).toBe(`Status: ${status} ${reasonPhrase(status)}\r\n\r\n`);
  });

  it("is refused twice", () => {
    expect(() => head({ headers: [TYPE, ["content-type", "a/b"]] })).toThrow(HANDLER);
  });
});

describe("what would break a line", () => {
  it.each(["\r", "\n", "\0", "a\r\nSet-Cookie: x", "\x7f", "\x01", "\u010d\u010a", "\u560d\u560a", "€"])(
    "is refused in a value: %j",
    (value) => {
      expect(() => head({ headers: [TYPE, ["X-A", value]] })).toThrow(HANDLER);
    },
  );

  it.each(["", "X A", "X:A", "X\r\nY", "X\0", "Ü", "X(A)", "X\u010d"])("is refused in a name: %j", (name) => {
    expect(() => head({ headers: [TYPE, [name, "x"]] })).toThrow(HANDLER);
  });

  it("is refused every time, not only the first", () => {
    for (let turn = 0; turn < 3; turn += 1) expect(() => head({ headers: [["X\nY", "x"]] })).toThrow(HANDLER);
  });

  it("is not a tab, nor latin1, nor nothing", () => {
    expect(head({ headers: [TYPE, ["X-A", "a\tb\u00e9\u00ff"], ["X-B", ""]] })).toContain(
      "X-A: a\tb\u00e9\u00ff\r\nX-B: \r\n",
    );
  });

  it("is a line longer than Apache reads", () => {
    const fitting = "v".repeat(MAX_LINE_BYTES - "X-A: \r\n".length);
    expect(head({ headers: [TYPE, ["X-A", fitting]] })).toContain(fitting);
    expect(() => head({ headers: [TYPE, ["X-A", `${fitting}v`]] })).toThrow(HANDLER);
  });

  it.each(["", "x", "-1", "1.5", "1e3", "12, 12", "1".repeat(16)])("is a Content-Length of %j", (value) => {
    expect(() => head({ headers: [TYPE, ["Content-Length", value]] })).toThrow(HANDLER);
  });

  it("tells the author which header it was, and what to do", () => {
    const set = () => head({ headers: [["X-Name", "Zoë €"]] });
    expect(set).toThrow(
      expect.objectContaining({ message: expect.stringContaining('"X-Name"'), hint: expect.any(String) }),
    );
  });
});

describe("headers of the web server", () => {
  it.each([
    "Connection",
    "keep-alive",
    "Transfer-Encoding",
    "Upgrade",
    "TE",
    "Trailer",
    "Date",
    "Server",
    "Status",
    "Proxy-Authenticate",
    "Proxy-Connection",
    "X-Sendfile",
    "X-SENDFILE2",
    "X-Sendfile-Temporary",
    "X-Accel-Redirect",
    "X-LIGHTTPD-send-file",
    "X-Reproxy-URL",
  ])("%s is dropped", (name) => {
    expect(head({ headers: [TYPE, [name, "x"]] })).toBe("Content-Type: text/html\r\n\r\n");
  });

  it.each(["Date-Of-Birth", "Server-Timing", "X-Proxy", "X-Accelerate", "Status-Text"])("%s is the app's", (name) => {
    expect(head({ headers: [TYPE, [name, "x"]] })).toContain(`${name}: x\r\n`);
  });
});

describe("an authorizer's reply [FCGI §6.3]", () => {
  const headers = [TYPE, ["Variable-USER", "ann"], ["Set-Cookie", "a=1"], ["ETag", '"x"']] as const;

  it("always says its status, and grants with variables and cookies alone", () => {
    expect(head({ role: "authorizer", headers })).toBe(
      "Status: 200 OK\r\nVariable-USER: ann\r\nSet-Cookie: a=1\r\n\r\n",
    );
    expect(head({ role: "authorizer", headers: [] })).toBe("Status: 200 OK\r\n\r\n");
  });

  it("denies with a whole response", () => {
    expect(head({ role: "authorizer", status: 403, headers })).toContain("Content-Type: text/html\r\n");
  });
});

describe("any head that is not refused", () => {
  it("is exactly one block, with the lines that were put in", () => {
    const char = fc.integer({ min: 0, max: 0x120 }).map((code) => String.fromCharCode(code));
    const name = fc.oneof(fc.constantFrom("X-A", "Set-Cookie", "Location", "ETag"), fc.string({ maxLength: 8 }));
    const headers = fc.array(fc.tuple(name, fc.string({ unit: char, maxLength: 20 })), { maxLength: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 190, max: 610 }), headers, (status, given) => {
        try {
          const block = encodeHead({ status, headers: given });
          const parsed = new CgiResponseParser().push(Buffer.from(block, "latin1"));
          expect(parsed?.status).toBe(status);
          expect(parsed?.rest).toHaveLength(0);
          expect(parsed?.headers.length).toBeLessThanOrEqual(given.length + 1);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.code).toBe("HANDLER");
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the page of a refused request", () => {
  it.each([
    [new Fault("OVERLOAD", "secret"), 503],
    [new Fault("LIMIT", "secret"), 413],
    [new Fault("LIMIT", "secret", { status: 431 }), 431],
    [new Fault("REQUEST", "secret"), 400],
    [new Fault("PROTOCOL", "secret"), 400],
    [new Fault("WORKER_LOST", "secret"), 502],
    [new Fault("TIMEOUT", "secret"), 504],
    [new Fault("HANDLER", "secret", { hint: "secret" }), 500],
    [new Fault("BOOT", "secret"), 500],
    [new Fault("REQUEST", "secret", { status: 418 }), 418],
  ])("has the fault's status and tells nothing of its message: %s", (fault, status) => {
    const { status: told, head: block, body } = refusalReply(fault);
    const parsed = new CgiResponseParser().push(Buffer.from(block + body));
    expect([told, parsed?.status]).toEqual([status, status]);
    expect(block + body).not.toContain("secret");
    expect(body).toContain(`${status} `);
    expect(new Map(parsed?.headers)).toEqual(
      new Map([
        ["Content-Type", "text/html; charset=utf-8"],
        ["Content-Length", String(Buffer.byteLength(body))],
        ["Cache-Control", "no-store"],
        ["X-Content-Type-Options", "nosniff"],
        ...(status === 503 ? ([["Retry-After", "1"]] as const) : []),
      ]),
    );
  });

  it("says when to come back, and under which name the log has it", () => {
    const { head: block, body } = refusalReply(new Fault("OVERLOAD", "full"), {
      retryAfterSeconds: 7,
      requestId: "r<1>",
    });
    expect(block).toContain("Retry-After: 7\r\n");
    expect(body).toContain("Request r&lt;1&gt;");
  });

  it("can be read on a telephone, and in the dark", () => {
    const { body } = refusalReply(new Fault("OVERLOAD", "full"));
    expect(body).toContain('<html lang="en">');
    expect(body).toContain('<meta name="viewport" content="width=device-width">');
    expect(body).toContain('<meta name="color-scheme" content="light dark">');
  });
});
