import fc from "fast-check";
import type { Fault } from "../../../src/base/fault.ts";
import type { FormLimits } from "../../../src/messages/lane.ts";
import { readFormData } from "../../../workers/forms/form-data.ts";
import { FORM_LIMITS } from "../../support/form-limits.ts";

const TYPE = "application/x-www-form-urlencoded; charset=UTF-8";

function parse(body: string, limits: Partial<FormLimits> = {}, length = 1000): Promise<FormData> {
  const bytes = Buffer.from(body);
  let at = 0;
  const read = async (): Promise<Uint8Array | undefined> => {
    if (at >= bytes.length) return undefined;
    const piece = bytes.subarray(at, at + length);
    at += length;
    return piece;
  };
  return readFormData(read, TYPE, { ...FORM_LIMITS, ...limits });
}

async function faultOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no fault",
    (error: Fault) => `${error.status} ${error.message}`,
  );
}

describe("an urlencoded form [URL §5.1]", () => {
  it("is what URLSearchParams makes of it, in pieces of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[a-c=&%+0-9A-F;\r\n]*$/)),
        fc.integer({ min: 1, max: 9 }),
        async (body, length) => {
          expect([...(await parse(body, {}, length))]).toEqual([...new URLSearchParams(Buffer.from(body).toString())]);
        },
      ),
    );
  });

  it("keeps duplicates, empty names and values, and names that would be dangerous in an object", async () => {
    expect([...(await parse("a=1&a=2&b&=c&__proto__=x&constructor.prototype=y&&d=%zz"))]).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["b", ""],
      ["", "c"],
      ["__proto__", "x"],
      ["constructor.prototype", "y"],
      ["d", "%zz"],
    ]);
  });

  it("may be empty", async () => {
    expect([...(await parse(""))]).toEqual([]);
  });

  it.each<[string, string, Partial<FormLimits>, string]>([
    ["fields", "a&b&c", { fields: 2 }, "the form has more than 2 fields (form.fields)"],
    ["empty fields", "&".repeat(1000), {}, "the form has more than 1000 fields (form.fields)"],
    [
      "a field's length",
      "a=%31%32345",
      { fieldBytes: 4 },
      'the form has more than 4 bytes in field "a" (form.field_limit)',
    ],
    [
      "a name's length",
      "%C3%A4%C3%A4=",
      { nameBytes: 3 },
      "the form has a field whose name is longer than 3 bytes (form.name_limit)",
    ],
    [
      "memory",
      `a=${"x".repeat(2000)}`,
      { memoryBytes: 1024 },
      "the form is longer than 1024 bytes (form.memory_limit)",
    ],
  ])("refuses too much with 413 and the option: %s", async (_, body, limits, message) => {
    expect(await faultOf(parse(body, limits))).toBe(`413 ${message}`);
  });

  it("takes what just fits", async () => {
    expect(await faultOf(parse("%C3%A4=1234&b=", { fields: 2, fieldBytes: 4, nameBytes: 2 }))).toBe("no fault");
    expect(await faultOf(parse("&".repeat(999), { fields: 1000 }))).toBe("no fault");
  });
});
