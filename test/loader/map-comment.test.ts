// The comment that names a script's source map [ECMA-426 §11.1].

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mapFileOf, mapOf, withInlineMap, withMapFile } from "../../src/loader/map-comment.ts";
import { makeTempDir } from "../support/temp-dir.ts";

const MAP = JSON.stringify({ version: 3, sources: ["file:///srv/a.ts"], names: [], mappings: "AAAA" });

describe("a script's source map", () => {
  it("is inside of the script", () => {
    const code = withInlineMap("run();", MAP);
    expect(mapOf(code)).toBe(MAP);
    expect(mapFileOf(code)).toBeUndefined();
  });

  it("or beside it, in a file of any name, of which the script has the path", () => {
    const dir = makeTempDir();
    try {
      const path = join(dir.path, "a #1 %.map");
      const parted = withMapFile(withInlineMap("run();", MAP), path);
      expect(parted).toEqual({
        code: `run();\n//# sourceMappingURL=${pathToFileURL(path).pathname}\n`,
        map: MAP,
      });
      const { code = "", map = "" } = parted ?? {};
      expect(mapFileOf(code)).toBe(path);
      expect(mapOf(code)).toBeUndefined();
      writeFileSync(path, map);
      expect(mapOf(code)).toBe(MAP);
      rmSync(path);
      expect(mapOf(code)).toBeUndefined();
    } finally {
      dir.remove();
    }
  });

  it.each([
    ["without one", "run();\n"],
    [
      "with an author's text of one",
      `const text = \`\n//# sourceMappingURL=data:application/json;base64,e30=\n\`;\nrun();\n`,
    ],
    ["with a path that an author named", "run();\n//# sourceMappingURL=a.js.map\n"],
  ])("is none of ours in a script %s", (_, code) => {
    expect(mapOf(code)).toBeUndefined();
    expect(withMapFile(code, "/srv/a.map")).toBeUndefined();
    expect(mapFileOf(code)).toBeUndefined();
  });
});
