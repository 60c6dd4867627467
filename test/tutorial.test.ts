// docs/tutorial.md as somebody types it: its files are written, its commands run in their order, and what they
// print is what it says.

import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describeWithApache } from "./support/apache.ts";
import { eventually } from "./support/eventually.ts";
import { type Launched, launcher } from "./support/launch.ts";
import { type Fence, split } from "./support/markdown.ts";
import { tempDirs } from "./support/temp-dir.ts";

const run = promisify(execFile);
const TOP = fileURLToPath(new URL("../../", import.meta.url));
const BIN = join(TOP, "bin/holdfast.js");
const URL_OF_THE_TUTORIAL = "http://127.0.0.1:8000/";
const SEEN_MS = 20_000;

const { fences } = split(readFileSync(join(TOP, "docs/tutorial.md"), "utf8"));

/** The file that a block is, by its first line; the line itself is a comment of it. */
function fileOf({ language, code }: Fence): string | undefined {
  if (language === "sh" || language === "text") return undefined;
  return /^(?:\/\/|<%--|#) (\S+\.\w+)(?: --%>)?\n/.exec(code)?.[1];
}

/** What is printed, where `…` stands for anything. */
function patternOf(text: string): RegExp {
  const escaped = text.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("…", "[\\s\\S]*?")}\\s*$`);
}

describe("the tutorial", () => {
  it("has nothing in it that is not tried", () => {
    const files = fences.filter((fence) => fileOf(fence) !== undefined);
    const commands = fences.filter(({ language }) => language === "sh");
    const expected = fences.filter(({ language }) => language === "text");
    expect(files.length + commands.length + expected.length).toBe(fences.length);
    expect(commands.length).toBeGreaterThan(15);
    for (const { code } of commands) expect(code.trim().split("\n")).toHaveLength(1);
    // Whoever is shown no output is told to make a folder.
    const unseen = fences.filter(({ language }, index) => language === "sh" && fences[index + 1]?.language !== "text");
    expect(unseen.filter(({ code }) => !code.startsWith("mkdir "))).toEqual([]);
  });
});

describeWithApache("through Apache, the tutorial", () => {
  const tempDir = tempDirs();
  const launch = launcher();

  it("works as printed", async () => {
    const { path: cwd } = tempDir();
    chmodSync(cwd, 0o755);
    let serving: Launched | undefined;
    let url = "";
    for (const [index, fence] of fences.entries()) {
      const { language, code } = fence;
      const file = fileOf(fence);
      if (file !== undefined) {
        // Started by root, a server's configuration has to name a user; nobody else needs one.
        const more = file.endsWith(".toml") && process.getuid?.() === 0 ? "allow_root = true\n" : "";
        mkdirSync(dirname(join(cwd, file)), { recursive: true });
        writeFileSync(join(cwd, file), code + more);
        if (file.endsWith(".toml")) await serving?.end();
        continue;
      }
      if (language !== "sh") continue;
      const line = code.trim();
      const next = fences[index + 1];
      const pattern = next?.language === "text" ? patternOf(next.code) : /^/;
      if (line.startsWith("holdfast serve ")) {
        serving = launch([...line.split(" ").slice(1), "--port", "0"], { cwd });
        await serving.line(/Ctrl-C/, SEEN_MS);
        url = /URL +(\S+)/.exec(serving.output)?.[1] ?? "";
        const banner = serving.output.slice(serving.output.indexOf("\nHoldfast ")).replace(url, URL_OF_THE_TUTORIAL);
        expect(banner).toMatch(pattern);
        continue;
      }
      const typed = line.replace(URL_OF_THE_TUTORIAL, url).replace(/^holdfast /, `"${process.execPath}" "${BIN}" `);
      // As somebody who looks at what came, and types it again where the change has not arrived. Only what asks
      // may be asked again: other answers count as they are.
      const isAgain = !/ -d | -X |answer 1/.test(line + String(next?.code));
      const look = async (): Promise<string> => (await run("sh", ["-c", typed], { cwd })).stdout;
      const printed = isAgain
        ? await eventually(async () => {
            const stdout = await look();
            return pattern.test(stdout) && stdout;
          }, SEEN_MS).catch(look)
        : await look();
      expect({ line, printed }).toEqual({ line, printed: expect.stringMatching(pattern) });
    }
  }, 120_000);
});
