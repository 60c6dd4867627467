import { encodeNameValues, inspectNameValues, Params } from "../../src/fastcgi/name-values.ts";

describe("name-value pairs [FCGI §3.4]", () => {
  it.each<[string, [string, string], string]>([
    ["both short", ["A", "bc"], "01 02 41 6263"],
    ["an empty value", ["A", ""], "01 00 41"],
    ["an empty name", ["", "b"], "00 01 62"],
    ["a value of 127 bytes", ["A", "v".repeat(127)], `01 7f 41 ${"76".repeat(127)}`],
    ["a value of 128 bytes", ["A", "v".repeat(128)], `01 80000080 41 ${"76".repeat(128)}`],
    ["a name of 128 bytes", ["N".repeat(128), ""], `80000080 00 ${"4e".repeat(128)}`],
    [
      "a long name and a long value",
      ["N".repeat(200), "v".repeat(70_000)],
      `800000c8 80011170 ${"4e".repeat(200)}${"76".repeat(70_000)}`,
    ],
    ["text, as UTF-8", ["A", "é"], "01 02 41 c3a9"],
  ])("are written and read: %s", (_title, pair, hex) => {
    const bytes = encodeNameValues([pair]);
    expect(bytes.toString("hex")).toBe(hex.replaceAll(" ", ""));
    expect(new Params(bytes).getUtf8(pair[0])).toBe(pair[1]);
    expect(inspectNameValues(bytes, 1)).toBe(1);
  });

  it("are counted without looking into them", () => {
    expect(inspectNameValues(Buffer.alloc(0), 0)).toBe(0);
    expect(
      inspectNameValues(
        encodeNameValues([
          ["A", "1"],
          ["A", "2"],
          ["", ""],
        ]),
        3,
      ),
    ).toBe(3);
  });

  it("beyond the allowed count are a LIMIT fault of status 431", () => {
    const bytes = encodeNameValues([
      ["A", "1"],
      ["B", "2"],
    ]);
    expect(() => inspectNameValues(bytes, 1)).toThrow(expect.objectContaining({ code: "LIMIT", status: 431 }));
  });

  it.each([
    ["after a name's length", "05"],
    ["in a length of four bytes", "80 00 00"],
    ["in the second length", "01 80 00 00"],
    ["in a name", "05 00 41"],
    ["in a value", "01 05 41 62"],
    ["behind a good pair", "01 01 41 62 01 05 41"],
    ["with lengths beyond all memory", "ff ff ff ff ff ff ff ff"],
  ])("that are cut %s are a PROTOCOL fault, whoever reads them", (_title, hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    const truncated = expect.objectContaining({ code: "PROTOCOL" });
    expect(() => inspectNameValues(bytes, 10)).toThrow(truncated);
    expect(() => new Params(bytes).get("A")).toThrow(truncated);
    expect(() => [...new Params(bytes).entries()]).toThrow(truncated);
  });
});

describe("the parameters of a request", () => {
  const params = Params.from([
    ["REQUEST_METHOD", "GET"],
    ["HTTP_X", "first"],
    ["BYTES", Buffer.from([0, 0xe9, 0xff])],
    ["HTTP_X", "last"],
    ["__proto__", "p"],
    ["constructor", ""],
  ]);

  it("give the last of several values, as an environment does, and all of them on demand", () => {
    expect(params.get("HTTP_X")).toBe("last");
    expect(params.getAll("HTTP_X")).toEqual(["first", "last"]);
    expect(params.getAll("HTTP_Y")).toEqual([]);
  });

  it("give one char per byte, or text, or the bytes", () => {
    expect(params.get("BYTES")).toBe("\u0000\u00e9\u00ff");
    expect(params.getUtf8("BYTES")).toBe("\u0000\ufffd\ufffd");
    expect(params.getBytes("BYTES")).toEqual(Buffer.from([0, 0xe9, 0xff]));
  });

  it("know what is not there", () => {
    for (const name of ["", "REQUEST", "REQUEST_METHOD_", "request_method", "toString"]) {
      expect([params.get(name), params.getUtf8(name), params.getBytes(name), params.has(name)]).toEqual([
        undefined,
        undefined,
        undefined,
        false,
      ]);
    }
  });

  it("have no names that mean something by themselves", () => {
    expect(params.get("__proto__")).toBe("p");
    expect(params.has("constructor")).toBe(true);
    expect(Params.from([]).has("__proto__")).toBe(false);
  });

  it("list all pairs as they were sent, or those with a prefix", () => {
    expect(params.size).toBe(6);
    expect([...params.entries()].map(([name]) => name)).toEqual([
      "REQUEST_METHOD",
      "HTTP_X",
      "BYTES",
      "HTTP_X",
      "__proto__",
      "constructor",
    ]);
    expect(params.withPrefix("HTTP_")).toEqual([
      ["HTTP_X", "first"],
      ["HTTP_X", "last"],
    ]);
    expect(Params.from([["H", ""]]).withPrefix("HTTP_")).toEqual([]);
  });

  it("do not mistake a char for its low byte", () => {
    expect(Params.from([["A", "1"]]).get("\u0141")).toBeUndefined();
  });
});
