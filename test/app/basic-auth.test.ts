import { basicAuth, basicCredentials, sameSecret, unauthorized } from "../../src/index.ts";

const asked = (authorization?: string): Request =>
  new Request("http://x/", authorization === undefined ? {} : { headers: { authorization } });
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");

describe("Basic credentials [RFC 7617 §2]", () => {
  it.each([
    ["ada:lovelace", { user: "ada", password: "lovelace" }],
    ["ada:with:colons:", { user: "ada", password: "with:colons:" }],
    [":", { user: "", password: "" }],
    ["Jürgen:geheim €", { user: "Jürgen", password: "geheim €" }],
  ])("of %s", (text, credentials) => {
    expect(basicCredentials(asked(`Basic ${base64(text)}`))).toEqual(credentials);
    expect(basicCredentials(asked(`bAsIc   ${base64(text).replace(/=+$/, "")}`))).toEqual(credentials);
  });

  it.each([
    ["no header", undefined],
    ["another scheme", 'Digest username="ada", realm="x"'],
    ["a token", `Bearer ${base64("ada:lovelace")}`],
    ["no credentials", "Basic"],
    ["empty credentials", "Basic "],
    ["no colon", `Basic ${base64("ada")}`],
    ["no base64", "Basic ada:lovelace"],
    ["base64 with something in it", `Basic ${base64("ada:lovelace").replace(/^./, "$&!")}`],
    ["base64 whose last bits are not zero", "Basic YTp="],
    ["base64url", `Basic ${base64("ada:???>>>").replace("/", "_").replace("+", "-")}`],
    ["something after it", `Basic ${base64("ada:lovelace")} x`],
    ["control characters", `Basic ${base64("ada:love\nlace")}`],
    ["NUL", `Basic ${base64("ada\0:x")}`],
    ["bytes that are no UTF-8", `Basic ${base64(new Uint8Array([0x61, 0x3a, 0xff]))}`],
    ["more than a header holds", `Basic ${base64("a:".padEnd(9000, "x"))}`],
  ])("are none with %s", (_what, header) => {
    expect(basicCredentials(asked(header))).toBeUndefined();
  });
});

describe("sameSecret", () => {
  it("compares texts of any length", () => {
    expect([sameSecret("abc", "abc"), sameSecret("abc", "abd"), sameSecret("abc", "abcd")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("takes an empty one for none, as of a variable that is not set", () => {
    expect([sameSecret("", ""), sameSecret("", "abc")]).toEqual([false, false]);
  });
});

describe("unauthorized", () => {
  it("asks for name and password, and is not kept", () => {
    const { status, headers } = unauthorized("Staff only");
    expect([status, headers.get("www-authenticate"), headers.get("cache-control")]).toEqual([
      401,
      'Basic realm="Staff only", charset="UTF-8"',
      "no-store",
    ]);
  });

  it.each(['a"b', "a\\b", "a\nb", "ä"])("refuses the realm %j", (realm) => {
    expect(() => unauthorized(realm)).toThrow(TypeError);
    expect(() => basicAuth({ realm, verify: () => true })).toThrow(TypeError);
  });
});

describe("basicAuth", () => {
  const ctxOf = (): { user: unknown } => ({ user: undefined });

  it.each([
    [true, "ada"],
    [{ id: 7 }, { id: 7 }],
  ])("sets ctx.user when verify returns %j", async (verified, user) => {
    const ctx = ctxOf();
    const phase = basicAuth({ realm: "x", verify: async () => verified });
    expect(await phase(asked(`Basic ${base64("ada:x")}`), ctx)).toBeUndefined();
    expect(ctx.user).toEqual(user);
  });

  it.each([undefined, null, false, 0, ""])("answers 401 when it returns %j", async (verified) => {
    const ctx = ctxOf();
    const phase = basicAuth({ realm: "x", verify: () => verified });
    expect((await phase(asked(`Basic ${base64("ada:x")}`), ctx))?.status).toBe(401);
    expect(ctx.user).toBeUndefined();
  });

  it("answers 401 without asking where there are no credentials", async () => {
    const phase = basicAuth({
      realm: "x",
      verify: () => {
        throw new Error("asked");
      },
    });
    expect((await phase(asked("Digest x"), ctxOf()))?.status).toBe(401);
  });
});
