// Whatever somebody saves as a page: it compiles, or it is told what is wrong with it and where.

import fc from "fast-check";
import { transformSync } from "oxc-transform";
import { throughPage } from "../../src/pages/compile.ts";
import { PageMistake } from "../../src/pages/source.ts";
import { compileTexts } from "../support/pages.ts";

const PIECES = [
  ..."<% <%= <%- <%! <%@ <%-- --%> %> <\\% { } ( ) [ ] ` ${ \" ' / // /* */ < > </ <!-- --> <script> </script> <style> </style>".split(
    " ",
  ),
  ...'<a href=" <a title=\' onclick=" src= style=" <textarea> <svg> <![CDATA[ ]]> javascript: & &quot; \\ ; , = => if else for switch case: break return'.split(
    " ",
  ),
  ...'function async await x 1 page include layout block slot end file="l" file="i" name="n" default="d" type="text/css" status="200"'.split(
    " ",
  ),
  " ",
  "\n",
  "\r\n",
  "é",
  "<% if (x) { %>",
  "<% } else { %>",
  "<% } %>",
  "<%= x %>",
  '<%@ layout file="l" %>',
  '<%@ block name="n" %>',
  "<%@ end %>",
];

const page = fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => pieces.join(""));

describe("any text as a page", () => {
  it("compiles or has a mistake with a place in one of its files", () => {
    let compiled = 0;
    fc.assert(
      fc.property(page, page, page, (text, layout, include) => {
        try {
          compileTexts({ "page.tsp": text, l: `${layout}<%@ slot %>`, i: include });
          compiled += 1;
        } catch (error) {
          if (!(error instanceof PageMistake)) throw error;
          const { line, column } = error.place;
          const lines = error.file.text.split(/\r\n|\n|\r/);
          expect(lines.length).toBeGreaterThanOrEqual(line);
          expect((lines[line - 1] ?? "").length + 1).toBeGreaterThanOrEqual(column);
        }
      }),
      { numRuns: 3000 },
    );
    expect(compiled).toBeGreaterThan(50);
  });

  it("is code whose functions are closed, where its own code is whole", () => {
    const whole = fc.array(
      fc.constantFrom(
        "<b>",
        "\n",
        "<%= x %>",
        "<% f(); %>",
        "<% if (x) { %>",
        "<% } else { %>",
        "<% } %>",
        '<i title="<%= x %>">',
        "<%-- c --%>",
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(whole, (pieces) => {
        let code: string;
        try {
          ({ code } = compileTexts(pieces.join("")));
        } catch (error) {
          if (error instanceof PageMistake) return;
          throw error;
        }
        const { errors } = transformSync("page.ts", code, { lang: "ts" });
        // `} else {` after `} else {` is the author's mistake, and the transpiler's to tell.
        const repeated = /else \{ %>(?:(?!<% if).)*?<% \} else/s.test(pieces.join(""));
        if (!repeated) expect(errors.map(({ message }) => message)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("is compiled in time that grows with it, and no faster", () => {
    const row = `<tr title="<%= x / 2 %>"><% if (a) { %><td><script>f("<%= x %>", /[/]/, <%= y %>)</script></td><% } %>`;
    const compiled = compileTexts(row.repeat(10_000));
    const { map, errors } = transformSync("page.ts", compiled.code, { lang: "ts", sourcemap: true });
    expect(errors).toEqual([]);
    // All in one line: a map that was searched from its beginning for each place would take minutes.
    expect(throughPage(compiled, map?.mappings ?? "").split(",").length).toBeGreaterThan(100_000);
  }, 60_000);
});
