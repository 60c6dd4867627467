import { SourceMap } from "node:module";
import fc from "fast-check";
import { decodeMappings, encodeMappings, type Mappings, originOf, type Segment } from "../../src/pages/mappings.ts";
import { compileTexts } from "../support/pages.ts";

const number = fc.nat(100_000);
const lines: fc.Arbitrary<Mappings> = fc.array(
  fc
    .array(fc.tuple(number, fc.nat(3), number, number), { maxLength: 5 })
    .map((segments) => segments.map((each): Segment => each).sort(([a], [b]) => a - b)),
  { minLength: 1, maxLength: 8 },
);

describe("mappings", () => {
  it("come back as they were encoded", () => {
    fc.assert(fc.property(lines, (mappings) => expect(decodeMappings(encodeMappings(mappings))).toEqual(mappings)));
  });

  it("mean to Node what they mean to us", () => {
    fc.assert(
      fc.property(lines, fc.nat(7), number, (mappings, line, column) => {
        const sources = ["a", "b", "c", "d"];
        const map = new SourceMap({
          version: 3,
          file: "",
          sources,
          names: [],
          mappings: encodeMappings(mappings),
          sourcesContent: [],
          sourceRoot: "",
        });
        const ours = originOf(mappings, line, column);
        fc.pre(ours !== undefined && mappings[line]?.filter(([at]) => at === ours[0]).length === 1);
        const entry = map.findEntry(line, column);
        expect(entry).toMatchObject({
          originalSource: sources[ours?.[1] ?? 0],
          originalLine: ours?.[2],
          originalColumn: ours?.[3],
        });
      }),
    );
  });

  it("lead from each column of an author's code to its own", () => {
    const page = "é <%= one + two %>\n<% three(); %>";
    const { code, mappings } = compileTexts(page);
    for (const word of ["one", "two", "three"]) {
      const generated = code.split("\n").findIndex((text) => text.includes(word));
      const column = code.split("\n")[generated]?.indexOf(word) ?? 0;
      const source = page.split("\n").findIndex((text) => text.includes(word));
      const origin = originOf(mappings, generated, column);
      expect([word, origin?.[2], origin?.[3]]).toEqual([word, source, page.split("\n")[source]?.indexOf(word)]);
    }
  });
});
