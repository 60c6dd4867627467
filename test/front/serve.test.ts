// `holdfast serve` as a person runs it, with the built-in front; test/apache has the other one.

import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { isRunning, processesWith } from "../support/processes.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const hello = (text: string): string => `export default () => new Response(${JSON.stringify(text)});\n`;

describe("`holdfast serve` with the built-in front", () => {
  const launch = launcher();
  const tempDir = tempDirs();
  let dir: TempDir;

  beforeEach(() => {
    dir = tempDir();
    dir.write("index.ts", hello("home"));
    dir.write("sub/page.ts", hello("page"));
    dir.write("style.css", "body{}");
    dir.write("_helper.ts", "");
  });

  async function serve(...args: string[]): Promise<{ launched: Launched; url: string; socket: string }> {
    const launched = launch(["serve", "--front", "builtin", "--port", "0", "--threads", "1", ...args]);
    await launched.line(/Ctrl-C/);
    const value = (name: string): string => new RegExp(`^  ${name} +(.*)$`, "m").exec(launched.output)?.[1] ?? "";
    return { launched, url: value("URL").replace(/\/$/, ""), socket: value("socket") };
  }

  it("serves a folder: handlers, and static files with their types", async () => {
    const { url } = await serve(dir.path);
    expect((await ask(url, "/")).text).toBe("home");
    expect((await ask(url, "/sub/page")).text).toBe("page");
    expect(await ask(url, "/style.css")).toMatchObject({
      text: "body{}",
      headers: { "content-type": expect.stringMatching(/^text\/css/) },
    });
    expect((await ask(url, "/_helper.ts")).status).toBe(404);
  });

  it("serves an app module, which answers every URL", async () => {
    const { url } = await serve(dir.write("app.ts", hello("app")));
    for (const path of ["/", "/any/where", "/style.css"]) expect((await ask(url, path)).text).toBe("app");
  });

  it("serves a folder of published functions, and its error as a page", async () => {
    dir.write(
      "index.ts",
      `import { publish } from "holdfast";
       export const init = () => ({ begun: 0 });
       export default publish({
         index: () => "<!doctype html><title>index</title></html>",
         hello: ({ name = "world" }, ctx) => \`Hello \${name} \${++ctx.state.begun}\`,
         fails: () => { throw new Error("a mistake of the app"); },
       });`,
    );
    const { url } = await serve(dir.path, "--kind", "publisher");
    expect(await ask(url, "/")).toMatchObject({
      status: 200,
      headers: { "content-type": expect.stringMatching(/^text\/html/) },
    });
    expect((await ask(url, "/hello")).text).toBe("Hello world 1");
    expect((await ask(url, "/hello?name=Ada")).text).toBe("Hello Ada 2");
    expect((await ask(url, "/style.css")).text).toBe("body{}");
    expect((await ask(url, "/none")).status).toBe(404);
    const failed = await ask(url, "/fails", { headers: { Accept: "text/html" } });
    expect([failed.status, failed.text]).toEqual([500, expect.stringContaining("a mistake of the app")]);
    dir.write("index.ts", 'import { publish } from "holdfast";\nexport default publish({ hello: () => "changed" });');
    await eventually(async () => (await ask(url, "/hello")).text === "changed");
  });

  it("serves a folder of CGI programs: scripts in the worker, others as children", async () => {
    dir.write("old.js", 'console.log("Content-Type: text/plain\\n\\n" + process.env.QUERY_STRING + process.pid);');
    const shell = dir.write(
      "old.cgi",
      '#!/bin/sh\nprintf "Status: 201 Made\\nContent-Type: text/plain\\n\\n$PATH_INFO"',
    );
    chmodSync(shell, 0o755);
    dir.write("fails.js", 'console.log("Content-Type: text/plain\\n"); throw new Error("a mistake of the script");');
    const { launched, url } = await serve(dir.path, "--kind", "cgi");
    const answer = await ask(url, "/old.js?a=b");
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "text/plain" } });
    expect(launched.descendants()).toContain(Number(answer.text.trim().slice("a=b".length)));
    expect(await ask(url, "/old.cgi/x/y")).toMatchObject({ status: 201, text: "/x/y" });
    await ask(url, "/fails.js").catch(() => {});
    await launched.line(/a mistake of the script/);
    expect((await ask(url, "/style.css")).text).toBe("body{}");
    dir.write("old.js", 'console.log("Content-Type: text/plain\\n\\nchanged");');
    await eventually(async () => (await ask(url, "/old.js")).text.trim() === "changed");
  });

  it("ends with 64 for a kind that there is not, and says which there are", async () => {
    const { code, stderr } = await launch(["serve", dir.path, "--front", "builtin", "--kind", "php"]).finished;
    expect(code).toBe(64);
    expect(stderr).toContain("publisher");
    expect(stderr).not.toContain("    at ");
  });

  it("takes a changed file without a restart", async () => {
    const { url } = await serve(dir.path);
    expect((await ask(url, "/")).text).toBe("home");
    writeFileSync(join(dir.path, "index.ts"), hello("changed"));
    await eventually(async () => (await ask(url, "/")).text === "changed");
  });

  it("shows a handler's error in the page", async () => {
    dir.write("broken.ts", 'export default () => { throw new Error("a mistake of the app"); };');
    const { url } = await serve(dir.path);
    const { status, text } = await ask(url, "/broken", { headers: { Accept: "text/html" } });
    expect(status).toBe(500);
    expect(text).toContain("a mistake of the app");
    expect(text).toContain("broken.ts");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends with everything that it started at %s", async (signal) => {
    const { launched, url, socket } = await serve(dir.path);
    await ask(url, "/");
    const processes = launched.descendants();
    expect(processes.length).toBeGreaterThan(0);
    expect(existsSync(socket)).toBe(true);
    launched.signal(signal);
    expect((await launched.finished).code).toBe(0);
    expect(processes.filter(isRunning)).toEqual([]);
    expect(existsSync(dirname(socket))).toBe(false);
  });

  it.each([
    ["the first line", /./],
    ["the line that it has started", /supervisor started/],
  ])("leaves no process and no file when TERM comes with %s", async (_, line) => {
    const tmp = dirname(dir.write("tmp/x", ""));
    const launched = launch(["serve", dir.path, "--front", "builtin", "--port", "0"], { env: { TMPDIR: tmp } });
    await launched.line(line);
    expect(processesWith(`TMPDIR=${tmp}`)).toContain(launched.pid);
    launched.signal("SIGTERM");
    expect(await launched.finished).toMatchObject({ code: 0, signal: null });
    expect(processesWith(`TMPDIR=${tmp}`)).toEqual([]);
    expect(readdirSync(tmp)).toEqual(["x"]);
  });

  it("is ended at once by a second signal", async () => {
    dir.write("slow.ts", "export default () => new Promise(() => {});");
    const { launched, url } = await serve(dir.path);
    const open = ask(url, "/slow").then(
      () => "answered",
      () => "cut",
    );
    await eventually(async () => (await ask(url, "/")).status === 200);
    launched.signal("SIGINT");
    await launched.line(/closing the front/);
    const before = performance.now();
    launched.signal("SIGTERM");
    await launched.finished;
    // Without it the front alone would wait longer for what is open.
    expect(performance.now() - before).toBeLessThan(1500);
    expect(await open).toBe("cut");
  });

  it("ends with 69 when its port is taken, and leaves nothing", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, stderr } = await launch(["serve", dir.path, "--front", "builtin", "--port", String(port)]).finished;
    other.close();
    expect(code).toBe(69);
    expect(stderr).toContain(`127.0.0.1:${port} is in use by another program`);
    expect(stderr).toContain("choose another port with --port");
  });

  it("has nothing to warn about in an app of one's own", async () => {
    const app = dir.write("app.ts", "export default () => new Response('ok');\n");
    const launched = launch(["serve", app, "--front", "builtin", "--port", "0"]);
    await launched.line(/Ctrl-C/);
    launched.signal("SIGTERM");
    expect((await launched.finished).stderr).not.toMatch(/has no effect/);
  });

  it("ends with 70 and the author's stack when the app does not load", async () => {
    const app = dir.write("app.ts", "const n: number = 1;\nthrow new Error('not today ' + n);\n");
    const { code, stderr } = await launch(["serve", app, "--front", "builtin", "--port", "0"]).finished;
    expect(code).toBe(70);
    expect(stderr).toMatch(/not today 1/);
    expect(stderr).toMatch(/app\.ts:2/);
  });

  it("ends with 64 for a path that is none", async () => {
    const tmp = dirname(dir.write("tmp/x", ""));
    const { code, stderr } = await launch(["serve", join(dir.path, "nowhere")], { env: { TMPDIR: tmp } }).finished;
    expect([code, stderr]).toEqual([64, expect.stringContaining("cannot be read")]);
    expect(readdirSync(tmp)).toEqual(["x"]);
  });
});
