// The example of server pages, as its README says it is to be run, looked at in a browser.

import { Browser, describeWithBrowser } from "../support/browser.ts";
import { ask } from "../support/http.ts";
import { launcher } from "../support/launch.ts";
import { example } from "./example.ts";

const DEADLINE_MS = 120_000;

describe("the pages example", () => {
  const launch = launcher();

  async function serve(): Promise<string> {
    const running = launch(["serve", example("pages"), "--front", "builtin", "--port", "0", "--threads", "1"]);
    return ((await running.line(/^ *URL +http/, DEADLINE_MS / 2)).trim().split(/\s+/)[1] ?? "").replace(/\/$/, "");
  }

  it(
    "takes a form, keeps markup as text, and says what is missing",
    async () => {
      const url = await serve();
      const post = (body: string) =>
        ask(url, "/", { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded" } });
      const posted = await post("name=%3Cb%3EBob&message=%3Cscript%3E&link=https%3A%2F%2Fx.test%2F");
      expect([posted.status, posted.headers.location]).toEqual([303, "./"]);
      const wall = await ask(url, "/?name=%3Cb%3EBob");
      expect(wall.text).toContain("<title>&lt;b&gt;Bob – Wall</title>");
      expect(wall.text).toContain("<p>&lt;script&gt;</p>");
      expect(wall.text).toContain('<a href="https://x.test/"');
      const refused = await post("name=&message=");
      expect([refused.status, refused.text.includes('role="alert"')]).toEqual([400, true]);
      expect((await ask(url, "/numbers?count=5000")).text).toContain("<td>25000000</td>");
      expect((await ask(url, "/about")).text).toMatch(/^<!doctype html><html lang="en">.*answers \/about\./s);
    },
    DEADLINE_MS,
  );

  it(
    "has right types",
    async () => {
      const { code, stdout } = await launch(["check", "--types", example("pages")]).finished;
      expect([code, stdout]).toEqual([0, ""]);
    },
    DEADLINE_MS,
  );

  describeWithBrowser("in Chromium", () => {
    it(
      "shows its layout and its entries, and no entry's code runs",
      async () => {
        const url = await serve();
        const browser = await Browser.start();
        try {
          await browser.view({ width: 900, height: 700, scheme: "light" });
          await browser.open(`${url}/`);
          const [title, entries, texts, links, scripts] = await browser.evaluate<unknown[]>(`[
            document.title, document.documentElement.dataset.entries,
            [...document.querySelectorAll("li p")].map((each) => each.textContent),
            [...document.querySelectorAll("a[rel]")].map((each) => each.href),
            document.querySelectorAll("li script").length,
          ]`);
          expect([title, entries, scripts]).toEqual(["Wall", "2", 0]);
          expect(texts).toContain('Everything here is text: <script>alert(1)</script>, "quotes" & all.');
          expect(links).toEqual(["https://example.org/?a=1&b=2", "about:invalid#refused"]);
          expect(browser.complaints).toEqual([]);
        } finally {
          await browser.close();
        }
      },
      DEADLINE_MS,
    );
  });
});
