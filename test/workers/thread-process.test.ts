import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { tolerateChdir } from "../../workers/thread-process.ts";
import { tempDirs } from "../support/temp-dir.ts";

describe("process.chdir in a thread", () => {
  const newDir = tempDirs();

  it("to where the pool is already does nothing: standalone servers begin so", () => {
    const { path } = newDir();
    symlinkSync(path, join(path, "link"));
    const process = { cwd: () => path, chdir: (_directory: string): void => {} };
    tolerateChdir(process);
    for (const directory of [path, `${path}/`, join(path, "link"), join(path, "link", "..")]) {
      expect(() => process.chdir(directory)).not.toThrow();
    }
  });

  it("to any other place is refused, and told what to do", () => {
    const { path } = newDir();
    const process = { cwd: () => path, chdir: (_directory: string): void => {} };
    tolerateChdir(process);
    for (const directory of ["/", join(path, "nothing")]) {
      expect(() => process.chdir(directory)).toThrow(
        expect.objectContaining({ code: "BOOT", hint: `Set the pool's option chdir = "${directory}".` }),
      );
    }
  });
});
