// `holdfast request` as a person runs it.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { launcher } from "../support/launch.ts";
import { processesWith } from "../support/processes.ts";
import { tempDirs } from "../support/temp-dir.ts";

const HANDLER = `
export default async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (searchParams.has("throw")) throw new Error("a mistake of the app");
  const status = Number(searchParams.get("status") ?? 200);
  const body = await request.text();
  return new Response([request.method, pathname, request.headers.get("x-a"), body].join("|"), { status, headers: { "X-B": "2" } });
};
`;

describe("`holdfast request`", () => {
  const launch = launcher();
  const tempDir = tempDirs();

  function site(): string {
    const dir = tempDir();
    dir.write("echo.ts", HANDLER);
    dir.write("data.txt", "from a file");
    return dir.path;
  }

  it("calls a handler of a folder and prints the body alone", async () => {
    const { code, stdout, stderr } = await launch(["request", "/echo?x=1", "--root", site()]).finished;
    expect([code, stdout, stderr]).toEqual([0, "GET|/echo||", ""]);
  });

  it("takes method, headers and body as curl does, and prints the head with -i", async () => {
    const args = ["request", "/echo.ts", "-d", "a=1", "-H", "X-A: one", "-i", "--root", site()];
    const { code, stdout } = await launch(args).finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(stdout).toMatch(/x-b: 2\r\n/i);
    expect(stdout).toMatch(/\r\n\r\nPOST\|\/echo\.ts\|one\|a=1$/);
  });

  it("sends a file as body", async () => {
    const root = site();
    const { stdout } = await launch([
      "request",
      "/echo",
      "-X",
      "PUT",
      "-d",
      `@${join(root, "data.txt")}`,
      "--root",
      root,
    ]).finished;
    expect(stdout).toBe("PUT|/echo||from a file");
  });

  it("calls an app module", async () => {
    const { stdout } = await launch(["request", "/any/path", "--app", join(site(), "echo.ts")]).finished;
    expect(stdout).toBe("GET|/any/path||");
  });

  it("calls a pool of a configuration without its socket", async () => {
    const dir = tempDir();
    dir.write("site/echo.ts", HANDLER);
    const file = dir.write("holdfast.toml", '[pools.www]\nlisten = "./www.sock"\nroot = "./site"\nallow_root = true\n');
    const { code, stdout, stderr } = await launch(["request", "/echo", "-c", file]).finished;
    expect([code, stdout, stderr]).toEqual([0, "GET|/echo||", ""]);
  });

  it("ends with 22 for a status of 400 and above, and still prints the body", async () => {
    const { code, stdout } = await launch(["request", "/echo?status=404", "--root", site()]).finished;
    expect([code, stdout]).toEqual([22, "GET|/echo||"]);
  });

  it("shows what a handler threw in the body and in the log", async () => {
    const { code, stdout, stderr } = await launch(["request", "/echo?throw", "--root", site()]).finished;
    expect(code).toBe(22);
    expect(stdout).toContain("a mistake of the app");
    expect(stderr).toContain("a mistake of the app");
  });

  it("leaves no process and no file when TERM comes while the app still loads", async () => {
    const dir = tempDir();
    const tmp = dirname(dir.write("tmp/x", ""));
    const app = dir.write("app.ts", "await new Promise(() => setInterval(() => {}, 1000));");
    const launched = launch(["request", "/", "--app", app], { env: { TMPDIR: tmp } });
    await eventually(() => processesWith(`TMPDIR=${tmp}`).length > 1);
    launched.signal("SIGTERM");
    expect(await launched.finished).toMatchObject({
      code: 70,
      signal: null,
      stderr: expect.stringContaining("SIGTERM"),
    });
    expect(processesWith(`TMPDIR=${tmp}`)).toEqual([]);
    expect(readdirSync(tmp)).toEqual(["x"]);
  });

  it("ends with 70 for an app that does not load, and 64 for what it cannot mean", async () => {
    const dir = tempDir();
    const broken = dir.write("app.ts", 'throw new Error("not today");');
    const failed = await launch(["request", "/", "--app", broken]).finished;
    expect(failed.code).toBe(70);
    expect(failed.stderr).toContain("not today");
    const missing = await launch(["request", "/", "--root", join(dir.path, "nowhere")]).finished;
    expect(missing.code).toBe(64);
    const both = await launch(["request", "/", "--root", dir.path, "--app", broken]).finished;
    expect([both.code, both.stderr]).toEqual([64, expect.stringContaining("exclude one another")]);
  });
});
