import { mistakeIn, renderPage } from "../support/pages.ts";

const LAYOUT = `<!doctype html>
<title><%@ slot name="title" default="Site" %></title>
<main><%@ slot %></main>
`;

describe("a layout", () => {
  it("has the page's text where its slot is, and its blocks where theirs are", async () => {
    const page = `<%@ layout file="l" %>
<% const name = "A & B"; %>
<%@ block name="title" %><%= name %> – Site<%@ end %>
<h1><%= name %></h1>
`;
    expect(await renderPage({ "page.tsp": page, l: LAYOUT })).toBe(
      "<!doctype html>\n<title>A &amp; B – Site</title>\n<main>\n<h1>A &amp; B</h1>\n</main>\n",
    );
    expect(await renderPage({ "page.tsp": '<%@ layout file="l" %>x', l: LAYOUT })).toContain("<title>Site</title>");
  });

  it("runs after the code at the page's top, sees what that declared, and keeps its own names to itself", async () => {
    const page =
      '<%@ layout file="l" %><% const a = 1; const seen = [a]; %><%@ block name="b" %><%= a %><%@ end %><%= seen %>';
    const l = '<% seen.push(2); const a = 3; %><%= a %>|<%@ slot name="b" %>|<%@ slot %>';
    expect(await renderPage({ "page.tsp": page, l })).toBe("3|1|1,2");
  });

  it("may have a layout itself; the innermost block counts", async () => {
    const outer = '<title><%@ slot name="title" %></title><%@ slot name="nav" default="-" %>[<%@ slot %>]';
    const inner =
      '<%@ layout file="outer" %><%@ block name="title" %>inner<%@ end %><%@ block name="nav" %><%@ slot name="nav" %>!<%@ end %>(<%@ slot %>)';
    const page = '<%@ layout file="inner" %><%@ block name="nav" %>n<%@ end %>';
    expect(await renderPage({ "page.tsp": `${page}text`, inner, outer })).toBe("<title>inner</title>n![(text)]");
    expect(await renderPage({ "page.tsp": `${page}<%@ block name="title" %>page<%@ end %>`, inner, outer })).toBe(
      "<title>page</title>n![()]",
    );
  });

  it("decides what a block's values are part of", async () => {
    const l = '<script>f(<%@ slot name="data" %>)</script><a href="<%@ slot name="link" %>">';
    const page =
      '<%@ layout file="l" %><%@ block name="data" %><%= v %><%@ end %><%@ block name="link" %><%= v %><%@ end %>';
    expect(await renderPage({ "page.tsp": page, l }, { v: "javascript:'" })).toBe(
      '<script>f("javascript:\'")</script><a href="about:invalid#refused">',
    );
  });

  it("may have one slot twice, and slots in loops and branches", async () => {
    const l = '<% for (const i of [1, 2]) { %><%@ slot name="x" %><%= i %><% } %><b title="<%@ slot name="x" %>">';
    const page = '<%@ layout file="l" %><%@ block name="x" %><%= "\\"" %><%@ end %>';
    expect(await renderPage({ "page.tsp": page, l })).toBe('&#34;1&#34;2<b title="&#34;">');
  });

  it.each<[string, Record<string, string>, string]>([
    [
      "a block that no layout has a slot for",
      { "page.tsp": '<%@ layout file="l" %>\n<%@ block name="tilte" %><%@ end %>', l: LAYOUT },
      '2:1 no layout has a slot "tilte"',
    ],
    [
      "a slot that nothing fills",
      { "page.tsp": '<%@ layout file="l" %>', l: '<%@ slot name="x" %>' },
      'l:1:1 /site/page.tsp has no block "x" for this slot',
    ],
    [
      "text that no slot takes",
      { "page.tsp": '<%@ layout file="l" %>\n text', l: "" },
      "2:1 the layout has no place for what stands outside of blocks",
    ],
    [
      "a block without layout",
      { "page.tsp": 'a<%@ block name="x" %><%@ end %>' },
      "1:2 a block needs a layout to stand in",
    ],
    ["a slot without page", { "page.tsp": "a<%@ slot %>" }, "1:2 there is no page around whose parts could stand here"],
    ["a block without end", { "page.tsp": '<%@ block name="x" %>' }, "1:1 the block is not closed"],
    ["an end without block", { "page.tsp": "<%@ end %>" }, "1:1 there is no block to end here"],
    [
      "a block in a block",
      { "page.tsp": '<%@ block name="x" %><%@ block name="y" %>' },
      '1:22 "block" cannot stand in a block',
    ],
    ["a block without name", { "page.tsp": "<%@ block %>" }, "1:1 the block has no name"],
    [
      "a block twice",
      { "page.tsp": '<%@ block name="x" %><%@ end %><%@ block name="x" %>' },
      '1:32 there is a block "x" already',
    ],
    [
      "two layouts",
      { "page.tsp": '<%@ layout file="l" %><%@ layout file="l" %>', l: LAYOUT },
      "1:23 there is a layout already",
    ],
    ["a layout of itself", { "page.tsp": '<%@ layout file="page.tsp" %>' }, '1:18 "page.tsp" would be part of itself'],
    [
      "a layout that is not there",
      { "page.tsp": '<%@ layout file="gone" %>' },
      '1:18 "gone" cannot be read: there is no such file',
    ],
    ["a layout without name", { "page.tsp": "<%@ layout %>" }, '1:1 "layout" names no file'],
    [
      "a block that ends elsewhere than it begins",
      { "page.tsp": '<%@ layout file="l" %><%@ block name="title" %></title><%@ end %>', l: LAYOUT },
      '1:23 what stands in the slot "title" begins and ends differently: in <title> and in text',
    ],
    [
      "a slot where no code can wait",
      { "page.tsp": '<%@ layout file="l" %>', l: "<% [1].forEach(() => { %><%@ slot %><% }) %>" },
      "l:1:26 a slot cannot stand in a function that is not async",
    ],
  ])("must not go with %s", (_what, texts, mistake) => {
    expect(mistakeIn(texts).at).toBe(mistake);
  });
});

describe("an include", () => {
  it("is part of the page: its code sees the page's, its text stands in the page's", async () => {
    const texts = {
      "page.tsp":
        '<% const x = "\\""; %><a title="<%@ include file="part" %>"><% if (y) { %><%@ include file="part" %><% } %>',
      part: "<%= x %><% var y = 1; %>",
    };
    expect(await renderPage(texts)).toBe('<a title="&#34;">&#34;');
  });

  it("may include others, declare and be included twice", async () => {
    const texts = {
      "page.tsp": '<%@ include file="a" %>,<%@ include file="b" %>',
      a: '<%! const twice = (n) => n * 2; %>a<%@ include file="b" %>',
      b: "<%= twice(2) %>",
    };
    expect(await renderPage(texts)).toBe("a4,4");
  });

  it.each<[string, Record<string, string>, string]>([
    [
      "include itself",
      { "page.tsp": '<%@ include file="a" %>', a: '\n<%@ include file="a" %>' },
      'a:2:19 "a" would be part of itself',
    ],
    [
      "include each other",
      { "page.tsp": '<%@ include file="a" %>', a: '<%@ include file="b" %>', b: '<%@ include file="a" %>' },
      'b:1:19 "a" would be part of itself',
    ],
    [
      "bring a value into a place where it is not safe",
      { "page.tsp": "<a <%@ include file='a' %>>", a: "<%= 1 %>" },
      "a:1:4 a value cannot stand inside of the tag <a>, outside of quotes",
    ],
  ])("must not %s", (_what, texts, mistake) => {
    expect(mistakeIn(texts).at).toBe(mistake);
  });

  it("is refused where a page would become endless work", () => {
    const texts: Record<string, string> = { "page.tsp": '<%@ include file="0" %>' };
    for (let i = 0; i < 14; i += 1) texts[i] = `<%@ include file="${i + 1}" %>`.repeat(2);
    texts["14"] = "x";
    expect(mistakeIn(texts).at).toContain("a page is made of at most 256 files, 16 inside of each other");
  });
});
