// The status page as an administrator sees it: in a browser, through Apache.

import { chmodSync } from "node:fs";
import { describeWithApache, openFolder, removeFolders, startTestApache, type TestApache } from "../support/apache.ts";
import { Browser, describeWithBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { type RunningPool, startPool } from "../support/pool.ts";

const SHOWN_MS = 15_000;

describeWithApache("through Apache", () => {
  let pool: RunningPool;
  let apache: TestApache;

  beforeAll(async () => {
    pool = await startPool(
      {
        "hello.ts": `export default () => new Response("hello");`,
        "waits.ts": `export default () => new Promise(() => {});`,
      },
      { threads: 2, listen_mode: "0666", status: { path: "/-/status", metrics_path: "/-/metrics" } },
    );
    // Apache's processes are another user's.
    for (const path of [pool.dir.path, `${pool.dir.path}/root`]) chmodSync(path, 0o755);
    chmodSync(pool.path, 0o666);
    apache = await startTestApache(openFolder(), [`ProxyPass "/" "unix:${pool.path}|fcgi://pool/" retry=0`]);
  });

  afterAll(async () => {
    await apache?.stop();
    await pool?.stop();
    removeFolders();
  });

  it("a stranger is told that there is no such page", async () => {
    const headers = { "X-Forwarded-For": "203.0.113.9" };
    for (const path of ["/-/status", "/-/metrics", "/-/status?json&full"]) {
      expect((await ask(apache.url, path, { headers })).status).toBe(404);
      expect((await ask(apache.url, path)).status).toBe(200);
    }
    await eventually(() =>
      pool.lines.some(({ msg, reason }) => msg === "status refused" && /proxy/.test(String(reason))),
    );
  });

  it("its policy lets run only what it brings", async () => {
    const { headers, text } = await ask(apache.url, "/-/status", { headers: { Accept: "text/html,*/*;q=0.8" } });
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'sha256-[^ ']+'; style-src 'sha256-/,
    );
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(text).not.toMatch(/<[^>]+\s(?:style|on\w+)=/);
  });

  describeWithBrowser("in Chromium", () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await Browser.start();
    }, 30_000);

    afterAll(() => browser?.close());

    const text = (selector: string): Promise<string> =>
      browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);

    it(
      "shows the numbers, the charts, and requests of strangers as mere text",
      async () => {
        const hostile = "/waits/%3Cscript%3Ealert(1)%3C/script%3E<img/src=x/onerror=alert(2)>?password=secret";
        for (let n = 0; n < 25; n++) expect((await ask(apache.url, "/hello")).status).toBe(200);
        const client = await pool.connect();
        client.begin({ params: { ...paramsOf(hostile), SCRIPT_NAME: "/waits" } });
        await eventually(() => pool.pool.status().workers.some(({ open }) => open === 1));

        await browser.view({ width: 1200, height: 900, scheme: "light" });
        await browser.open(`${apache.url}/-/status`);
        await eventually(async () => (await text("#state")) === "serving", SHOWN_MS);
        expect(await text("h1")).toBe("test");
        expect(await text("#tiles")).toMatch(/Workers busy\s*1 of 2/);
        expect(await text("#totals")).toMatch(/Served by workers\s*25/);
        expect(await text("#totals")).toMatch(/Cache entries\s*0\s*Cache memory\s*0 B/);
        expect(await text("#totals")).toMatch(/Locks held\s*0/);
        expect(await text("#requests")).toContain("/waits/%3Cscript%3Ealert(1)");
        expect(await text("body")).not.toContain("secret");
        expect(await browser.evaluate("document.querySelectorAll('img, #requests script').length")).toBe(0);
        // A second later there is more of a line, and it was drawn.
        const points =
          "Math.max(...[...document.querySelectorAll('figure path')].map((path) => path.getAttribute('d').split('L').length))";
        const before = await browser.evaluate<number>(points);
        await eventually(async () => (await browser.evaluate<number>(points)) > before, SHOWN_MS);
        expect(await browser.evaluate("document.querySelectorAll('figure').length")).toBe(9);
        expect(browser.complaints).toEqual([]);
        await client.close();
      },
      2 * SHOWN_MS,
    );

    it.each([
      [1200, "light"],
      [1200, "dark"],
      [360, "light"],
      [360, "dark"],
    ] as const)(
      "fits a window of %i pixels, %s",
      async (width, scheme) => {
        await browser.view({ width, height: 740, scheme });
        await browser.open(`${apache.url}/-/status`);
        await eventually(async () => (await text("#state")) === "serving", SHOWN_MS);
        expect(
          await browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"),
        ).toBe(false);
        const [ground, ink] = await browser.evaluate<[string, string]>(
          "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]",
        );
        const isDark = brightness(ground) < brightness(ink);
        expect(isDark).toBe(scheme === "dark");
        expect(Math.abs(brightness(ground) - brightness(ink))).toBeGreaterThan(180);
        expect((await browser.picture()).length).toBeGreaterThan(10_000);
        expect(browser.complaints).toEqual([]);
      },
      2 * SHOWN_MS,
    );

    it(
      "says so when the pool no longer answers",
      async () => {
        await apache.stop();
        await eventually(async () => (await text("#state")) === "no answer", SHOWN_MS);
        expect(await text("#notice")).toMatch(/does not answer/);
      },
      2 * SHOWN_MS,
    );
  });
});

function brightness(rgb: string): number {
  const [red = 0, green = 0, blue = 0] = rgb.match(/\d+/g)?.map(Number) ?? [];
  return (red * 299 + green * 587 + blue * 114) / 1000;
}

function paramsOf(uri: string): Record<string, string> {
  return { REQUEST_METHOD: "GET", REQUEST_URI: uri, REMOTE_ADDR: "127.0.0.1", SERVER_NAME: "test", SERVER_PORT: "80" };
}
