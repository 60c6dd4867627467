// Parts of a form one by one: how each is read, and what is refused. To disk through Apache:
// test/promises/uploads.test.ts.

import { readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { UploadOptions, UploadPart, UploadProgress } from "../../../src/app/uploads.ts";
import { SavedFiles, saveFile } from "../../../workers/forms/save.ts";
import { uploadParts } from "../../../workers/forms/uploads.ts";
import { FORM_LIMITS } from "../../support/form-limits.ts";
import { tempDirs } from "../../support/temp-dir.ts";

const FORM = "application/x-www-form-urlencoded";

interface Uploading {
  readonly options?: UploadOptions;
  readonly memoryBytes?: number;
  readonly contentLength?: number;
  readonly pieceBytes?: number;
  readonly saved?: SavedFiles;
}

function partsOf(body: Buffer, contentType: string | undefined, uploading: Uploading = {}): AsyncGenerator<UploadPart> {
  const {
    options = {},
    memoryBytes = 1000,
    contentLength,
    pieceBytes = 64 * 1024,
    saved = new SavedFiles(),
  } = uploading;
  let at = 0;
  const read = async (): Promise<Uint8Array | undefined> => {
    if (at >= body.length) return undefined;
    const piece = body.subarray(at, at + pieceBytes);
    at += pieceBytes;
    return piece;
  };
  return uploadParts({ read, contentType, contentLength, limits: { ...FORM_LIMITS, memoryBytes }, saved }, options);
}

/** The parts of what a browser would send. */
async function* sent(
  entries: readonly (readonly [string, string | File])[],
  uploading: Uploading = {},
): AsyncGenerator<UploadPart> {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value as string);
  const reply = new Response(form);
  yield* partsOf(Buffer.from(await reply.arrayBuffer()), reply.headers.get("content-type") ?? undefined, uploading);
}

const file = (length: number, name = "a.bin"): File =>
  new File([Buffer.alloc(length, "x")], name, { type: "image/png" });

async function first(parts: AsyncGenerator<UploadPart>): Promise<UploadPart> {
  const { value, done } = await parts.next();
  if (done === true) throw new Error("no part");
  return value;
}

describe("a part of an upload", () => {
  it("tells what it is before it is read", async () => {
    const seen: unknown[] = [];
    for await (const { kind, name, filename, type } of sent([
      ["a", "1"],
      ["f", file(5)],
    ])) {
      seen.push({ kind, name, filename, type });
    }
    expect(seen).toEqual([
      { kind: "field", name: "a", filename: undefined, type: "text/plain" },
      { kind: "file", name: "f", filename: "a.bin", type: "image/png" },
    ]);
  });

  it("is read as text, bytes or a stream, in pieces that share no memory", async () => {
    expect(await (await first(sent([["a", "grün"]]))).text()).toBe("grün");
    const bytes = await (await first(sent([["f", file(500)]], { pieceBytes: 100 }))).bytes();
    expect([bytes.length, bytes.buffer.byteLength, bytes[499]]).toEqual([500, 500, 120]);
    const { stream } = await first(sent([["f", file(100_000)]], { pieceBytes: 30_000 }));
    let length = 0;
    for await (const piece of stream) {
      expect(piece.buffer.byteLength).toBe(piece.length);
      length += piece.length;
    }
    expect(length).toBe(100_000);
  });

  it("is read once", async () => {
    const part = await first(sent([["a", "1"]]));
    await part.text();
    await expect(part.bytes()).rejects.toThrow("this part of the form was already read");
    expect(() => part.stream).toThrow("this part of the form was already read");
    await expect(part.saveTo("/none")).rejects.toThrow("this part of the form was already read");
  });

  it("does not fit into memory beyond the pool's limit", async () => {
    const refused = { status: 413, message: "the form takes more than 1000 bytes of memory (form.memory_limit)" };
    await expect((await first(sent([["f", file(1001)]]))).bytes()).rejects.toMatchObject(refused);
    expect((await (await first(sent([["f", file(1000)]]))).bytes()).length).toBe(1000);
  });

  it("has an urlencoded form's fields, too, and an upload may have no part", async () => {
    const texts: string[] = [];
    for await (const part of partsOf(Buffer.from("a=1&b=%C3%BC&a="), FORM))
      texts.push(`${part.name}=${await part.text()}`);
    expect(texts).toEqual(["a=1", "b=ü", "a="]);
    expect((await partsOf(Buffer.from(""), FORM).next()).done).toBe(true);
  });

  it("is none where no file was chosen; one without a name is a file if it has bytes", async () => {
    // As browsers write it; Node's own FormData leaves an empty name out.
    const part = (name: string, filename: string, content: string): string =>
      `--B\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n${content}\r\n`;
    const body = `${part("none", "", "")}${part("nameless", "", "x")}${part("empty", "e.txt", "")}--B--\r\n`;
    const kinds: unknown[] = [];
    for await (const one of partsOf(Buffer.from(body), "multipart/form-data; boundary=B", { pieceBytes: 9 })) {
      kinds.push([one.kind, one.name, one.filename, await one.text()]);
    }
    expect(kinds).toEqual([
      ["file", "nameless", "", "x"],
      ["file", "empty", "e.txt", ""],
    ]);
  });

  it("may be refused by limits of its request, whose pool allows it", async () => {
    const cases: [UploadOptions, string][] = [
      [{ files: 0 }, "form.files"],
      [{ fileLimit: 9 }, "form.file_limit"],
      [{ fields: 0 }, "form.fields"],
      [{ fieldLimit: 1 }, "form.field_limit"],
      [{ nameLimit: 1 }, "form.name_limit"],
    ];
    for (const [options, limit] of cases) {
      const reading = (async () => {
        for await (const part of sent(
          [
            ["ab", "12"],
            ["f", file(10)],
          ],
          { options },
        ))
          await part.bytes();
      })();
      await expect(reading).rejects.toMatchObject({ status: 413, message: expect.stringContaining(`(${limit})`) });
    }
  });

  it("has a part that does not say what it is: 400, after those before it", async () => {
    const body =
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Type: a/b\r\n\r\n2\r\n--b--\r\n';
    const parts = partsOf(Buffer.from(body), "multipart/form-data; boundary=b", { pieceBytes: 60 });
    expect(await (await first(parts)).text()).toBe("1");
    await expect(parts.next()).rejects.toMatchObject({
      status: 400,
      message: "the form cannot be read: a part of it has no Content-Disposition",
    });
  });

  it("is no form: 415", async () => {
    await expect(first(partsOf(Buffer.from("{}"), "application/json"))).rejects.toMatchObject({ status: 415 });
  });
});

describe("progress of an upload", () => {
  it("is told after each piece, with the length where the client has told it", async () => {
    for (const contentLength of [3000, undefined]) {
      const told: UploadProgress[] = [];
      const parts = sent([["f", file(2000)]], {
        pieceBytes: 1000,
        ...(contentLength === undefined ? {} : { contentLength }),
        options: { progress: (now) => told.push(now) },
      });
      for await (const part of parts) for await (const _piece of part.stream);
      expect(told[0]).toEqual({ received: 1000, total: contentLength });
      expect(told.length).toBe(3);
    }
  });

  it("may end it", async () => {
    const progress = (): void => {
      throw new Error("enough");
    };
    await expect(first(sent([["f", file(2000)]], { options: { progress } }))).rejects.toThrow("enough");
  });
});

describe("saving a part", () => {
  const newDir = tempDirs();

  it("never follows a link that somebody has put there: it replaces it", async () => {
    const dir = newDir();
    const victim = dir.write("victim", "safe");
    symlinkSync(victim, join(dir.path, "target"));
    const { path, size } = await (await first(sent([["f", file(5)]]))).saveTo(join(dir.path, "target"));
    expect([path, size, readFileSync(victim, "utf8"), readFileSync(path, "utf8")]).toEqual([
      join(dir.path, "target"),
      5,
      "safe",
      "xxxxx",
    ]);
    expect(statSync(path).mode & 0o137).toBe(0);
  });

  it("leaves what was there before where it fails", async () => {
    const dir = newDir();
    const target = dir.write("target", "before");
    const part = await first(sent([["f", file(5000)]]));
    await expect(part.saveTo(target, { maxBytes: 4999 })).rejects.toMatchObject({ status: 413 });
    expect([readFileSync(target, "utf8"), readdirSync(dir.path)]).toEqual(["before", ["target"]]);
  });

  it("is a 507 where there is no room, and leaves nothing", async () => {
    const dir = newDir();
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const saving = saveFile({
      read: async () => {
        throw full;
      },
      target: dir.path,
      mode: 0o600,
      maxBytes: 10,
      tooLong: () => new Error(),
      saved: new SavedFiles(),
    });
    await expect(saving).rejects.toMatchObject({ status: 507, code: "HANDLER", cause: full });
    expect(readdirSync(dir.path)).toEqual([]);
  });

  it("is remembered, so that a request that fails can remove it", async () => {
    const dir = newDir();
    const saved = new SavedFiles();
    for await (const part of sent(
      [
        ["f", file(5)],
        ["g", file(6)],
      ],
      { saved },
    ))
      await part.saveTo(dir.path);
    expect(readdirSync(dir.path)).toHaveLength(2);
    await saved.remove();
    expect(readdirSync(dir.path)).toEqual([]);
    await saved.remove();
  });

  it("tells when it could not be removed, after it has tried all", async () => {
    const dir = newDir();
    const saved = new SavedFiles();
    dir.write("folder/x", "");
    saved.add(join(dir.path, "folder"));
    saved.add(dir.write("b", ""));
    saved.add(join(dir.path, "gone"));
    await expect(saved.remove()).rejects.toMatchObject({ syscall: "unlink" });
    expect(readdirSync(dir.path)).toEqual(["folder"]);
  });
});
