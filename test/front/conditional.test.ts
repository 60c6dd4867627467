import { isNotModified, keptBy304, type Validation } from "../../src/front/conditional.ts";

const NONE: Validation = {
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
  etag: undefined,
  lastModified: undefined,
};
const MONDAY = "Mon, 16 Nov 2026 10:00:00 GMT";
const TUESDAY = "Tue, 17 Nov 2026 10:00:00 GMT";

describe("a conditional request [RFC 9110 §13]", () => {
  it.each([
    ["no condition", { etag: '"a"' }, false],
    ["the same tag", { ifNoneMatch: '"a"', etag: '"a"' }, true],
    ["a weak form of the same tag", { ifNoneMatch: 'W/"a"', etag: '"a"' }, true],
    ["one of several tags", { ifNoneMatch: '"x", "a,b"', etag: '"a,b"' }, true],
    ["another tag", { ifNoneMatch: '"x"', etag: '"a"' }, false],
    ["any tag", { ifNoneMatch: "*", etag: '"a"' }, true],
    ["any tag, and none is there", { ifNoneMatch: "*" }, false],
    ["a date that is not older", { ifModifiedSince: MONDAY, lastModified: MONDAY }, true],
    ["an older date", { ifModifiedSince: MONDAY, lastModified: TUESDAY }, false],
    ["no date", { ifModifiedSince: "yesterday", lastModified: MONDAY }, false],
    [
      "another tag but a good date",
      { ifNoneMatch: '"x"', etag: '"a"', ifModifiedSince: TUESDAY, lastModified: MONDAY },
      false,
    ],
  ])("with %s", (_, validation, expected) => {
    expect(isNotModified({ ...NONE, ...validation })).toBe(expected);
  });

  it("keeps Content-Location of the headers about the content", () => {
    expect(["Content-Type", "content-length", "Content-Location", "ETag"].filter(keptBy304)).toEqual([
      "Content-Location",
      "ETag",
    ]);
  });
});
