// multipart/form-data [RFC 7578] as the worker reads it, against Node's own parser, in pieces of any
// size, and against those who mean harm.

import fc from "fast-check";
import type { Fault } from "../../../src/base/fault.ts";
import type { FormLimits } from "../../../src/messages/lane.ts";
import { readFormData } from "../../../workers/forms/form-data.ts";
import { MultipartReader } from "../../../workers/forms/multipart.ts";
import { FORM_LIMITS } from "../../support/form-limits.ts";

const BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

interface Written {
  readonly head: string;
  readonly content: string | Buffer;
}

const field = (name: string, content: string | Buffer): Written => ({
  head: `Content-Disposition: form-data; name="${name}"`,
  content,
});

const file = (name: string, filename: string, content: string | Buffer, type = "image/png"): Written => ({
  head: `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}`,
  content,
});

function bodyOf(parts: readonly Written[], end = `--${BOUNDARY}--\r\n`): Buffer {
  return Buffer.concat([
    ...parts.flatMap(({ head, content }) => [
      Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from("\r\n"),
    ]),
    Buffer.from(end),
  ]);
}

/** A body in pieces of these lengths, the last one again and again. */
function inPieces(body: Buffer, lengths: readonly number[] = [64 * 1024]): () => Promise<Uint8Array | undefined> {
  let at = 0;
  let index = 0;
  return async () => {
    if (at >= body.length) return undefined;
    const length = lengths[Math.min(index++, lengths.length - 1)] ?? 1;
    const piece = body.subarray(at, at + length);
    at += length;
    return piece;
  };
}

const parse = (body: Buffer, lengths?: readonly number[], limits: Partial<FormLimits> = {}, type = TYPE) =>
  readFormData(inPieces(body, lengths), type, { ...FORM_LIMITS, ...limits });

async function entriesOf(form: FormData): Promise<unknown[]> {
  return Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === "string"
        ? [name, value]
        : [name, value.name, value.type, Buffer.from(await value.arrayBuffer()).toString("latin1")],
    ),
  );
}

async function faultOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no fault",
    (error: Fault) => `${error.status} ${error.message}`,
  );
}

describe("a multipart form", () => {
  it("has its fields and files in their order, duplicates too", async () => {
    const form = await parse(
      bodyOf([field("a", "1"), file("f", "x.png", "\x89PNG"), field("a", "2"), field("", "no name")]),
    );
    expect(await entriesOf(form)).toEqual([
      ["a", "1"],
      ["f", "x.png", "image/png", "\xc2\x89PNG"],
      ["a", "2"],
      ["", "no name"],
    ]);
    expect(form.getAll("a")).toEqual(["1", "2"]);
  });

  it("is what Node's own parser makes of it, in pieces of any size", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 });
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom("\r", "\n", "\r\n", "--", "\r\n--", `\r\n--${BOUNDARY.slice(0, -1)}`, `--${BOUNDARY}`, "\0", "")
        .map((edge) => Buffer.from(`${edge}x${edge}`)),
    );
    const entry = fc.oneof(
      fc.tuple(
        text,
        text.map((value) => value as string | File),
      ),
      fc.tuple(
        text,
        // Node does not shorten names of files; we do, and that is tested below.
        fc
          .tuple(content, fc.stringMatching(/^[a-z 0-9äß"%]{1,20}\.[a-z]{1,4}$/), fc.constantFrom("text/html", "a/b"))
          .map(([bytes, name, type]): string | File => new File([new Uint8Array(bytes)], name.trim(), { type })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        async (entries, lengths) => {
          const original = new FormData();
          for (const [name, value] of entries) original.append(name, value as string);
          const sent = new Response(original);
          const type = sent.headers.get("content-type") ?? "";
          const body = Buffer.from(await sent.arrayBuffer());
          const native = await new Response(body, { headers: { "content-type": type } }).formData();
          const ours = await parse(body, lengths, {}, type);
          expect(await entriesOf(ours)).toEqual(await entriesOf(native as FormData));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("may be cut into pieces at every byte", async () => {
    const body = bodyOf([field("a", "1\r\n-"), file("f", "x", "\r\r\n--\r")]);
    const whole = await entriesOf(await parse(body));
    for (let at = 1; at < body.length; at++) {
      expect(await entriesOf(await parse(body, [at, body.length]))).toEqual(whole);
    }
  });

  it.each([65_366, 65_367, 65_368, 65_369, 65_535, 65_536])(
    "keeps a carriage return before the boundary, and content of %d bytes (where mod_python lost it)",
    async (length) => {
      const content = Buffer.alloc(length, "x");
      content[length - 1] = 13;
      const form = await parse(bodyOf([file("f", "x", content), field("after", "\r")]), [65_536]);
      const read = form.get("f") as File;
      expect(Buffer.from(await read.arrayBuffer()).equals(content)).toBe(true);
      expect(form.get("after")).toBe("\r");
    },
  );

  it("has text as UTF-8 whatever a part claims [Fetch §5.2]", async () => {
    const claimed = { head: `${field("a", "").head}\r\nContent-Type: text/plain; charset=iso-8859-1`, content: "é" };
    const broken = field("b", Buffer.from([0xff, 0x41]));
    expect(await entriesOf(await parse(bodyOf([claimed, broken, field("ä", "\ufeffx")])))).toEqual([
      ["a", "é"],
      ["b", "\ufffdA"],
      ["ä", "\ufeffx"],
    ]);
  });

  it("takes names that would be dangerous in an object as what they are", async () => {
    const names = ["__proto__", "constructor[prototype][x]", "hasOwnProperty", "toString", "then", "length", "a[b][]"];
    const form = await parse(bodyOf(names.map((name) => field(name, "x"))));
    expect([...form.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("has quotes and line breaks of a name as the browser wrote them [HTML §4.10.21.8]", async () => {
    const form = await parse(bodyOf([field("a%22b%0D%0Ac%25", "x"), file("f", "q%22.png", "x")]));
    expect([...form.keys()]).toEqual(['a"b\r\nc%25', "f"]);
    expect((form.get("f") as File).name).toBe('q".png');
  });

  it.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\me\\photo.png", "photo.png"],
    ["/absolute.ts", "absolute.ts"],
    ["..", ""],
    ["a\0b\x1b[31m.txt", "ab[31m.txt"],
    ["line%0D%0Abreak: x", "linebreak: x"],
    ["\u202egnp.exe", "gnp.exe"],
    [`${"ä".repeat(200)}.png`, `${"ä".repeat(125)}.png`],
    ["", ""],
  ])("gives %j as the file name's last part: %j", async (given, expected) => {
    const form = await parse(bodyOf([file("f", given, "x")]));
    expect((form.get("f") as File).name).toBe(expected);
  });

  it("reads filename* where a client sends it, against RFC 7578 §4.2, and nothing of its path", async () => {
    const head = "Content-Disposition: form-data; name=f; filename*=UTF-8''..%2f%e2%82%ac.txt";
    const form = await parse(bodyOf([{ head, content: "x" }]));
    expect((form.get("f") as File).name).toBe("€.txt");
  });

  it.each([
    ["form-data; name=a; filename=b.txt", "a", "b.txt"],
    ["FORM-DATA;NAME=a ; FileName=b.txt ", "a", "b.txt"],
    ['form-data; filename="b; name=c.txt"; name="a"', "a", "b; name=c.txt"],
    ['form-data; name="a\\"b\\\\c"; filename="x"', 'a"b\\c', "x"],
    ["form-data; name=a; filename=x; filename*=iso-8859-1'en'%e4.txt", "a", "ä.txt"],
    ["form-data; name*=UTF-8''%c3%a4; filename*=b.txt", "ä", "b.txt"],
    ['form-data; name=""; filename="', "", ""],
    ["form-data;\r\n name=a;\r\n\tfilename=b", "a", "b"],
  ])("reads %j", async (disposition, name, filename) => {
    const form = await parse(bodyOf([{ head: `Content-Disposition: ${disposition}`, content: "x" }]), [5]);
    expect(await entriesOf(form)).toEqual([[name, filename, "text/plain", "x"]]);
  });

  it("has an empty file where none was chosen, as the standard has it", async () => {
    const form = await parse(bodyOf([file("f", "", "", "application/octet-stream")]));
    expect(await entriesOf(form)).toEqual([["f", "", "application/octet-stream", ""]]);
  });

  it("may have a preamble, an epilogue, a quoted boundary, or no part", async () => {
    const body = Buffer.concat([Buffer.from("preamble\r\n"), bodyOf([field("a", "1")]), Buffer.from("\r\nepilogue")]);
    expect(await entriesOf(await parse(body))).toEqual([["a", "1"]]);
    expect(
      await entriesOf(await parse(body, [1], {}, `Multipart/Form-Data; charset=x; boundary="${BOUNDARY}"`)),
    ).toEqual([["a", "1"]]);
    expect(await entriesOf(await parse(bodyOf([])))).toEqual([]);
  });
});

describe("a multipart form that is none is a 400", () => {
  const whole = bodyOf([field("a", "1"), file("f", "x", "content")]);

  it("wherever its body ends early", async () => {
    for (let length = 0; length < whole.length - 4; length++) {
      expect([length, await faultOf(parse(whole.subarray(0, length), [7]))]).toEqual([
        length,
        "400 the form cannot be read: it ends before its last boundary",
      ]);
    }
  });

  it.each([
    ["no boundary", "multipart/form-data", "its Content-Type has no boundary"],
    ["an empty one", 'multipart/form-data; boundary=""', "its Content-Type has no boundary"],
    ["one with a line break", 'multipart/form-data; boundary="a\r\nb"', "the boundary in its Content-Type is none"],
    ["one that ends with a space", 'multipart/form-data; boundary="a "', "the boundary in its Content-Type is none"],
    [
      "one of 5,000 characters",
      `multipart/form-data; boundary=${"x".repeat(5000)}`,
      "the boundary in its Content-Type is none",
    ],
  ])("with %s", async (_, type, message) => {
    expect(await faultOf(parse(whole, undefined, {}, type))).toBe(`400 the form cannot be read: ${message}`);
  });

  it.each([1, 70, 71, 200])("but a boundary of %d characters is one", async (length) => {
    const boundary = "b".repeat(length);
    const body = Buffer.from(
      bodyOf([field("a", "1")])
        .toString()
        .replaceAll(BOUNDARY, boundary),
    );
    expect(await entriesOf(await parse(body, [3], {}, `multipart/form-data; boundary=${boundary}`))).toEqual([
      ["a", "1"],
    ]);
  });

  const disposition = field("a", "").head;
  it.each<[string, string, string]>([
    ["no name", "Content-Disposition: form-data", "has no name"],
    ["no Content-Disposition", "Content-Type: text/plain", "has no Content-Disposition"],
    [
      "another Content-Disposition",
      'Content-Disposition: file; name="a"',
      "has a Content-Disposition that is not form-data",
    ],
    ["a line that is none before it", `nonsense\r\n${disposition}`, "has no Content-Disposition"],
    ["a space behind its boundary", ` \r\n${disposition}`, "has no Content-Disposition"],
    ["20 lines before it", `${"X: y\r\n".repeat(20)}${disposition}`, "has more than 20 header lines"],
    ["100,000 lines", `${"X: y\r\n".repeat(100_000)}${disposition}`, "has more than 20 header lines"],
    [
      "a line that is too long",
      `X: ${"y".repeat(1024 * 1024)}\r\n${disposition}`,
      "has more than 9216 bytes of header lines",
    ],
  ])("with a part that has %s [RFC 7578 §4.2]", async (_, head, what) => {
    // Never passed over: its sender would take it for received.
    const body = bodyOf([field("before", "1"), { head, content: "x" }, field("after", "2")]);
    expect(await faultOf(parse(body))).toBe(`400 the form cannot be read: a part of it ${what}`);
    const small = Math.ceil(body.length / 1000);
    expect(await faultOf(parse(body, [small]))).toBe(`400 the form cannot be read: a part of it ${what}`);
  });

  it("with a part that is nothing but its lines", async () => {
    for (const end of [
      `\r\n--${BOUNDARY}--\r\n`,
      `--${BOUNDARY}--\r\n`,
      `\r\n${bodyOf([field("b", "")]).toString()}`,
    ]) {
      for (const lengths of [[64 * 1024], [1]]) {
        const body = Buffer.concat([
          bodyOf([field("a", "1")], ""),
          Buffer.from(`--${BOUNDARY}\r\n${disposition}${end}`),
        ]);
        expect(await faultOf(parse(body, lengths))).toMatch(
          /^400 the form cannot be read: (?:a part of it has no empty|it ends)/,
        );
      }
    }
  });

  it("but 19 lines before its Content-Disposition are read", async () => {
    const head = `${"X: y\r\n".repeat(19)}${disposition}`;
    expect(await entriesOf(await parse(bodyOf([{ head, content: "x" }])))).toEqual([["a", "x"]]);
  });

  it("never anything else, whatever the bytes are", async () => {
    const noise = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
        fc
          .constantFrom(`--${BOUNDARY}`, "\r\n", "--", field("a", "").head, "\r\n\r\n", ":", "filename*=''%", '"')
          .map((text) => Buffer.from(text)),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(noise, fc.integer({ min: 1, max: 40 }), async (pieces, length) => {
        const outcome = await faultOf(parse(Buffer.concat(pieces), [length]));
        expect(outcome).toMatch(/^(no fault|400 the form cannot be read: )/);
      }),
      { numRuns: 300 },
    );
  });

  it("is a 415 where the body is no form at all", async () => {
    expect(await faultOf(parse(whole, undefined, {}, "application/json"))).toBe(
      `415 the request's body is no form: it is "application/json"`,
    );
    expect(await faultOf(readFormData(inPieces(whole), undefined, FORM_LIMITS))).toBe(
      "415 the request's body is no form: it has no Content-Type",
    );
  });

  it("fails with what broke the body, where its sender left", async () => {
    const gone = new Error("client-gone");
    const pieces = [whole.subarray(0, 60), gone];
    const read = async (): Promise<Uint8Array | undefined> => {
      const piece = pieces.shift();
      if (piece instanceof Error) throw piece;
      return piece;
    };
    await expect(readFormData(read, TYPE, FORM_LIMITS)).rejects.toBe(gone);
  });
});

describe("a limit of a multipart form is a 413 with its option", () => {
  it.each<[string, readonly Written[], Partial<FormLimits>, string]>([
    [
      "fields",
      [field("a", ""), field("b", ""), field("c", "")],
      { fields: 2 },
      "the form has more than 2 fields (form.fields)",
    ],
    ["files", [file("a", "a", ""), file("b", "b", "")], { files: 1 }, "the form has more than 1 files (form.files)"],
    [
      "a field's length",
      [field("a", "12345")],
      { fieldBytes: 4 },
      'the form has more than 4 bytes in field "a" (form.field_limit)',
    ],
    [
      "a name's length",
      [field("ää", "")],
      { nameBytes: 3 },
      "the form has a field whose name is longer than 3 bytes (form.name_limit)",
    ],
    [
      "a name's length, far beyond",
      [field("a".repeat(20_000), "")],
      { nameBytes: 3 },
      "the form has a field whose name is longer than 3 bytes (form.name_limit)",
    ],
    [
      "a file's length",
      [file("f", "x", "12345")],
      { fileBytes: 4 },
      'the form has a file of more than 4 bytes in field "f" (form.file_limit)',
    ],
    [
      "memory",
      [file("f", "x", Buffer.alloc(2000))],
      { memoryBytes: 1024 },
      "the form takes more than 1024 bytes of memory (form.memory_limit)",
    ],
    [
      "memory of empty fields",
      Array.from({ length: 10 }, () => field("a", "")),
      { memoryBytes: 1024 },
      "the form takes more than 1024 bytes of memory (form.memory_limit)",
    ],
  ])("%s", async (_, parts, limits, message) => {
    expect(await faultOf(parse(bodyOf(parts), undefined, limits))).toBe(`413 ${message}`);
    expect(await faultOf(parse(bodyOf(parts), [5], limits))).toBe(`413 ${message}`);
  });

  it("is not passed by what just fits", async () => {
    const form = bodyOf([field("ab", "1234"), file("f", "x", "12345")]);
    const limits = { fields: 1, files: 1, fieldBytes: 4, nameBytes: 2, fileBytes: 5 };
    expect(await faultOf(parse(form, undefined, limits))).toBe("no fault");
  });

  it("stops reading: of a million empty parts it takes the first thousand", async () => {
    const part = Buffer.from(`--${BOUNDARY}\r\n${field("a", "").head}\r\n\r\n\r\n`);
    const piece = Buffer.concat(Array.from({ length: 500 }, () => part));
    let pieces = 0;
    const endless = async (): Promise<Uint8Array> => {
      pieces += 1;
      return piece;
    };
    expect(await faultOf(readFormData(endless, TYPE, FORM_LIMITS))).toContain("(form.fields)");
    expect(pieces).toBeLessThanOrEqual(4);
  });
});

describe("the reader of parts", () => {
  const reader = (body: Buffer, lengths?: readonly number[]): MultipartReader =>
    new MultipartReader(inPieces(body, lengths), BOUNDARY, FORM_LIMITS);

  it("reads no more of the body than is asked for", async () => {
    const body = bodyOf([file("f", "x", Buffer.alloc(1024 * 1024)), field("after", "1")]);
    let taken = 0;
    const source = inPieces(body, [16 * 1024]);
    const parts = new MultipartReader(
      async () => {
        const piece = await source();
        taken += piece?.length ?? 0;
        return piece;
      },
      BOUNDARY,
      FORM_LIMITS,
    );
    const part = await parts.next();
    expect(taken).toBe(16 * 1024);
    await part?.read();
    await part?.read();
    await part?.read();
    expect(taken).toBeLessThanOrEqual(64 * 1024);
  });

  it("passes over what was left of a part", async () => {
    const parts = reader(bodyOf([file("f", "x", Buffer.alloc(300_000)), field("after", "1")]), [10_000]);
    const first = await parts.next();
    await first?.read();
    const second = await parts.next();
    expect(second?.name).toBe("after");
    expect((await second?.read())?.toString()).toBe("1");
    expect(await second?.read()).toBeUndefined();
    expect(await parts.next()).toBeUndefined();
    await expect(first?.read()).rejects.toThrow("after the next one was asked for");
  });

  it("ends again and again", async () => {
    const parts = reader(bodyOf([field("a", "")]));
    const part = await parts.next();
    expect([await part?.read(), await part?.read(), await parts.next(), await parts.next()]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it("may be asked twice at once", async () => {
    const parts = reader(bodyOf([file("f", "x", Buffer.alloc(100_000, "x"))]), [1000]);
    const part = await parts.next();
    let length = 0;
    const drain = async (): Promise<void> => {
      for (let piece = await part?.read(); piece !== undefined; piece = await part?.read()) length += piece.length;
    };
    await Promise.all([drain(), drain()]);
    expect(length).toBe(100_000);
  });

  it("goes on failing once it has failed", async () => {
    const parts = reader(bodyOf([field("a", "1")], ""));
    await parts.next();
    await expect(parts.next()).rejects.toThrow("ends before its last boundary");
    await expect(parts.next()).rejects.toThrow("ends before its last boundary");
  });
});
