// What a value is part of, and what is written for it there.

import { mistakeIn, renderPage } from "../support/pages.ts";

const HOSTILE = `</script>"'><img src=x onerror=alert(1)>&\\`;

describe("a value is escaped for the place where it stands", () => {
  it.each<[string, string, unknown, string]>([
    ["text", "<p>*</p>", HOSTILE, "&lt;/script&gt;&#34;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;\\"],
    ["<title>", "<title>*</title>", "</title>", "&lt;/title&gt;"],
    ["<textarea>", "<textarea name=x>*</textarea>", "</textarea>", "&lt;/textarea&gt;"],
    ["a comment", "<!-- * -->", "--><b>", "&#45;&#45;&gt;&lt;b&gt;"],
    ["an attribute", '<p title="*">', `"'`, "&#34;&#39;"],
    ["an attribute in single quotes", "<p title='*'>", `"'`, "&#34;&#39;"],
    ["an attribute with spaces around", '<p\n title = "*">', '"', "&#34;"],
    ["after an attribute without quotes", '<p a=b title="*">', '"', "&#34;"],
    ["an attribute with a slash", '<br title="*"/>', '"', "&#34;"],
    ["an attribute that looks like another's", '<p data-href="*">', "javascript:1", "javascript:1"],
    ["an address", '<a href="*">', "javascript:alert(1)", "about:invalid#refused"],
    [
      "… with spaces and control characters before",
      '<a href=" *">',
      "\u0001 jAva\tscript\n:x",
      "about:invalid#refused",
    ],
    ["… with a scheme that nobody knows", '<a href="*">', "x-y:z", "about:invalid#refused"],
    ["… of a document", '<iframe src="*">', "data:text/html,x", "about:invalid#refused"],
    ["… that is safe", '<a href="*">', 'https://x.test/?a=1&b="', "https://x.test/?a=1&amp;b=&#34;"],
    ["… that is relative", '<a href="*">', "../x?y=a:b#c:d", "../x?y=a:b#c:d"],
    ["… whose scheme the page wrote", '<a href="https://x.test/*">', "javascript:1", "javascript:1"],
    ["… that begins with a path", '<form action="/go/*">', "a:b", "a:b"],
    ["… that begins with a slash", '<a href="/*">', "a:b/c", "a:b/c"],
    ["… that would be another host", '<script src="/*">', "/x.test/y.js", "#refused"],
    ["… that would be one to browsers", '<a href="/*">', "\t\\x.test", "#refused"],
    ["… that is below a folder", '<a href="/a/*">', "/x.test", "/x.test"],
    ["… whose scheme may still come", '<a href="x*">', "y:z", "#refused"],
    ["… of an SVG", '<svg><a xlink:href="*">', "javascript:1", "about:invalid#refused"],
    ["… of an animation", '<svg><set attributeName=href to="*">', "javascript:1", "about:invalid#refused"],
    ["… of several animations", '<animate values="*">', "/a;javascript:1", "#refused"],
    ["… behind others of an animation", '<animate values="/a;*">', "javascript:1", "#refused"],
    ["… that follows within an animation", '<animateTransform values="/a/*">', "b;\tjava\nscript:1", "#refused"],
    ["numbers of an animation", '<animate values="0;*;9px">', "1.5px", "1.5px"],
    ["addresses of an animation", '<animate values="*">', "#a;https://x.test;/b", "#a;https://x.test;/b"],
    [
      "the address of a refresh",
      '<meta http-equiv=refresh content="0; url=*">',
      "javascript:1",
      "about:invalid#refused",
    ],
    ["… in quotes", `<meta http-equiv="Refresh" content="0;URL='*'">`, "data:text/html,x", "about:invalid#refused"],
    ["… without its name", '<meta http-equiv="refresh" content="1.5, *">', "vbscript:1", "about:invalid#refused"],
    [
      "… that brings its name",
      '<meta http-equiv="refresh" content="0;*">',
      "url=javascript:1",
      "about:invalid#refused",
    ],
    ["… that goes on", '<meta http-equiv="refresh" content="0;u*">', "rl=javascript:1", "#refused"],
    ["… that is safe", '<meta http-equiv="refresh" content="0; url=*">', "/next?a=b:c", "/next?a=b:c"],
    ["… behind seconds that are a value", '<meta http-equiv="refresh" content="*; url=/x">', 5, "5"],
    ["a whole refresh", '<meta http-equiv="refresh" content="*">', "0; url=javascript:1", "#refused"],
    ["… without seconds", '<meta http-equiv="refresh" content="5*">', "; url=javascript:1", "#refused"],
    ["… that is safe", '<meta http-equiv="refresh" content="*">', "5; url=https://x.test", "5; url=https://x.test"],
    ["what may be a refresh", '<meta content="*" http-equiv="refresh">', "0;javascript:1", "#refused"],
    ["… or any text", '<meta content="*" name="description">', "News: 5 of them", "News: 5 of them"],
    ["… behind the page's own", '<meta content="5 News: *" property="og:title">', "a: b", "a: b"],
    ["the content of another <meta>", '<meta name="description" content="*">', "5, javascript:1", "5, javascript:1"],
    ["… by its property", '<meta property="og:title" content="*">', "5: b", "5: b"],
    ["… of another kind", '<meta http-equiv="x-ua-compatible" content="*">', "5: b", "5: b"],
    ["text inside of an SVG's <title>", '<svg><title><a href="*"></title>', "javascript:1", "about:invalid#refused"],
    ["a script", "<script>let a = *;</script>", HOSTILE, JSON.stringify(HOSTILE).replace(/[<>&]/g, unicode)],
    ["a module", "<script type='module'>a(*)</script>", { b: [1, null] }, '{"b":[1,null]}'],
    ["JSON in a script", '<script type="application/ld+json">{"a":*}</script>', undefined, "null"],
    ["a script after a minus", "<script>a-*</script>", -1, " -1"],
    [
      "a string of a script",
      `<script>a("x*")</script>`,
      `";alert(1)//é`,
      "\\u0022\\u003balert\\u00281\\u0029\\u002f\\u002f\\u00e9",
    ],
    ["… in single quotes", "<script>a('*')</script>", "'\n", "\\u0027\\u000a"],
    ["a script after regular expressions and templates", "<script>a.replace(/[\"/]'/g, `'`); b(*)</script>", 1, "1"],
    ["a string after a division of a number", "<script>a = 1./2 + '/*'</script>", "'", "\\u0027"],
    ["a string after a division of a property", "<script>a = it.of /2 + '/*'</script>", "'", "\\u0027"],
    ["a string after a division of a private property", "<script>a = this.#in /2 + '/*'</script>", "'", "\\u0027"],
    ["a string after a division of a method's result", "<script>a = it.catch(b) /2 + '/*'</script>", "'", "\\u0027"],
    ["a string after what is spread", "<script>a = [.../'/.exec(b), '*']</script>", "'", "\\u0027"],
    ["the inside of a template's braces", "<script>a(`x$" + "{*}`)</script>", "`", '"`"'],
    ["a script with < in it", "<script>for (;a<b && c</d/.e;) f(*)</script>", 1, "1"],
    ["a script with a comment that hides tags", "<script>/* <!-- <script> </script> */ f(§)</script>", 1, "1"],
    ["an event handler", '<p onclick="f(*)">', `"'`, "&#34;\\&#34;&#39;&#34;"],
    [
      "a string of an event handler",
      `<p onclick="f('*')">`,
      "');alert(1)",
      "\\u0027\\u0029\\u003balert\\u00281\\u0029",
    ],
    ["an htmx attribute, written as data", `<p data-hx-on:click="f('*')">`, "'", "\\u0027"],
    ["an Alpine attribute", '<p x-data="{ a: * }">', "'", "&#34;&#39;&#34;"],
    ["a style", "<style>a{color:*}</style>", "red;}</style>", "red\\3b \\7d \\3c \\2f style\\3e "],
    ["… with an ordinary value", "<style>a{color:*}</style>", "#ff0 10.5px", "#ff0 10.5px"],
    ["a string of a style", `<style>a::before{content:"*"}</style>`, '"\n\\', "\\22 \\a \\5c "],
    ["an address of a style", `<style>a{background:url("*")}</style>`, "javascript:1", "about\\3a invalid#refused"],
    ["a style attribute", '<p style="width:*">', "1px;x:url(y)", "1px\\3b x\\3a url\\28 y\\29 "],
    ["an SVG's style", "<svg><style>a{color:*}</style>", "<", "\\3c "],
  ])("%s", async (_what, page, value, written) => {
    const [before, after] = splitAtValue(page);
    expect(await renderPage(`${before}<%= value %>${after}`, { value })).toBe(`${before}${written}${after}`);
  });

  it.each<[string, string]>([
    ["a", "href"],
    ["area", "href"],
    ["base", "href"],
    ["link", "href"],
    ["script", "src"],
    ["iframe", "src"],
    ["frame", "src"],
    ["frame", "longdesc"],
    ["embed", "src"],
    ["img", "src"],
    ["img", "usemap"],
    ["img", "lowsrc"],
    ["img", "dynsrc"],
    ["input", "src"],
    ["input", "formaction"],
    ["button", "formaction"],
    ["form", "action"],
    ["object", "data"],
    ["object", "codebase"],
    ["object", "classid"],
    ["applet", "archive"],
    ["body", "background"],
    ["html", "manifest"],
    ["head", "profile"],
    ["menuitem", "icon"],
    ["video", "poster"],
    ["q", "cite"],
    ["a", "ping"],
    ["use", "href"],
    ["use", "xlink:href"],
    ["set", "to"],
    ["animate", "to"],
    ["animate", "from"],
    ["animatemotion", "by"],
    ["div", "hx-get"],
    ["div", "data-hx-post"],
  ])("<%s %s> is an address", async (tag, name) => {
    const written = (value: string) => renderPage(`<${tag} ${name}="<%= value %>">`, { value });
    expect(await written("javascript:1")).toBe(`<${tag} ${name}="about:invalid#refused">`);
    expect(await written("/a?b=c:d")).toBe(`<${tag} ${name}="/a?b=c:d">`);
  });

  // Browsers fetch images from these, and nothing else: no scheme of theirs runs anything.
  it.each(["img srcset", "source srcset", "link imagesrcset"])("<%s> is text", async (attribute) => {
    const page = `<${attribute}="<%= value %> 2x">`;
    expect(await renderPage(page, { value: "data:image/png;base64,x" })).toContain('="data:image/png;base64,x 2x"');
  });

  it.each([
    "onclick",
    "onbeforetoggle",
    "@click",
    ":href",
    "v-html",
    "x-bind:href",
    "hx-on::load",
    "data-hx-vals",
    "hx-trigger",
  ])("%s is code", async (name) => {
    expect(await renderPage(`<p ${name}="<%= value %>">`, { value: "alert(1)" })).toBe(
      `<p ${name}="&#34;alert(1)&#34;">`,
    );
  });

  it("knows several values of one attribute", async () => {
    const page = '<a href="<%= a %><%= b %>" title="<%= a %>-<%= b %>">';
    expect(await renderPage(page, { a: "java", b: "script:x" })).toBe('<a href="java#refused" title="java-script:x">');
  });

  it.each([
    ["text/plain", "<a href=*>", "<b>", "<a href=<b>>"],
    ["application/json", '{"a":*}', "<b>", '{"a":"\\u003cb\\u003e"}'],
    ["application/rss+xml", "<link>*</link>", "<&>", "<link>&lt;&amp;&gt;</link>"],
    ["application/rss+xml", "<title a='*'/>", "<&>'", "<title a='&lt;&amp;&gt;&#39;'/>"],
    ["text/css", "a{color:*}", "{", "a{color:\\7b }"],
    ["image/svg+xml", "<svg><a href='*'/></svg>", "javascript:1", "<svg><a href='about:invalid#refused'/></svg>"],
    ["image/svg+xml", "<svg onload=\"f('*')\"/>", "'", "<svg onload=\"f('\\u0027')\"/>"],
    ["image/svg+xml", "<svg><script>f('*')</script></svg>", "'", "<svg><script>f('\\u0027')</script></svg>"],
    [
      "image/svg+xml",
      '<svg><script href="a"/><text>*</text></svg>',
      "<",
      '<svg><script href="a"/><text>&lt;</text></svg>',
    ],
    [
      "image/svg+xml",
      "<s:svg><s:script>f('*')</s:script></s:svg>",
      "'",
      "<s:svg><s:script>f('\\u0027')</s:script></s:svg>",
    ],
    ["image/svg+xml", "<s:set to='*'/>", "javascript:1", "<s:set to='about:invalid#refused'/>"],
    ["text/javascript", "a(*)", "</script>", 'a("\\u003c/script\\u003e")'],
  ])("in a page of type %s: %s", async (type, page, value, written) => {
    expect(await renderPage(`<%@ page type="${type}" %>\n${page.replace("*", "<%= value %>")}`, { value })).toBe(
      written,
    );
  });

  it.each<[string, unknown, string]>([
    ["a promise", Promise.resolve(1), "a promise cannot be printed; write await before it"],
    ["an object", {}, "an object cannot be printed; print one of its properties, or JSON.stringify(…) of it"],
    ["a function", () => 1, "a function cannot be printed; call it, or print one of its properties"],
  ])("does not print %s by mistake", async (_what, value, message) => {
    await expect(renderPage("<%= value %>", { value })).rejects.toThrow(message);
  });
});

describe("a value is refused where nothing makes it safe", () => {
  it.each<[string, string, string]>([
    ["without quotes", "<a href=<%= x %>>", "a value cannot stand as an attribute's value without quotes"],
    [
      "behind other text without quotes",
      "<a href=/<%= x %>>",
      "a value cannot stand in an attribute's value without quotes",
    ],
    ["as an attribute", "<a <%= x %>>", "a value cannot stand inside of the tag <a>, outside of quotes"],
    ["as a tag's name", "<<%= x %>>", 'a value cannot stand after "<"'],
    ["as part of a tag's name", "<h<%= x %>>", "a value cannot stand inside of the tag <h>, outside of quotes"],
    ["in an end tag", "</h<%= x %>>", "a value cannot stand inside of the tag </h>, outside of quotes"],
    ["in a doctype", "<!doctype <%= x %>>", "a value cannot stand inside of <!…> or <?…>"],
    [
      "in <iframe>",
      "<iframe><%= x %></iframe>",
      "a value cannot stand inside of <iframe>, where nothing can be escaped",
    ],
    ["in srcdoc", '<iframe srcdoc="<%= x %>">', "a value cannot stand in srcdoc"],
    ["in a program of hyperscript", '<p _="on click <%= x %>">', "a value cannot stand in _"],
    ["as what a <meta> is", '<meta http-equiv="<%= x %>">', "a value cannot stand as the http-equiv of a <meta>"],
    [
      "after javascript: in a refresh",
      '<meta http-equiv="refresh" content="0;url=javascript:<%= x %>">',
      "a value cannot stand in this address: it begins with javascript:",
    ],
    [
      "after a reference in a refresh",
      '<meta http-equiv="refresh" content="0&#59;url=<%= x %>">',
      "a value cannot stand in this address: it holds a character reference",
    ],
    [
      "after javascript: among the values of an animation",
      '<animate values="/a; javascript:f(<%= x %>)">',
      "a value cannot stand in this address: it begins with javascript:",
    ],
    [
      "after a reference in an animation",
      '<animate values="/a&#59;<%= x %>">',
      "a value cannot stand in this address: it holds a character reference",
    ],
    [
      "after a scheme that may come from a value of an animation",
      '<animate values="/<%= x %>:<%= y %>">',
      "a value cannot stand in this address: its scheme comes from a value",
    ],
    [
      "after javascript:",
      '<a href="JavaScript:f(<%= x %>)">',
      "a value cannot stand in this address: it begins with JavaScript:",
    ],
    [
      "after a character reference",
      '<a href="javascript&colon;<%= x %>">',
      "a value cannot stand in this address: it holds a character reference",
    ],
    [
      "after a scheme that is a value",
      '<a href="<%= x %>:<%= y %>">',
      "a value cannot stand in this address: its scheme comes from a value",
    ],
    [
      "in a template literal",
      "<script>`<%= x %>`</script>",
      "a value cannot stand in this <script> within a template literal",
    ],
    [
      "in a regular expression",
      "<script>/<%= x %>/</script>",
      "a value cannot stand in this <script> after something ambiguous",
    ],
    [
      "in a regular expression that has begun",
      "<script>/a<%= x %>/</script>",
      "a value cannot stand in this <script> within a regular expression",
    ],
    [
      "in a script's comment",
      "<script>// <%= x %>\n</script>",
      "a value cannot stand in this <script> within a comment",
    ],
    ["after a backslash", '<script>"\\<%= x %>"</script>', "a value cannot stand after a backslash"],
    [
      "after an ambiguous slash",
      "<script>}/<b>/.c; <%= x %></script>",
      "a value cannot stand in this <script> after something ambiguous",
    ],
    [
      "in a script of another type",
      '<script type="text/template"><%= x %></script>',
      "a value cannot stand in this <script>, whose type is not known",
    ],
    ["as a script's type", '<script type="<%= x %>">', "a value cannot stand as the type of a <script>"],
    [
      "after a reference in an event handler",
      '<p onclick="f(&quot;<%= x %>&quot;)">',
      "a value cannot stand in onclick after something ambiguous",
    ],
    [
      "behind & in an event handler",
      `<p onclick="f('&<%= x %>;')">`,
      "a value cannot stand in onclick after something ambiguous",
    ],
    ["in a style's comment", "<style>/* <%= x %> */</style>", "a value cannot stand in this <style> within a comment"],
    [
      "in url() without quotes",
      "<style>a{b:url(<%= x %>)}</style>",
      "a value cannot stand in this <style> as an address without quotes",
    ],
    [
      "behind a reference in an SVG's script",
      "<svg><script>f(&quot;<%= x %>&quot;)</script>",
      "a value cannot stand in this <script> after something ambiguous",
    ],
    ["in CDATA", "<svg><![CDATA[<%= x %>]]>", "a value cannot stand inside of a CDATA section"],
  ])("%s", (_what, page, what) => {
    const { at, hint } = mistakeIn(page);
    expect(at).toMatch(/^1:\d+ /);
    expect(at.replace(/^\S+ /, "")).toBe(what);
    expect(hint).toMatch(/.\.$/);
  });
});

describe("branches", () => {
  it.each([
    ["whole attributes", '<p<% if (a) { %> class="x"<% } %> title="<%= 1 %>">'],
    ["attributes without values", "<input <% if (a) { %>checked<% } %>>"],
    ["parts of a value", '<p class="a<% if (a) { %> b<% } else { %> c<% } %>">'],
    ["parts of an address", '<a href="<% if (a) { %>https://x.test<% } %>/y">'],
    ["statements of a script", "<script><% if (a) { %>a();<% } %>b(<%= 1 %>)</script>"],
    ["items of a script", "<script>f([<% for (const x of [1, 2]) { %><%= x %>,<% } %>])</script>"],
    ["rows, with an early end", "<% for (const x of [1]) { %><tr><% if (x) continue; %></tr><% } %>"],
  ])("may hold %s", async (_what, page) => {
    expect(await renderPage(page, { a: true })).not.toBe("");
  });

  it.each([
    [
      "end in other quotes",
      `<% if (a) { %><a href="<% } else { %><a href='<% } %>`,
      "1:26 the text between the braces begins and ends differently: in text and in the value of href",
    ],
    [
      "end in a string",
      `<script><% if (a) { %>"<% } %><%= x %></script>`,
      "1:26 the text between the braces begins and ends differently: in <script> and in <script> within a string or comment",
    ],
    [
      "leave an attribute half written",
      '<% for (;;) { %><a href="<% break; %>"><% } %>',
      "1:28 break or continue would leave the text half written: in the value of href and in text",
    ],
    [
      "leave the page in a tag",
      '<a <% if (a) return; %>href="x">',
      "1:6 return would leave the text half written: in the tag <a> and in text",
    ],
  ])("must not %s", (_what, page, mistake) => {
    expect(mistakeIn(page).at).toBe(mistake);
  });

  it.each([
    ["else", `<a href="<% if (n) { %>/x<% } else { %><%= u %><% } %>">`],
    ["else in a tag of its own", `<a href="<% if (n) { %>/x<% } %> <% else { %><%= u %><% } %>">`],
    ["case", `<a href="<% switch (n) { case 1: %>/x<% break; case 0: %><%= u %><% } %>">`],
    [
      "case after a break of its own",
      `<a href="<% switch (n) { case 1: %>/x<% break; %>\n<% default: %><%= u %><% } %>">`,
    ],
  ])("begin where the first has begun: %s", async (_what, page) => {
    expect(await renderPage(page, { n: 0, u: "https://x.test" })).toBe('<a href="https://x.test">');
    expect(await renderPage(page, { n: 0, u: "javascript:x" })).toBe('<a href="about:invalid#refused">');
  });

  it("that fall through may begin with what stands above", async () => {
    const page = '<a href="<% switch (n) { case 1: %>java<% case 0: %><%= u %><% } %>">';
    expect(await renderPage(page, { n: 1, u: "script:x" })).toBe('<a href="java#refused">');
  });

  it.each([
    [
      "an attribute's name",
      '<a title<% for (const x of xs) { %>="<%= x %>" onclick<% } %>="">',
      "1:41 a value cannot stand in an attribute whose name depends on the page's code",
    ],
    [
      "what a slash is",
      "<script>[<% for (const x of xs) { %>/'/<%= x %><% } %>]</script>",
      "1:43 a value cannot stand in this <script> after something ambiguous",
    ],
    [
      "the same in a function",
      "<script>[<% function f(x) { %>/'/<%= x %><% } %>]</script>",
      "1:37 a value cannot stand in this <script> after something ambiguous",
    ],
  ])("that are repeated must not change %s", (_what, page, mistake) => {
    expect(mistakeIn(page).at).toBe(mistake);
  });

  it("that are repeated may not hold a slot that is part of something else then", () => {
    const texts = {
      "page.tsp": '<%@ layout file="l" %><%@ block name="x" %>y<%@ end %>',
      l: '<script>[<% for (;;) { %>1<%@ slot name="x" %><% } %>]</script>',
    };
    expect(mistakeIn(texts).at).toBe("l:1:27 this slot is part of something else each time it is repeated");
  });

  it("do not leave half of a tag behind when a value in it fails", async () => {
    const page = '<% try { %><a href="<%= fail() %>">x</a><% } catch { %><p title="<%= 1 %>"><% } %>';
    const fail = (): never => {
      throw new Error("failed");
    };
    expect(await renderPage(page, { fail })).toBe('<p title="1">');
  });

  it.each([
    [
      "an attribute's name differs",
      '<p <% if (a) { %>on<% } %>click="<%= x %>">',
      "in an attribute whose name depends on the page's code",
    ],
    [
      "a tag's name differs",
      '<p<% if (a) { %> a="b"<% } %>re title="<%= x %>">',
      "where the branches of the page's code leave it open what this is part of",
    ],
    [
      "a slash means different things",
      "<script>a<% if (a) { %>;<% } %>/b/; <%= x %></script>",
      "in this <script> after something ambiguous",
    ],
    [
      "a refresh begins differently",
      '<meta http-equiv="refresh" content="<% if (a) { %>0;url=<% } %><%= x %>">',
      "in this address: the branches of the page's code write its seconds differently",
    ],
    [
      "the type of a script differs",
      '<script type="<% if (a) { %>text/x<% } %>"><%= x %></script>',
      "in this <script>, whose type is not known",
    ],
    [
      "a scheme may come from either",
      '<a href="<% if (a) { %>java<% } %>script:<%= x %>">',
      "in this address: its scheme comes from a value",
    ],
  ])("leave no value safe where %s", (_what, page, what) => {
    expect(mistakeIn(page).at).toContain(`a value cannot stand ${what}`);
  });
});

/** `*` is the value, or `§` where that is needed otherwise. */
function splitAtValue(page: string): [string, string] {
  const [before = "", after = ""] = page.split(page.includes("§") ? "§" : "*");
  return [before, after];
}

function unicode(char: string): string {
  return `\\u00${char.charCodeAt(0).toString(16)}`;
}
