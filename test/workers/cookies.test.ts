import fc from "fast-check";
import type { Cookies } from "../../src/app/cookies.ts";
import type { ReplyHook } from "../../workers/context.ts";
import { RequestCookies } from "../../workers/cookies.ts";
import { lazyKeys } from "../../workers/keys.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const OLDER = "an older secret of 32 characters";

interface Jar {
  readonly cookies: Cookies;
  /** Values of Set-Cookie so far. */
  sent(): Promise<readonly string[]>;
}

function jarOf(
  header?: string,
  { isSecure = true, secrets = [SECRET] }: { isSecure?: boolean; secrets?: string[] } = {},
): Jar {
  const hooks: ReplyHook[] = [];
  const headers = new Headers();
  const cookies = new RequestCookies({
    header,
    isSecure,
    keys: lazyKeys(secrets),
    beforeReply: (hook) => hooks.push(hook),
  });
  return {
    cookies,
    async sent() {
      for (const hook of hooks.splice(0)) await hook({ status: 200, headers });
      return headers.getSetCookie();
    },
  };
}

/** What a browser sends back of what was set. */
async function returned(jar: Jar): Promise<string> {
  return (await jar.sent()).map((line) => line.split(";", 1)[0]).join("; ");
}

describe("the cookies of a request [RFC 6265 §5.4]", () => {
  it("are read by name, their values decoded", () => {
    const { cookies } = jarOf('a=1; b="two"; c=%C3%A4%20x; d=; e=x=y; f=%zz');
    expect([...cookies.all()]).toEqual([
      ["a", "1"],
      ["b", '"two"'],
      ["c", "ä x"],
      ["d", ""],
      ["e", "x=y"],
      ["f", "%zz"],
    ]);
    expect([cookies.get("a"), cookies.get("A"), cookies.get("none")]).toEqual(["1", undefined, undefined]);
  });

  it("may be none", () => {
    expect([...jarOf().cookies.all(), ...jarOf("").cookies.all(), ...jarOf(";;=;").cookies.all()]).toEqual([["", ""]]);
  });

  it("keep their names as they are, so that no other name can stand for a protected one (CVE-2022-31629)", () => {
    const { cookies } = jarOf("__%48ost-sid=evil; __Host-sid=good; .__Host-sid=evil");
    expect(cookies.get("__Host-sid")).toBe("good");
  });

  it("are the first of a name, which is the one with the longest path", () => {
    expect(jarOf("a=1; a=2").cookies.get("a")).toBe("1");
  });

  it("are not divided by commas: a value could smuggle another cookie in", () => {
    const { cookies } = jarOf("a=1, sid=evil; b=2");
    expect([cookies.get("a"), cookies.get("sid"), cookies.get("b")]).toEqual(["1, sid=evil", undefined, "2"]);
  });

  it("may have names that would be dangerous in an object", () => {
    const { cookies } = jarOf("__proto__=x; constructor=y; toString=z");
    expect([cookies.get("__proto__"), cookies.get("constructor"), cookies.get("hasOwnProperty")]).toEqual([
      "x",
      "y",
      undefined,
    ]);
  });

  it("never throw, whatever the header is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[ab=;, "%\t]*$/)), (header) => {
        const { cookies } = jarOf(header);
        for (const [name, value] of cookies.all()) expect([typeof name, typeof value]).toEqual(["string", "string"]);
        expect([cookies.signed.get("a"), cookies.sealed.get("a")]).toEqual([undefined, undefined]);
      }),
    );
  });
});

describe("a cookie of a reply", () => {
  it("is kept from scripts, from other sites and from plain connections, if nothing else is said", async () => {
    const jar = jarOf();
    jar.cookies.set("a", "1");
    expect(await jar.sent()).toEqual(["a=1; Path=/; HttpOnly; Secure; SameSite=Lax"]);
  });

  it("is not Secure where the request was not: it would not come back", async () => {
    const jar = jarOf("", { isSecure: false });
    jar.cookies.set("a", "1");
    jar.cookies.set("b", "1", { secure: true });
    expect(await jar.sent()).toEqual([
      "a=1; Path=/; HttpOnly; SameSite=Lax",
      "b=1; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
  });

  it("has the attributes that it is given", async () => {
    const jar = jarOf();
    const expires = new Date(0);
    jar.cookies.set("a", "1", {
      domain: "x.test",
      path: "/p",
      maxAge: 60,
      expires,
      httpOnly: false,
      sameSite: "strict",
    });
    jar.cookies.set("b", "1", { sameSite: "none", partitioned: true });
    expect(await jar.sent()).toEqual([
      "a=1; Max-Age=60; Domain=x.test; Path=/p; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Strict",
      "b=1; Path=/; HttpOnly; Secure; Partitioned; SameSite=None",
    ]);
  });

  it("comes back as it was set, whatever its value is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (value) => {
        const jar = jarOf();
        jar.cookies.set("a", value);
        expect(jarOf(await returned(jar)).cookies.get("a")).toBe(value);
      }),
    );
  });

  it("is the last one of its name, domain and path", async () => {
    const jar = jarOf();
    jar.cookies.set("a", "1");
    jar.cookies.set("a", "2", { path: "/p" });
    jar.cookies.set("a", "3");
    expect((await jar.sent()).map((line) => line.split(";", 1)[0])).toEqual(["a=3", "a=2"]);
  });

  it("is forgotten with the domain and path that it was set with", async () => {
    const jar = jarOf();
    jar.cookies.delete("a", { path: "/p" });
    expect(await jar.sent()).toEqual([
      "a=; Max-Age=0; Path=/p; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
    ]);
  });

  it("may be set while the reply is prepared", async () => {
    const jar = jarOf();
    jar.cookies.set("a", "1");
    await jar.sent();
    jar.cookies.set("b", "2");
    expect((await jar.sent()).map((line) => line.slice(0, 3))).toEqual(["a=1", "b=2"]);
  });

  it.each<[string, Parameters<Cookies["set"]>, string]>([
    ["a name that no cookie has", ["a b", "1"], "cookie name is invalid"],
    ["a name that would end the line", ["a\r\nX: y", "1"], "cookie name is invalid"],
    ["an empty name", ["", "1"], "cookie name is invalid"],
    ["a domain that is none", ["a", "1", { domain: "x;y" }], "cookie domain is invalid"],
    ["a path that adds an attribute", ["a", "1", { path: "/; Domain=x" }], "cookie path is invalid"],
    ["a time that is none", ["a", "1", { maxAge: 1.5 }], "cookie maxAge is invalid"],
    ["no text", ["a", 7 as unknown as string], "has a value that is no text"],
    [
      "__Host- with a domain",
      ["__Host-a", "1", { domain: "x.test" }],
      "has a Domain or a Path, which its name forbids",
    ],
    ["__Host- with a path", ["__host-a", "1", { path: "/p" }], "has a Domain or a Path, which its name forbids"],
    ["__Host- without Secure", ["__Host-a", "1", { secure: false }], "is not Secure, but its name needs it"],
    ["__Secure- without Secure", ["__Secure-a", "1", { secure: false }], "is not Secure, but its name needs it"],
    [
      "SameSite=None without Secure",
      ["a", "1", { sameSite: "none", secure: false }],
      "SameSite=None and Partitioned need it",
    ],
    [
      "more than browsers keep",
      ["a", "x".repeat(4096)],
      "has 4097 bytes of name and encoded value; browsers keep 4096",
    ],
    ["more than browsers keep, encoded", ["a", "ä".repeat(700)], "has 4201 bytes of name and encoded value"],
  ])("is refused with %s", async (_, args, message) => {
    const jar = jarOf();
    expect(() => jar.cookies.set(...args)).toThrow(
      expect.objectContaining({ code: "HANDLER", message: expect.stringContaining(message) }),
    );
    expect(await jar.sent()).toEqual([]);
  });

  it("is sent with the most that browsers keep", async () => {
    const jar = jarOf();
    jar.cookies.set("a", "x".repeat(4095));
    expect(await jar.sent()).toHaveLength(1);
  });

  it("is Secure where its name needs that, whatever the request came over", async () => {
    const jar = jarOf("", { isSecure: false });
    jar.cookies.set("__Host-a", "1");
    jar.cookies.set("__Secure-a", "1", { path: "/p", domain: "x.test" });
    expect(await jar.sent()).toEqual([
      "__Host-a=1; Path=/; HttpOnly; Secure; SameSite=Lax",
      "__Secure-a=1; Domain=x.test; Path=/p; HttpOnly; Secure; SameSite=Lax",
    ]);
  });
});

describe.each(["signed", "sealed"] as const)("a %s cookie", (kind) => {
  it("comes back, and not under another name", async () => {
    const jar = jarOf();
    jar.cookies[kind].set("user", "7; ü");
    const header = await returned(jar);
    expect(jarOf(header).cookies[kind].get("user")).toBe("7; ü");
    expect(jarOf(header.replace("user=", "admin=")).cookies[kind].get("admin")).toBeUndefined();
  });

  it("is nothing when it was changed, invented or left out", async () => {
    const jar = jarOf();
    jar.cookies[kind].set("user", "7");
    const header = await returned(jar);
    const last = header.at(-1) === "A" ? "B" : "A";
    for (const sent of [header.slice(0, -1) + last, "user=7", "user=", "", "user=7.AAAA"]) {
      expect(jarOf(sent).cookies[kind].get("user")).toBeUndefined();
    }
  });

  it("is understood after a change of secrets, until the old one is removed", async () => {
    const jar = jarOf("", { secrets: [OLDER] });
    jar.cookies[kind].set("user", "7");
    const header = await returned(jar);
    expect(jarOf(header, { secrets: [SECRET, OLDER] }).cookies[kind].get("user")).toBe("7");
    expect(jarOf(header, { secrets: [SECRET] }).cookies[kind].get("user")).toBeUndefined();
  });

  it("needs a secret, and says where to set one", () => {
    expect(() => jarOf("", { secrets: [] }).cookies[kind].set("a", "1")).toThrow(
      "there is no secret to sign or encrypt with",
    );
  });

  it(kind === "signed" ? "can be read by the client" : "cannot be read by the client", async () => {
    const jar = jarOf();
    jar.cookies[kind].set("user", "outstanding");
    expect((await returned(jar)).includes("outstanding")).toBe(kind === "signed");
  });
});
