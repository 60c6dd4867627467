import fc from "fast-check";
import { compileTexts, mistakeIn, renderPage } from "../support/pages.ts";

describe("the text of a page", () => {
  it("is sent as it is where it has no tags", async () => {
    const html = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc
        .array(
          fc.constantFrom("<", ">", "%", "/", '"', "'", "!", "--", "script", "a", "=", " ", "\r\n", "\n", "`", "$"),
        )
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(html, async (text) => {
        fc.pre(!text.includes("<%") && !text.includes("<\\%"));
        expect(await renderPage(text)).toBe(text.toWellFormed());
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["non-ASCII text, CRLF and line separators", "é😀\r\nx\u2028y\u0000"],
    ["what looks like code", "$ {a} `b` \\n </script> %> $.write()"],
    ["a document", "<!doctype html>\n<html lang=en>\n\t<p class='x' hidden>&amp;</p>\n</html>\n"],
  ])("may be %s", async (_what, text) => {
    expect(await renderPage(text)).toBe(text);
  });

  it("says <% where it is written <\\%", async () => {
    expect(await renderPage("a <\\% b %> <%= 1 %>")).toBe("a <% b %> 1");
  });

  it("does not have the lines of tags that write nothing and stand alone", async () => {
    const page =
      '<%@ page type="text/html" %>\n<ul>\n  <% for (const n of [1, 2]) { %>\n  <li><%= n %></li>\n  <% } %>\n</ul>\n<%-- end --%>\n';
    expect(await renderPage(page)).toBe("<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>\n");
    expect(await renderPage("<%= 1 %>\n<%- 2 %>\r\n <% 0; %> x\n<% 1; %> <% 2; %>\n")).toBe("1\n2\r\n  x\n \n");
  });
});

describe("the tags of a page", () => {
  it.each<[string, string, string]>([
    ["a value", "<%= 1 + 1 %>", "2"],
    ["a value with a semicolon, as people write it", "<%= 1; %>", "1"],
    ["a value with a comment", "<%= 1 // one %>|<%= 2 /* %> */ %>", "1|2"],
    ["a value that is nothing", "[<%= null %><%= undefined %><%= '' %>]", "[]"],
    ["a raw value", "<%- '<b>' %>", "<b>"],
    ["a comment with tags in it", "a<%-- <%= x %> -- %> --%>b", "ab"],
    ["%> in strings", `<%= "%>" + '%>' + \`%>\` %>`, "%&gt;%&gt;%&gt;"],
    ["%> in nested template literals", "<%= `$" + "{`%>`}}%>` %>", "%&gt;}%&gt;"],
    ["%> in a regular expression", "<%= /%>'/.test(\"%>'\") %>", "true"],
    ["a regular expression with a class", "<%= 'a/b'.replace(/[/]/, \"'\") %>", "a&#39;b"],
    ["divisions", "<% const a = 8, b = 2; %><%= a / b / 2 %>,<%= (a) / b %>", "2,4"],
    ["quotes in comments", "<% // don't %>a<% /* it's */ %>b", "ab"],
    ["escaped quotes", `<%= 'it\\'s %>' %>`, "it&#39;s %&gt;"],
    ["awaited values", "<%= await Promise.resolve(3) %>", "3"],
    ["statements over several tags", "<% if (1) { %>yes<% } else { %>no<% } %>", "yes"],
    [
      "white space before else and case",
      "<% if (0) { %>\na\n<% } %>\n <% else { %>b<% } switch (1) { %>\n <% case 1: %>c<% } %>",
      "bc",
    ],
    ["try and catch", "<% try { %>a<% throw 1; } %> <% catch { %>b<% } %>", "ab"],
    ["callbacks", "<% [1, 2].forEach((n) => { %>(<%= n %>)<% }) %>", "(1)(2)"],
    ["async callbacks", "<% await Promise.all([1].map(async (n) => { %>(<%= await n %>)<% })) %>", "(1)"],
    ["functions with text", "<% function item(n) { %>(<%= n %>)<% } %><% item(1); item(2) %>", "(1)(2)"],
    ["objects in values", "<%= ({ a: 1 }).a %>", "1"],
    ["names of the page's own", "<% const request = 1, page = 2; %><%= request + page %>", "3"],
  ])("may hold %s", async (_what, page, text) => {
    expect(await renderPage(page)).toBe(text);
  });

  it.each<[string, string, string]>([
    ["a tag without end", "a\n<% foo(", "2:1 the tag is not closed"],
    ["a comment without end", "<%-- a", "1:1 the comment is not closed"],
    ["a string without end", "<% a = 'x %>\n", "1:8 the string is not closed on its line"],
    ["a template without end", "<% a = `x %>", "1:8 the template literal is not closed"],
    ["a block comment without end", "<% /* a %>", "1:4 the comment is not closed"],
    ["a value without expression", "<p><%= // x %>", "1:4 the tag has no expression"],
    ["statements as a value", "<%= xs.map(x => { %>", "1:1 the expression opens or closes a bracket of another tag"],
    [
      "a value that ends another expression",
      "<%= a) + (b %>",
      "1:1 the expression opens or closes a bracket of another tag",
    ],
    ["an unknown directive", "<%@ incluide file='x' %>", '1:1 there is no directive "incluide"'],
    ["an unknown attribute", "<%@ include fil='x' %>", '1:12 the directive "include" has no attribute "fil"'],
    ["an attribute twice", "<%@ page status='200' status='201' %>", '1:22 "status" is given twice'],
    ["an attribute without quotes", "<%@ include file=x %>", '1:17 the directive "include" cannot be read from here'],
    ["a wrong content type", "<%@ page type='html' %>", '1:16 "html" is no content type'],
    ["a wrong status", "<%@ page status='1000' %>", '1:18 "1000" is no status'],
    ["a brace without end", "a\n <% if (x) { %>b", "2:4 a brace that this code opens is not closed"],
    ["an end without brace", "a<% } %>", "1:4 a brace is closed that no code has opened"],
    ["an if without brace", "<% if (x) %>a", "1:3 this code goes on in the page's text without a brace"],
    [
      "an else without brace",
      "<% if (x) { %>a<% } else %>b",
      "1:18 this code goes on in the page's text without a brace",
    ],
  ])("must not hold %s", (_what, page, mistake) => {
    expect(mistakeIn(page).at).toBe(mistake);
  });
});

describe("the code of a page", () => {
  it("stands on the lines of the page", () => {
    const page = [
      "<%! const a = 1;",
      "const b = 2; %>",
      "<ul>",
      "<% for (const x of xs) {",
      "  y(x); %>\r",
      "<li><%= third %></li>",
      "<% } %>",
      "",
      "<%= last %>",
    ];
    const lines = compileTexts(page.join("\n")).code.split("\n");
    const lineOf = (text: string, within: readonly string[]): number => within.findIndex((line) => line.includes(text));
    for (const text of ["const b", "for (const", "y(x)", "third", "last"]) {
      expect([text, lineOf(text, lines)]).toEqual([text, lineOf(text, page)]);
    }
  });
});
