// What a shell offers after `holdfast`, asked of the shells themselves.

import { spawnSync } from "node:child_process";
import { renderCompletion, SHELLS, type Shell } from "../../src/cli/completion.ts";
import { describeCommands } from "../../src/cli/describe.ts";
import { createProgram } from "../../src/cli/program.ts";
import { skip } from "../support/skip.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const commands = describeCommands(createProgram());
const names = commands.map(({ name }) => name);

/** What the shell offers for the last of `words`, `holdfast` being the first; `script` holds the completion. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => readonly string[]>> = {
  bash: (script, words) => [
    "--norc",
    "-c",
    `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    ...words,
  ],
  // Without a terminal there is no completion system: its two functions print what they are given.
  zsh: (script, words) => [
    "-f",
    "-c",
    `compdef() { }
     _describe() { print -l \${(P)2} }
     _arguments() { print -l "$@" }
     source ${script}; words=("$@"); CURRENT=$#; _holdfast`,
    "zsh",
    ...words,
  ],
  fish: (script, words) => ["--no-config", "-c", `source ${script}; complete -C "$argv"`, ...words],
};

function suite(shell: Shell): void {
  describe(`completion for ${shell}`, () => {
    const tempDir = tempDirs();
    let dir: TempDir;
    let script: string;
    beforeEach(() => {
      dir = tempDir();
      script = dir.write("completion", renderCompletion(shell, commands));
      dir.write("holdfast.toml", "");
    });

    function offered(...words: readonly string[]): readonly string[] {
      const { status, stdout, stderr } = spawnSync(shell, ASK[shell](script, words), {
        cwd: dir.path,
        encoding: "utf8",
        timeout: 15_000,
        env: { PATH: process.env.PATH ?? "", HOME: dir.path },
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return stdout.split("\n").filter((line) => line !== "");
    }

    it("offers every command", () => {
      const found = offered("holdfast", "");
      for (const name of names) expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${name}\\b`)));
    });

    it("offers a command's options", () => {
      expect(offered("holdfast", "check", "--").join("\n")).toMatch(/--config[\s\S]*--print[\s\S]*--schema/);
    });

    it("offers the values that an option may have", () => {
      const found = offered("holdfast", "apache", "--layout", "").join("\n");
      for (const layout of ["files", "prefix", "front-controller"]) expect(found).toContain(layout);
    });

    it("offers files where one is meant", () => {
      expect(offered("holdfast", "start", "-c", "hold").join("\n")).toMatch(/holdfast\.toml|_files/);
    });
  });
}

for (const shell of SHELLS) {
  const { error } = spawnSync(shell, ["-c", "exit"], { timeout: 10_000 });
  if (error === undefined) suite(shell);
  else skip(`completion for ${shell}`, `there is no ${shell}`, () => it("is offered", () => {}));
}
