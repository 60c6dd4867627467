import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { LogOutputs } from "../../src/supervisor/log-outputs.ts";
import { eventually } from "../support/eventually.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const LIMIT_BYTES = 1024;
const ACCESS_FD = 5;

describe("the logs of a supervisor", () => {
  const dirs = tempDirs();
  let dir: TempDir;
  let logs: LogOutputs;

  beforeEach(() => {
    dir = dirs();
    const log = { kind: "file", path: `${dir.path}/h.log` } as const;
    logs = new LogOutputs({ log, logFormat: "json", logLevel: "info", logLimitBytes: LIMIT_BYTES });
  });
  afterEach(() => logs.close(1000));

  const accessPath = (): string => `${dir.path}/access`;

  /** A process that runs `code` with its output in our hands. */
  function run(code: string, pool = "www"): ChildProcess {
    const log = logs.forPool({ name: pool, accessLog: { kind: "file", path: accessPath() } });
    const child = spawn(process.execPath, ["-e", code], {
      stdio: ["ignore", log.stdio, log.stdio, "ignore", "ignore", ...log.accessStdio],
    });
    log.attach(child, ACCESS_FD);
    return child;
  }

  const lines = (): Record<string, unknown>[] =>
    readFileSync(`${dir.path}/h.log`, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("take a process's own lines as they are, and put its pool's name on them", async () => {
    const line = { level: "warn", time: "2026-11-22T00:00:00.000Z", pool: "forged", worker: 3, msg: "hi" };
    await once(run(`process.stderr.write(${JSON.stringify(`${JSON.stringify(line)}\n`)})`), "close");
    expect(lines()).toEqual([{ ...line, pool: "www" }]);
  });

  it.each([
    ["no JSON", "Segmentation fault"],
    ["JSON of somebody else", '{"level":30,"msg":"pino"}'],
    ["JSON that is cut", '{"level":"info","time":"x","ms'],
    ["JSON that is no line of ours", '{"level":"info"}'],
  ])("make a line of what else it prints: %s", async (_what, text) => {
    const child = run(`process.stderr.write(${JSON.stringify(text)}); process.stdout.write("plain\\n");`);
    await once(child, "close");
    const where = { pool: "www", pid: child.pid };
    expect(lines()).toHaveLength(2);
    expect(lines()).toContainEqual(expect.objectContaining({ ...where, level: "warn", stream: "stderr", msg: text }));
    expect(lines()).toContainEqual(
      expect.objectContaining({ ...where, level: "info", stream: "stdout", msg: "plain" }),
    );
  });

  it("split what is longer than log_limit", async () => {
    await once(run(`process.stdout.write("x".repeat(${2 * LIMIT_BYTES + 1}))`), "close");
    expect(lines().map(({ msg, part, more }) => [String(msg).length, part, more])).toEqual([
      [LIMIT_BYTES, 1, true],
      [LIMIT_BYTES, 2, true],
      [1, 3, false],
    ]);
  });

  it("never mix lines of the access logs of several processes, in whatever pieces they come", async () => {
    const code = (name: string): string => `
      const { writeSync } = require("node:fs");
      for (let n = 0; n < 200; n++) { writeSync(5, "${name} "); writeSync(5, n + "\\n"); }
      writeSync(5, "${name} end");`;
    await Promise.all(["a", "b", "c"].map((name) => once(run(code(name)), "close")));
    const written = readFileSync(accessPath(), "utf8");
    for (const name of ["a", "b", "c"]) {
      const own = written.split("\n").filter((line) => line.startsWith(name));
      expect(own).toEqual([...Array.from({ length: 200 }, (_, n) => `${name} ${n}`), `${name} end`]);
    }
  });

  it("open a file anew as long as a process writes to it, and let it go afterwards", async () => {
    const child = run(`setInterval(() => require("node:fs").writeSync(5, "line\\n"), 5)`);
    await eventually(() => existsSync(accessPath()) && readFileSync(accessPath(), "utf8") !== "");
    renameSync(accessPath(), `${accessPath()}.1`);
    logs.reopen();
    await eventually(() => readFileSync(accessPath(), "utf8") !== "");
    child.kill();
    await once(child, "close");
    renameSync(accessPath(), `${accessPath()}.2`);
    logs.reopen();
    expect(existsSync(accessPath())).toBe(false);
  });
});
