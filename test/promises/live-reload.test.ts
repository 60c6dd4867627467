// `holdfast serve`: a page in the browser follows its source by itself.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describeWithApache, openFolder, removeFolders } from "../support/apache.ts";
import { Browser, describeWithBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { startPool } from "../support/pool.ts";

const SHOWN_MS = 20_000;
const NAVIGATION = { Accept: "text/html,*/*;q=0.8" };

const page = (text: string): string => `const text: string = ${JSON.stringify(text)};
export default () => new Response(
  \`<!doctype html><title>t</title><link rel=stylesheet href="/style.css"><body><p id=p>\${text}</p></body>\`,
  { headers: { "content-type": "text/html; charset=utf-8" } },
);
`;

interface Site {
  readonly launched: Launched;
  readonly url: string;
}

async function serve(launch: ReturnType<typeof launcher>, ...args: string[]): Promise<Site> {
  const launched = launch(["serve", "--port", "0", "--threads", "1", ...args], {
    env: { EDITOR: "code --wait", HOLDFAST_EDITOR: undefined, VISUAL: undefined },
  });
  await launched.line(/Ctrl-C/, 30_000);
  return { launched, url: /^ {2}URL +(.*)\/$/m.exec(launched.output)?.[1] ?? "" };
}

describe("a page of `holdfast serve`", () => {
  const launch = launcher();
  let folder: string;
  beforeEach(() => {
    folder = openFolder();
    writeFileSync(join(folder, "index.ts"), page("one"));
  });
  afterEach(removeFolders);

  it("carries the script, only where a browser shows it, and nothing does with --no-live-reload or in other pools", async () => {
    const { url } = await serve(launch, folder, "--front", "builtin");
    const shown = await ask(url, "/", { headers: NAVIGATION });
    expect(shown.text).toMatch(/<script src="\/-\/holdfast\/live\.js\?page=[0-9a-f]+-1" async><\/script>\n<\/body>$/);
    expect(shown.headers["content-length"]).toBe(String(shown.bytes.length));
    expect((await ask(url, "/")).text).not.toContain("holdfast");
    expect((await ask(url, "/-/holdfast/live.js")).headers["content-type"]).toContain("text/javascript");

    const without = await serve(launch, folder, "--front", "builtin", "--no-live-reload");
    expect((await ask(without.url, "/", { headers: NAVIGATION })).text).not.toContain("holdfast");
    expect((await ask(without.url, "/-/holdfast/live")).status).toBe(404);

    const other = await startPool({ "index.ts": page("one") }, { threads: 1 });
    try {
      const text = String((await other.get("/", { HTTP_ACCEPT: "text/html" })).body);
      expect(text).toContain("one");
      expect(text).not.toContain("holdfast");
      expect((await other.get("/-/holdfast/live")).status).toBe(404);
    } finally {
      await other.stop();
    }
  }, 60_000);

  it("does not hold up Ctrl-C while it waits", async () => {
    const { launched, url } = await serve(launch, folder, "--front", "builtin");
    const { version, seen } = JSON.parse((await ask(url, "/-/holdfast/live")).text) as Record<string, string>;
    const waiting = request(`${url}/-/holdfast/live?page=${version}&seen=${seen}`).end();
    waiting.on("error", () => {});
    await once(waiting, "socket");
    // The pool has it once it answers what came after it.
    await ask(url, "/");
    const answered = once(waiting, "response");
    launched.signal("SIGINT");
    expect((await answered)[0].statusCode).toBe(200);
    waiting.destroy();
    expect((await launched.finished).code).toBe(0);
  }, 30_000);
});

describeWithApache("through Apache", () => {
  describeWithBrowser("a page in Chromium", () => {
    const launch = launcher();
    let browser: Browser;
    let folder: string;

    beforeAll(async () => {
      browser = await Browser.start();
    }, 30_000);
    afterAll(() => browser?.close());
    beforeEach(() => {
      folder = openFolder();
    });
    afterEach(removeFolders);

    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    /** In the middle of a navigation there is no page to ask. */
    const eventuallyIs = (expression: string, value: unknown): Promise<unknown> =>
      eventually(async () => (await browser.evaluate(expression).catch(() => undefined)) === value, SHOWN_MS);
    const TEXT = "document.querySelector('#p')?.textContent";
    const BANNER = "document.querySelector('holdfast-banner')?.shadowRoot.textContent ?? ''";

    it("shows a change by itself; of one that does not load it says so, until it is mended", async () => {
      write("app.ts", page("one"));
      const { url } = await serve(launch, "--front", "apache", join(folder, "app.ts"));
      await browser.open(url);
      await eventuallyIs(TEXT, "one");
      write("app.ts", page("two"));
      await eventuallyIs(TEXT, "two");

      write("app.ts", `${page("three")}const <b>broken</b> = ;\n`);
      const said = await eventually(async () => (await browser.evaluate<string>(BANNER)) || false, SHOWN_MS);
      expect(said).toContain("The last change does not load.");
      expect(said).toContain(join(folder, "app.ts:6:"));
      expect(said).toContain("const <b>broken</b> = ;");
      expect(await browser.evaluate(TEXT)).toBe("two");
      expect(
        await browser.evaluate("document.querySelector('holdfast-banner').shadowRoot.querySelector('b')"),
      ).toBeNull();
      expect(
        await browser.evaluate("document.querySelector('holdfast-banner').shadowRoot.querySelector('a').href"),
      ).toBe(`vscode://file${folder}/app.ts:6:7`);

      write("app.ts", page("four"));
      await eventuallyIs(TEXT, "four");
      expect(await browser.evaluate(BANNER)).toBe("");
      expect(browser.complaints).toEqual([]);
    }, 90_000);

    it("shows a changed stylesheet, and comes back from an error page when it is mended", async () => {
      write("index.ts", page("one"));
      write("style.css", "#p{color:rgb(1,1,1)}");
      const { url } = await serve(launch, "--front", "apache", folder);
      await browser.open(url);
      const colour = "getComputedStyle(document.querySelector('#p')).color";
      await eventuallyIs(colour, "rgb(1, 1, 1)");
      await eventuallyIs("performance.getEntriesByType('resource').some(({ name }) => name.includes('seen='))", true);
      write("style.css", "#p{color:rgb(2,2,2)}");
      await eventuallyIs(colour, "rgb(2, 2, 2)");

      write("index.ts", "export default () => { throw new Error('not today'); };\n");
      await eventuallyIs("document.querySelector('h1')?.textContent.includes('not today') ?? false", true);
      write("index.ts", page("mended"));
      await eventuallyIs(TEXT, "mended");

      // Of a folder, too, the last good version stays, with what it has loaded; a new file is not held up by that.
      write("index.ts", `${page("worse")}const broken = ;\n`);
      const said = await eventually(async () => (await browser.evaluate<string>(BANNER)) || false, SHOWN_MS);
      expect(said).toContain(join(folder, "index.ts:6:"));
      expect(await browser.evaluate(TEXT)).toBe("mended");
      expect((await ask(url, "/")).text).toContain("mended");
      write("new.ts", "export default () => new Response('new');\n");
      await eventually(async () => (await ask(url, "/new")).text === "new", SHOWN_MS);
      write("index.ts", page("well"));
      await eventuallyIs(TEXT, "well");
      await eventuallyIs(BANNER, "");
    }, 90_000);
  });
});
