import { MEDIA_TYPES, mediaTypeOf } from "../../src/base/media-types.ts";
import { renderMimeTypes } from "../../src/deploy/mime-types.ts";
import { contentTypeOf } from "../../workers/mime.ts";

const extensions = Object.values(MEDIA_TYPES).flatMap((names) => names.split(" "));

describe("the table of media types", () => {
  it("has each extension once, in lower case", () => {
    expect(extensions.filter((name, at) => extensions.indexOf(name) !== at)).toEqual([]);
    expect(extensions.filter((name) => !/^[a-z0-9]+$/.test(name))).toEqual([]);
  });

  it("has no type for sources in TypeScript", () => {
    expect(["a.ts", "a.tsx", "a.mts", "a.d.ts"].map(mediaTypeOf)).toEqual(Array(4).fill(undefined));
  });

  it("gives Opus in Ogg the type of Ogg [RFC 7845 §9]", () => {
    expect(mediaTypeOf("a.opus")).toBe("audio/ogg");
  });

  it("says the same to Apache as a pool says by itself", () => {
    const lines = renderMimeTypes().split("\n");
    for (const name of extensions) {
      const [type = ""] = contentTypeOf(`x.${name}`).split(";");
      expect(lines.filter((line) => line.split(" ").slice(1).includes(name))).toEqual([
        expect.stringMatching(new RegExp(`^${type.replace(/[.+]/g, "\\$&")} `)),
      ]);
    }
  });
});

describe("what is text", () => {
  it.each(["html", "css", "csv", "md", "txt", "js", "svg", "xml", "xhtml", "atom", "json", "jsonld", "webmanifest"])(
    "is sent as UTF-8: %s",
    (name) => {
      expect(contentTypeOf(`x.${name}`)).toMatch(/; charset=utf-8$/);
    },
  );

  it.each(["png", "pdf", "docx", "wasm", "zip", "mp4"])("is not: %s", (name) => {
    expect(contentTypeOf(`x.${name}`)).not.toContain("charset");
  });
});
