import { formatBytes, formatDuration, printable, table } from "../../src/cli/print.ts";

describe("text for the terminal", () => {
  it.each([
    [0, "0.0 s"],
    [420, "0.4 s"],
    [12_900, "12 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000 * 5 + 60_000 * 12, "5 h 12 min"],
    [3_600_000 * 99, "4 d 3 h"],
  ])("%d ms are %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [56_623_104, "54 MiB"],
    [2 ** 41, "2.0 TiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("aligns columns and leaves no blanks at the end of a line", () => {
    expect(
      table([
        ["A", "LONG", "C"],
        ["aaa", "b"],
        ["a", "b", "c"],
      ]),
    ).toEqual(["A    LONG  C", "aaa  b", "a    b     c"]);
  });

  it("shows control characters and changes of direction instead of obeying them", () => {
    expect(printable("a\u001b[31m\u0007\u202eb\r\nc\td\u200f\u2028")).toBe(
      "a\\u001b[31m\\u0007\\u202eb\\u000d\nc\td\\u200f\\u2028",
    );
  });
});
