// `holdfast status` against a running supervisor: as text, as metrics, as a live screen on a terminal.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { launcher } from "../support/launch.ts";
import { skip } from "../support/skip.ts";
import { tempDirs } from "../support/temp-dir.ts";

const BIN = fileURLToPath(new URL("../../../bin/holdfast.js", import.meta.url));
/** Gives a program a terminal (bsdutils, on every Debian). */
const SCRIPT = "/usr/bin/script";

describe("holdfast status", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let config: string;

  async function start(processes: number): Promise<void> {
    const dir = tempDir();
    dir.write("app.mjs", "export default () => new Response();");
    config = dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\n` +
        `[pools.www]\nlisten = "./www.sock"\napp = "./app.mjs"\nthreads = 1\nprocesses = ${processes}\nallow_root = true\n`,
    );
    await launch(["start", "-c", config]).line(/"msg":"serving"/);
  }

  const run = (...args: readonly string[]) => launch(["status", "-c", config, ...args]).finished;

  it("sums up the processes of a pool, and has the metrics of each", async () => {
    await start(2);
    const lines = await eventually(async () => {
      const { stdout } = await run();
      return /×2/.test(stdout) && stdout.split("\n");
    }, 15_000);
    expect(lines[3]).toMatch(/^www +ready +×2 +1 +0\/2 +0 +0\/256 /);
    const pids = lines.slice(4, 6).map((line) => /ready +(\d+)/.exec(line)?.[1]);
    const metrics = (await run("--metrics")).stdout.split("\n");
    expect(metrics.filter((line) => line.startsWith("holdfast_ready")).sort()).toEqual(
      pids.map((pid) => `holdfast_ready{pool="www",pid="${pid}"} 1`).sort(),
    );
  }, 30_000);

  it("has no colours where there is no terminal", async () => {
    await start(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect((await run()).stdout).not.toMatch(/\u001b/);
  });

  it("--watch without a terminal prints a report every second", async () => {
    await start(1);
    const watching = launch(["status", "-c", config, "--watch", "--json"]);
    await eventually(() => watching.output.split("\n").length > 2, 10_000);
    const [first = ""] = watching.output.split("\n");
    expect(JSON.parse(first).pools[0].name).toBe("www");
    watching.signal("SIGINT");
    await watching.finished;
  });

  if (!existsSync(SCRIPT)) skip("on a terminal", `there is no ${SCRIPT}`, () => it.todo("--watch"));
  else {
    describe("on a terminal", () => {
      const watchOn = async (env: Readonly<Record<string, string>>): Promise<string> => {
        // Without exec the shell would stay between, and some shells die of the Ctrl-C that the program took.
        const command = `exec ${process.execPath} ${BIN} status -c ${config} --watch`;
        const terminal = spawn(SCRIPT, ["-qfec", command, "/dev/null"], {
          // Node's own rule takes CI for a reason against colours.
          env: {
            ...process.env,
            SHELL: "/bin/sh",
            TERM: "xterm",
            CI: undefined,
            NO_COLOR: undefined,
            ...env,
          } as NodeJS.ProcessEnv,
          stdio: ["pipe", "pipe", "inherit"],
        });
        let shown = "";
        terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
          shown += text;
        });
        try {
          await eventually(() => shown.split("POOL").length > 2, 15_000);
          // Ctrl-C, as it is typed.
          terminal.stdin.write("\u0003");
          const [code] = await once(terminal, "exit");
          expect(code).toBe(0);
        } finally {
          terminal.kill("SIGKILL");
        }
        return shown;
      };

      it("--watch draws on the other page, and leaves the terminal as it was", async () => {
        await start(1);
        const shown = await watchOn({});
        expect(shown.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
        expect(shown).toContain("\u001b[1mPOOL");
        expect(shown).toContain("req/s");
        expect(shown.trimEnd().endsWith("\u001b[0m\u001b[?25h\u001b[?1049l")).toBe(true);
      });

      it("--watch obeys NO_COLOR", async () => {
        await start(1);
        expect(await watchOn({ NO_COLOR: "1" })).not.toContain("\u001b[1m");
      });
    });
  }
});
