import fc from "fast-check";
import { attachment } from "../../src/base/content-disposition.ts";

describe("a suggested file name [RFC 6266, RFC 8187]", () => {
  it.each([
    ["report.pdf", 'attachment; filename="report.pdf"'],
    ['a "b" \\c.txt', 'attachment; filename="c.txt"'],
    ['say "hi".txt', 'attachment; filename="say \\"hi\\".txt"'],
    ["Größe €.txt", "attachment; filename=\"Gr__e _.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%82%AC.txt"],
    ["50%41.txt", "attachment; filename=\"50_41.txt\"; filename*=UTF-8''50%2541.txt"],
    ["it's (1)*.txt", 'attachment; filename="it\'s (1)*.txt"'],
    ["ü'().txt", "attachment; filename=\"_'().txt\"; filename*=UTF-8''%C3%BC%27%28%29.txt"],
    ["../../etc/passwd", 'attachment; filename="passwd"'],
    ["a\r\nX-Evil: 1.txt", 'attachment; filename="aX-Evil: 1.txt"'],
    ["", "attachment"],
    ["/", "attachment"],
    ["\ud800.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%EF%BF%BD.txt"],
  ])("%j", (name, expected) => {
    expect(attachment(name)).toBe(expected);
  });

  it("can always be sent", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(attachment(name)).toMatch(/^[\x20-\x7e]+$/);
      }),
    );
  });
});
