// `holdfast serve` with Apache in front, as a person runs it.

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeWithApache, openFolder, removeFolders } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { isRunning } from "../support/processes.ts";
import { itAsRoot } from "../support/user.ts";

const hello = (text: string): string => `export default () => new Response(${JSON.stringify(text)});\n`;

describeWithApache("`holdfast serve` with Apache", () => {
  const launch = launcher();
  let folder: string;

  beforeEach(() => {
    folder = openFolder();
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "index.ts"), hello("home"));
    writeFileSync(join(folder, "about.ts"), hello("about"));
    writeFileSync(join(folder, "env.ts"), "export default (_, ctx) => Response.json({ ...ctx.env });\n");
    writeFileSync(join(folder, "style.css"), "body{}");
    writeFileSync(join(folder, "sub", "index.html"), "<p>sub");
    writeFileSync(join(folder, "_helper.ts"), "");
  });
  afterEach(removeFolders);

  async function serve(...args: string[]): Promise<{ launched: Launched; url: string; value(name: string): string }> {
    const launched = launch(["serve", "--front", "apache", "--port", "0", "--threads", "1", ...args]);
    await launched.line(/Ctrl-C/);
    const value = (name: string): string => new RegExp(`^  ${name} +(.*)$`, "m").exec(launched.output)?.[1] ?? "";
    return { launched, url: value("URL").replace(/\/$/, ""), value };
  }

  it("serves handlers, extensionless URLs, PATH_INFO, folders and static files", async () => {
    const { url, value } = await serve(folder);
    expect(value("front")).toMatch(/^Apache 2\.4.*handlers by SetHandler/);
    expect((await ask(url, "/")).text).toBe("home");
    expect((await ask(url, "/about")).text).toBe("about");
    expect((await ask(url, "/about.ts")).text).toBe("about");
    expect(JSON.parse((await ask(url, "/env.ts/x/y")).text)).toMatchObject({ PATH_INFO: "/x/y" });
    expect(JSON.parse((await ask(url, "/env/x/y")).text)).toMatchObject({ PATH_INFO: "/x/y" });
    expect((await ask(url, "/sub/")).text).toBe("<p>sub");
    expect(await ask(url, "/style.css")).toMatchObject({
      text: "body{}",
      headers: { "content-type": "text/css; charset=utf-8" },
    });
    expect((await ask(url, "/missing")).status).toBe(404);
    expect([403, 404]).toContain((await ask(url, "/_helper.ts")).status);
  });

  it("passes every URL to an app module", async () => {
    writeFileSync(join(folder, "app.ts"), hello("app"));
    const { url, value } = await serve(join(folder, "app.ts"));
    expect(value("front")).toContain("everything by ProxyPass");
    for (const path of ["/", "/about.ts", "/style.css", "/.hidden", "/node_modules/x.js"]) {
      expect([path, (await ask(url, path)).text]).toEqual([path, "app"]);
    }
  });

  it("runs CGI programs of every name, and sends nobody their text", async () => {
    const program = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nrun'\n";
    for (const name of ["old.sh", "old.pl", "bare"]) {
      writeFileSync(join(folder, name), program);
      chmodSync(join(folder, name), 0o755);
    }
    const { url, value } = await serve(folder, "--kind", "cgi");
    expect(value("front")).toContain("everything by ProxyPass");
    for (const path of ["/old.sh", "/old.pl", "/bare", "/bare/x"]) {
      expect([path, (await ask(url, path)).text]).toEqual([path, "run"]);
    }
    expect((await ask(url, "/style.css")).text).toBe("body{}");
  });

  it("takes a changed file without a restart", async () => {
    const { url } = await serve(folder);
    expect((await ask(url, "/")).text).toBe("home");
    writeFileSync(join(folder, "index.ts"), hello("changed"));
    await eventually(async () => (await ask(url, "/")).text === "changed");
  });

  it("ends Apache, the pool and the folder of both at one signal", async () => {
    const { launched, value } = await serve(folder);
    const processes = launched.descendants();
    const commands = processes.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    expect(commands.some((command) => command.includes("-DFOREGROUND"))).toBe(true);
    launched.signal("SIGINT");
    expect((await launched.finished).code).toBe(0);
    await eventually(() => processes.every((pid) => !isRunning(pid)));
    expect(existsSync(dirname(value("socket")))).toBe(false);
  });

  it("takes Apache with it when it is killed", async () => {
    const { launched, value } = await serve(folder);
    const processes = launched.descendants();
    launched.signal("SIGKILL");
    await eventually(() => processes.every((pid) => !isRunning(pid)));
    // A process that is killed removes nothing.
    rmSync(dirname(value("socket")), { recursive: true });
  });

  it("ends with 69 and Apache's last words when Apache ends by itself", async () => {
    const { launched, value } = await serve(folder);
    const apache = Number(readFileSync(join(dirname(value("socket")), "apache.pid"), "utf8"));
    process.kill(apache, "SIGTERM");
    const { code, stderr } = await launched.finished;
    expect(code).toBe(69);
    expect(stderr).toContain("Apache ended by itself");
    expect(stderr).toContain("caught SIGTERM");
  });

  itAsRoot("lets the pool serve the files that Apache's account cannot read", async () => {
    chmodSync(folder, 0o700);
    const { url, value } = await serve(folder);
    expect(value("front")).toContain("everything by ProxyPass");
    expect((await ask(url, "/")).text).toBe("home");
    expect((await ask(url, "/style.css")).text).toBe("body{}");
    expect((await ask(url, "/sub/")).text).toBe("<p>sub");
    // Apache makes doubled slashes one before its rules look at the path; so does the pool.
    expect((await ask(url, "//sub//../style.css")).text).toBe("body{}");
    expect((await ask(url, "//sub")).headers.location).toBe("/sub/");
    expect((await ask(url, "/sub\\..\\style.css")).status).toBe(404);
  });
});
