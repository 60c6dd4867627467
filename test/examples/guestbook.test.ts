// The guestbook as a visitor meets it: `holdfast serve` with either front, over either database.

import { describeWithApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, ask } from "../support/http.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { describeWithPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { isRunning } from "../support/processes.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { example } from "./example.ts";

describe("the guestbook behind the built-in front, in SQLite", () => {
  const tempDir = tempDirs();
  const open = opener("builtin", () => ({ GUESTBOOK_DB: `${tempDir().path}/guestbook.db`, DATABASE_URL: undefined }));
  keepsState(open, /^SQLite 3\./);
  mindsItsVisitors(open);
});

describeWithApache("the guestbook behind Apache, in SQLite", () => {
  const tempDir = tempDirs();
  const open = opener("apache", () => ({ GUESTBOOK_DB: `${tempDir().path}/guestbook.db`, DATABASE_URL: undefined }));
  keepsState(open, /^SQLite 3\./);
  mindsItsVisitors(open);
});

describeWithPostgres("the guestbook behind the built-in front, in PostgreSQL", () => {
  let postgres: TestPostgres;
  beforeEach(async () => {
    postgres = await startPostgres();
  }, 40_000);
  afterEach(() => postgres.stop());
  keepsState(
    opener("builtin", () => ({ DATABASE_URL: postgres.url })),
    /^PostgreSQL \d+\./,
  );
});

interface Opened {
  readonly url: string;
  readonly running: Launched;
  /** Starts it again, over the same database. */
  again(): Promise<Opened>;
}

type Open = (...options: string[]) => Promise<Opened>;

function opener(front: "builtin" | "apache", environment: () => Readonly<Record<string, string | undefined>>): Open {
  const launch = launcher();
  return (...options) => {
    const env = environment();
    const again = async (): Promise<Opened> => {
      const running = launch(["serve", example("guestbook"), "--front", front, "--port", "0", ...options], { env });
      const line = await running.line(/^ *URL +http/);
      return { url: line.trim().split(/\s+/)[1] ?? "", running, again };
    };
    return again();
  };
}

function sign(url: string, name: string, message: string): Promise<Answer> {
  return ask(url, "/", {
    method: "POST",
    body: new URLSearchParams({ name, message }).toString(),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
}

function keepsState(open: Open, engine: RegExp): void {
  it("shows who answered: figures of one worker grow, and its connection ages with it", async () => {
    const { url } = await open("--threads", "1");
    const first = await ask(url, "/");
    expect(first.status).toBe(200);
    expect(first.headers["content-type"]).toBe("text/html; charset=utf-8");
    const before = figures(first);
    const after = figures(await ask(url, "/"));
    expect(before).toMatchObject({ worker: 1, requests: 1, engine: expect.stringMatching(engine) });
    expect(after).toMatchObject({ worker: 1, generation: before.generation, requests: 2, engine: before.engine });
    expect(after.connectionMs).toBeGreaterThan(before.connectionMs);
  });

  it("is signed: the form is answered by a redirect, and the entry is there for every worker", async () => {
    const { url } = await open();
    const signed = await sign(url, "Grüße", "日本語 👋🏽\nzweite Zeile");
    expect([signed.status, signed.headers.location]).toEqual([303, "/#entries"]);
    const pages = await Promise.all(Array.from({ length: 8 }, () => ask(url, "/")));
    for (const page of pages) {
      expect(page.text).toContain("日本語 👋🏽\nzweite Zeile");
      expect(page.text).toContain("1 entry");
    }
  });

  it("keeps its entries when it is stopped and started again, and leaves no process behind", async () => {
    const { url, running, again } = await open();
    await sign(url, "Ada", "still here");
    const family = [running.pid, ...running.descendants()];
    running.signal("SIGTERM");
    expect((await running.finished).code).toBe(0);
    await eventually(() => !family.some(isRunning));
    expect((await ask((await again()).url, "/")).text).toContain("still here");
  });
}

function mindsItsVisitors(open: Open): void {
  it("shows what was written as text, never as markup, and runs no script", async () => {
    const { url } = await open();
    await sign(url, `"><script>alert(1)</script>`, "<img src=x onerror=alert(2)>");
    const page = await ask(url, "/");
    expect(page.text).toContain("&#60;img src=x onerror=alert(2)&#62;");
    expect(page.text).not.toMatch(/<script|<img/);
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  });

  it("refuses an empty form with the page itself, and what is no form without it", async () => {
    const { url } = await open();
    const empty = await sign(url, "", "kept text");
    expect(empty.status).toBe(422);
    expect(empty.text).toContain("Please write your name.");
    expect(empty.text).toContain("kept text</textarea>");
    expect((await ask(url, "/", { method: "POST", body: "{}" })).status).toBe(400);
    expect((await sign(url, "x", "y".repeat(200_000))).status).toBe(400);
    expect((await ask(url, "/")).text).toContain("Nobody has signed yet");
  });

  it("does not take the form of another site", async () => {
    const { url } = await open();
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site" };
    expect((await ask(url, "/", { method: "POST", body: "name=a&message=b", headers })).status).toBe(403);
  });

  it("measures the same page as CGI when asked, once, and shows the figure from then on", async () => {
    const { url } = await open("--threads", "1");
    expect((await ask(url, "/")).text).toContain("Measure it here");
    const measured = await ask(url, "/?measure", { deadlineMs: 30_000 });
    expect(cgiFigure(measured)).toMatch(/^[\d.]+ m?s$/);
    expect(cgiFigure(await ask(url, "/"))).toBe(cgiFigure(measured));
  }, 40_000);

  it("serves its style and its icon, and never its parts", async () => {
    const { url } = await open();
    const style = await ask(url, "/style.css");
    expect([style.status, style.headers["content-type"]]).toEqual([200, expect.stringContaining("text/css")]);
    const icon = await ask(url, "/icon.svg");
    expect([icon.status, icon.headers["content-type"]]).toEqual([200, expect.stringContaining("image/svg+xml")]);
    const parts = await Promise.all(["/_book.ts", "/_sqlite", "/_cgi.ts", "/_cgi"].map((path) => ask(url, path)));
    for (const part of parts) {
      expect([403, 404]).toContain(part.status);
      expect(part.text).not.toContain("import");
    }
  });

  it("answers 405 to other methods, and HEAD without a body", async () => {
    const { url } = await open();
    const put = await ask(url, "/", { method: "PUT", body: "x" });
    expect([put.status, put.headers.allow?.split(", ").sort()]).toEqual([405, ["GET", "HEAD", "OPTIONS", "POST"]]);
    const head = await ask(url, "/", { method: "HEAD" });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });
}

function figures({ text }: Answer) {
  const of = (id: string) => new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(text)?.[1] ?? "";
  return {
    worker: Number(of("worker")),
    generation: Number(of("generation")),
    requests: Number(of("requests")),
    engine: of("engine"),
    connectionMs: Number(/id="connection" value="(\d+)"/.exec(text)?.[1]),
  };
}

function cgiFigure({ text }: Answer): string | undefined {
  return /<b>([^<]*)<\/b> <span>as a CGI process/.exec(text)?.[1];
}
