// What a page's values become in a real browser: themselves, wherever they stand.

import { describeWithApache } from "../support/apache.ts";
import { Browser, describeWithBrowser } from "../support/browser.ts";
import { hostileTexts } from "../support/hostile.ts";
import { type Site, startSite } from "../support/site.ts";

const TEXTS = hostileTexts(150);

/** Each value in each context; the attributes and scripts note what they were given. */
const PAGE = `<%@ layout file="_layout.tsp" %>
<%! import { TEXTS } from "./_texts.ts"; %>
<%@ block name="title" %><%= TEXTS.join(" ") %><%@ end %>
<% for (const [index, text] of TEXTS.entries()) { %>
<div id="c<%= index %>" class="case"><!-- <%= text %> --><p><%= text %></p><p title="<%= text %>" lang='<%= text %>'></p>
<textarea>.<%= text %></textarea><a href="<%= text %>">a</a><a href="/x/<%= text %>">b</a><a href="y<%= text %>">c</a>
<script>got[<%= index %>] = [<%= text %>, "<%= text %>", '<%= text %>', \`\${<%= text %>}\`, /["'<]/.source.length, <%= { text } %>.text];</script>
<script type="application/json">{"a": <%= text %>, "b": "<%= text %>"}</script>
<button type="button" onclick="clicked[<%= index %>] = [<%= text %>, '<%= text %>']">d</button>
<style>#c<%= index %> b { color: <%= text %>; } #c<%= index %> u::before { content: "<%= text %>"; background: url("<%= text %>"); } #c<%= index %> i { width: 7px; display: block; }</style>
<b>e</b><u style="margin: <%= text %>; padding-left: 5px">f</u><i>g</i></div>
<% } %>
`;

const LAYOUT = `<!doctype html>
<html lang="en"><head><title><%@ slot name="title" %></title>
<script>const got = [], clicked = []; let pwnedBy = 0; function pwned() { pwnedBy += 1; } function alert() { pwned(); }</script></head>
<body><%@ slot %><p id="end">end</p></body></html>
`;

/** Run in the page. */
const LOOK = `(() => {
  for (const button of document.querySelectorAll(".case > button")) button.click();
  const cases = [...document.querySelectorAll("body > .case")];
  return {
    pwned: pwnedBy, title: document.querySelector("title").textContent, end: document.querySelector("body > #end")?.textContent ?? null,
    cases: cases.map((each, index) => ({
      children: [...each.children].map(({ localName }) => localName).join(" "),
      text: each.querySelector("p").textContent, title: each.querySelector("[title]").title,
      lang: each.querySelector("[title]").getAttribute("lang"), area: each.querySelector("textarea").value,
      protocols: [...each.querySelectorAll("a")].map((link) => link.protocol),
      got: got[index] ?? null, clicked: clicked[index] ?? null,
      json: JSON.parse(each.querySelector("[type='application/json']").textContent),
      width: getComputedStyle(each.querySelector("i")).width, padding: getComputedStyle(each.querySelector("u")).paddingLeft,
    })),
  };
})()`;

interface Seen {
  readonly pwned: number;
  readonly title: string;
  readonly end: string | null;
  readonly cases: readonly Readonly<Record<string, unknown>>[];
}

/** As the parser reads text [HTML §13.2.3.5]; U+0000 stands for nothing in HTML, and is replaced. */
function parsed(text: string): string {
  return text.replace(/\r\n?/g, "\n").replaceAll("\0", "\ufffd");
}

describeWithApache("a page's values in Chromium", () => {
  describeWithBrowser("are what they were", () => {
    let site: Site;
    let browser: Browser;

    beforeAll(async () => {
      const texts = `export const TEXTS: readonly string[] = ${JSON.stringify(TEXTS)};`;
      site = await startSite({ "index.tsp": PAGE, "_layout.tsp": LAYOUT, "_texts.ts": texts });
      browser = await Browser.start();
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await site?.stop();
    });

    it("in text, attributes, addresses, scripts, styles and comments, and none of them runs", async () => {
      await browser.open(`${site.url("files")}/`);
      const { pwned, title, end, cases } = await browser.evaluate<Seen>(LOOK);
      expect([pwned, end, cases.length]).toEqual([0, "end", TEXTS.length]);
      expect(title).toBe(parsed(TEXTS.join(" ")));
      for (const [index, text] of TEXTS.entries()) {
        const read = parsed(text);
        expect(cases[index]).toEqual({
          children: "p p textarea a a a script script button style b u i",
          text: read,
          title: read,
          lang: read,
          area: `.${read}`,
          protocols: [
            expect.stringMatching(/^(?:https?|about|mailto|tel|sms|ftp|):$/),
            "http:",
            expect.stringMatching(/^(?:http|):$/),
          ],
          got: [text, text, text, text, 5, text],
          clicked: [text, text],
          json: { a: text, b: text },
          width: "7px",
          padding: "5px",
        });
      }
    }, 60_000);
  });
});
