import { parse } from "smol-toml";
import { KeyLines } from "../../src/config/locate.ts";
import type { KeyPath } from "../../src/config/mistake.ts";

/** The line of `path` in a text that the TOML parser accepts too. */
function lineOf(path: KeyPath, toml: string): number | undefined {
  parse(toml);
  return new KeyLines(toml).of(path);
}

describe("the line of a key in a TOML text", () => {
  it.each<[string, KeyPath, number, string]>([
    ["at the top", ["a"], 1, "a = 1"],
    ["after comments and empty lines", ["a"], 4, "# a = 0\n\n  # [a]\na = 1 # a"],
    ["in a table", ["t", "a"], 3, "[t]\nb = 1\na = 1"],
    ["in a table with a dotted name", ["t", "u", "a"], 2, "[t.u]\na = 1"],
    ["in a table with blanks around its dots", ["t", "u", "a"], 2, "[ t . u ]\na = 1"],
    ["in the second of two tables", ["u", "a"], 4, "[t]\na = 1\n[u]\na = 1"],
    ["with dots", ["t", "u", "a"], 2, "[t]\nu.a = 1"],
    ["in quotes", ["t.u", "a b"], 2, '["t.u"]\n"a b" = 1'],
    ["in literal quotes", ["a\\nb"], 1, "'a\\nb' = 1"],
    ["in an inline table", ["t", "a"], 1, "t = { b = 1, a = { c = 2 } }"],
    ["deep in an inline table", ["t", "a", "c"], 1, "t = { b = 1, a = { c = 2 } }"],
    ["after a string that holds what looks like a key", ["a"], 2, 'b = "x\\" a = 2 [t]" # "\na = 1'],
    ["after a literal string with a backslash at its end", ["a"], 2, "b = 'x\\'\na = 1"],
    ["after a string of several lines", ["a"], 4, 'b = """\na = 2\n[t]"""\na = 1'],
    ["after a literal string of several lines that ends with quotes", ["a"], 3, "b = '''\n'x'''''\na = 1"],
    ["after an array of several lines", ["a"], 6, 'b = [\n  1, # ]\n  "]",\n  [2],\n]\na = 1'],
    ["after a date with its time apart", ["a"], 2, "b = 1979-05-27 07:32:00\na = 1"],
    [
      "after values of every other kind",
      ["a"],
      6,
      "b = -1.5e3\nc = true\nd = inf\ne = 0x_f\nf = 07:32:00\na = 1".replace("0x_f", "0xf"),
    ],
    ["in a text with carriage returns", ["a"], 2, "b = 1\r\na = 1\r\n"],
    ["of a table itself", ["t"], 2, "a = 1\n[t]\nb = 1"],
    ["of a table that only its inner table names", ["t"], 1, "[t.u]\nb = 1"],
    ["of an element of an array", ["a", 1], 3, "a = [\n  1,\n  2,\n]"],
    ["in the second element of an array of tables", ["t", 1, "a"], 4, "[[t]]\na = 1\n[[t]]\na = 2"],
    ["in a table below the last element of an array of tables", ["t", 1, "u", "a"], 4, "[[t]]\n[[t]]\n[t.u]\na = 1"],
  ])("%s", (_, path, line, toml) => {
    expect(lineOf(path, toml)).toBe(line);
  });

  it("is that of the table when the key is not there", () => {
    expect(lineOf(["t", "missing"], "a = 1\n[t]\nb = 1")).toBe(2);
    expect(lineOf(["t", "b", "missing", 3], "a = 1\n[t]\nb = 1")).toBe(3);
  });

  it("is not known when nothing around the key is there", () => {
    expect(lineOf(["u", "a"], "[t]\na = 1")).toBeUndefined();
    expect(lineOf([], "a = 1")).toBeUndefined();
  });

  it("ends its walk on a text that is no TOML", () => {
    for (const text of ["[", "[[", "= 1", 'a = "', "a = [", "a = [}", "a = {]", "a.", "a", "]]]", '"""', "a = [1 2"]) {
      expect(new KeyLines(text).of(["nothing"])).toBeUndefined();
    }
  });
});
