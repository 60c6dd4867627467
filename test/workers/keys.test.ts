import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { Keys, lazyKeys } from "../../workers/keys.ts";

const OLD = "an older secret of 32 characters";
const NEW = "a newer secret, also long enough";
const keys = new Keys([NEW, OLD]);
const text = fc.string({ unit: "grapheme" });

/** Every text that differs from `token` in one character. */
function* tamperings(token: string): Generator<string> {
  for (let at = 0; at < token.length; at++) {
    for (const other of ["A", "B", "-", ".", "=", " "]) {
      if (token[at] !== other) yield token.slice(0, at) + other + token.slice(at + 1);
    }
    yield token.slice(0, at) + token.slice(at + 1);
  }
  for (const more of ["A", "=", " ", ".", "\n"]) {
    yield token + more;
    yield more + token;
  }
}

describe("signed values", () => {
  it("come back as they were, for the purpose that they were signed for", () => {
    fc.assert(
      fc.property(text, text, (purpose, value) => {
        expect(keys.unsign(purpose, keys.sign(purpose, value))).toBe(value);
      }),
    );
  });

  it("can be read by anyone: the value stands in front", () => {
    expect(keys.sign("cookie", "a.b")).toMatch(/^a\.b\.[A-Za-z0-9_-]{43}$/);
  });

  it("are worth nothing for another purpose", () => {
    expect(keys.unsign("session", keys.sign("cookie", "7"))).toBeUndefined();
    expect(keys.unsign("cookie ", keys.sign("cookie", "7"))).toBeUndefined();
  });

  it("are worth nothing when one character has changed", () => {
    const signed = keys.sign("cookie", "user=7");
    for (const tampered of tamperings(signed))
      expect([tampered, keys.unsign("cookie", tampered)]).toEqual([tampered, undefined]);
  });

  it("do not move the border between value and signature", () => {
    const signed = keys.sign("cookie", "a");
    expect(keys.unsign("cookie", `${signed}.${signed.slice(2)}`)).toBeUndefined();
  });

  it("do not hold what UTF-8 cannot: two of them would be signed alike", () => {
    expect(() => keys.sign("cookie", "\ud800")).toThrow(TypeError);
    const signed = keys.sign("cookie", "\ufffd");
    expect(keys.unsign("cookie", signed.replace("\ufffd", "\ud800"))).toBeUndefined();
  });
});

describe("sealed values", () => {
  it("come back as they were, and cannot be read", () => {
    fc.assert(
      fc.property(text, text, (purpose, value) => {
        expect(keys.unseal(purpose, keys.seal(purpose, value))).toBe(value);
      }),
    );
    const sealed = keys.seal("cookie", "a secret that stands out");
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain("stands out");
  });

  it("never look alike, so that equal ones cannot be recognised", () => {
    expect(new Set(Array.from({ length: 100 }, () => keys.seal("cookie", "same"))).size).toBe(100);
  });

  it("are worth nothing for another purpose, nor where a signature is wanted", () => {
    const sealed = keys.seal("cookie", "7");
    expect([keys.unseal("session", sealed), keys.unsign("cookie", sealed)]).toEqual([undefined, undefined]);
  });

  it("are worth nothing when one character has changed", () => {
    const sealed = keys.seal("cookie", "user=7");
    for (const tampered of tamperings(sealed)) {
      expect([tampered, keys.unseal("cookie", tampered)]).toEqual([tampered, undefined]);
    }
  });
});

describe("rotation of secrets", () => {
  it("the first one signs and encrypts; the others are still understood", () => {
    const before = new Keys([OLD]);
    expect(keys.unsign("p", before.sign("p", "v"))).toBe("v");
    expect(keys.unseal("p", before.seal("p", "v"))).toBe("v");
    expect(keys.sign("p", "v")).toBe(new Keys([NEW]).sign("p", "v"));
    expect(before.unsign("p", keys.sign("p", "v"))).toBeUndefined();
    expect(before.unseal("p", keys.seal("p", "v"))).toBeUndefined();
  });

  it("what a removed secret has signed is worth nothing any more", () => {
    const after = new Keys([NEW]);
    expect(after.unsign("p", new Keys([OLD]).sign("p", "v"))).toBeUndefined();
    expect(after.unseal("p", new Keys([OLD]).seal("p", "v"))).toBeUndefined();
  });

  it("more purposes than are remembered work as well", () => {
    const many = new Keys([NEW]);
    const signed = Array.from({ length: 300 }, (_, index) => many.sign(`cookie ${index}`, "v"));
    for (const [index, each] of signed.entries()) expect(many.unsign(`cookie ${index}`, each)).toBe("v");
  });
});

describe("what a client made up", () => {
  it("is undefined, whatever it is", () => {
    const nothing = (given: string): void => {
      expect([keys.unsign("p", given), keys.unseal("p", given)]).toEqual([undefined, undefined]);
    };
    fc.assert(fc.property(fc.string({ unit: "binary" }), nothing));
    fc.assert(fc.property(fc.base64String({ maxLength: 400 }), nothing));
    for (const given of ["", ".", "a.", `.${"A".repeat(43)}`, "\0", "é".repeat(44), "A".repeat(2 * 1024 * 1024)])
      nothing(given);
    for (const given of [undefined, null, 7, {}, []]) nothing(given as unknown as string);
  });
});

describe("a pool without a secret", () => {
  it("is told where to set one, when something is to be signed and not before", () => {
    const keysOf = lazyKeys([]);
    expect(keysOf).toThrow(Fault);
    expect(keysOf).toThrow("there is no secret");
  });

  it("with one, makes its keys once", () => {
    const keysOf = lazyKeys([NEW]);
    expect(keysOf()).toBe(keysOf());
  });
});
