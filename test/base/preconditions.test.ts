import {
  isNotModified,
  isRangeWanted,
  judgePreconditions,
  keptBy304,
  type Preconditions,
  type Validators,
} from "../../src/base/preconditions.ts";

type Given = Partial<Preconditions & Validators>;

const NONE: Preconditions & Validators = {
  ifMatch: undefined,
  ifUnmodifiedSince: undefined,
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
  etag: undefined,
  lastModified: undefined,
};
const MONDAY = "Mon, 16 Nov 2026 10:00:00 GMT";
const TUESDAY = "Tue, 17 Nov 2026 10:00:00 GMT";

describe("a client's copy [RFC 9110 §13.1.2, §13.1.3]", () => {
  it.each<[string, Given, boolean]>([
    ["no condition", { etag: '"a"' }, false],
    ["the same tag", { ifNoneMatch: '"a"', etag: '"a"' }, true],
    ["a weak form of the same tag", { ifNoneMatch: 'W/"a"', etag: '"a"' }, true],
    ["what mod_deflate made of the tag", { ifNoneMatch: '"a-gzip"', etag: '"a"' }, true],
    ["what mod_brotli made of a weak tag", { ifNoneMatch: 'W/"a-br"', etag: 'W/"a"' }, true],
    ["a tag that only ends so", { ifNoneMatch: '"a-zip"', etag: '"a"' }, false],
    ["one of several tags", { ifNoneMatch: '"x", "a,b"', etag: '"a,b"' }, true],
    ["another tag", { ifNoneMatch: '"x"', etag: '"a"' }, false],
    ["no tag at all", { ifNoneMatch: "a", etag: '"a"' }, false],
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
  ])("is good or not, with %s", (_, given, expected) => {
    expect(isNotModified({ ...NONE, ...given }, { ...NONE, ...given })).toBe(expected);
  });

  it("keeps Content-Location of the headers about the content", () => {
    expect(["Content-Type", "content-length", "Content-Location", "ETag"].filter(keptBy304)).toEqual([
      "Content-Location",
      "ETag",
    ]);
  });
});

describe("the order of conditions [RFC 9110 §13.2.2]", () => {
  it.each<[string, Given, string]>([
    ["none", { etag: '"a"', lastModified: MONDAY }, "proceed"],
    ["If-Match of this tag", { ifMatch: '"x", "a"', etag: '"a"' }, "proceed"],
    ["If-Match of another", { ifMatch: '"x"', etag: '"a"' }, "failed"],
    ["If-Match compares strongly", { ifMatch: 'W/"a"', etag: 'W/"a"' }, "failed"],
    ["If-Match: * where something is", { ifMatch: "*", etag: '"a"' }, "proceed"],
    ["If-Unmodified-Since that holds", { ifUnmodifiedSince: MONDAY, lastModified: MONDAY }, "proceed"],
    ["If-Unmodified-Since that does not", { ifUnmodifiedSince: MONDAY, lastModified: TUESDAY }, "failed"],
    ["If-Unmodified-Since that is no date", { ifUnmodifiedSince: "x", lastModified: TUESDAY }, "proceed"],
    [
      "If-Match decides before If-Unmodified-Since",
      { ifMatch: '"a"', ifUnmodifiedSince: MONDAY, etag: '"a"', lastModified: TUESDAY },
      "proceed",
    ],
    ["If-None-Match comes after", { ifMatch: '"x"', ifNoneMatch: '"a"', etag: '"a"' }, "failed"],
    ["both hold", { ifMatch: '"a"', ifNoneMatch: '"a"', etag: '"a"' }, "not-modified"],
  ])("%s", (_, given, expected) => {
    expect(judgePreconditions({ ...NONE, ...given }, { ...NONE, ...given })).toBe(expected);
  });
});

describe("If-Range [RFC 9110 §13.1.5]", () => {
  it.each<[string | undefined, Partial<Validators>, boolean]>([
    [undefined, {}, true],
    ['"a"', { etag: '"a"' }, true],
    ['"b"', { etag: '"a"' }, false],
    ['W/"a"', { etag: 'W/"a"' }, false],
    [MONDAY, { lastModified: MONDAY }, true],
    [TUESDAY, { lastModified: MONDAY }, false],
    ["yesterday", { lastModified: MONDAY }, false],
    [MONDAY, {}, false],
  ])("%s of %j", (ifRange, now, expected) => {
    expect(isRangeWanted(ifRange, { ...NONE, ...now })).toBe(expected);
  });
});
