// What `import … from "holdfast"` gives is explained where it is declared: an editor shows that, and the
// reference is made of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TOP = fileURLToPath(new URL("../../../", import.meta.url));

interface Export {
  readonly name: string;
  /** Of the declaration, as tsc has written it. */
  readonly module: string;
}

function publicExports(): readonly Export[] {
  const index = readFileSync(join(TOP, "src/index.ts"), "utf8");
  return [...index.matchAll(/^export (?:type )?(?:\{([^}]*)\}|\*) from "\.\/(app\/[\w/-]+)\.ts";/gm)].flatMap(
    ([, names, module = ""]) =>
      (names?.split(",") ?? allNames(module))
        .map((each) => each.replace(/\btype\b/, "").trim())
        .filter((name) => name !== "")
        .map((name) => ({ name, module })),
  );
}

const declarations = new Map<string, string>();

function declarationsOf(module: string): string {
  const known = declarations.get(module);
  if (known !== undefined) return known;
  const text = readFileSync(join(TOP, "dist/src", `${module}.d.ts`), "utf8");
  declarations.set(module, text);
  return text;
}

function allNames(module: string): readonly string[] {
  return [...declarationsOf(module).matchAll(new RegExp(`^${DECLARED}(\\w+)`, "gm"))].map(([, name = ""]) => name);
}

const DOCSTRING = String.raw`/\*\*(?:(?!\*/)[\s\S])*\*/\s*`;
const DECLARED = "export (?:declare )?(?:abstract )?(?:function|const|class|interface|type) ";

/** The lines of an interface that declare something and have no docstring above them. */
function bareMembers({ name, module }: Export): readonly string[] {
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m").exec(
    declarationsOf(module),
  )?.[1];
  const lines = (body ?? "").split("\n");
  return lines.filter((line, index) => {
    const isMember = /^ {4}(?:readonly )?\w+\??[(<:]/.test(line);
    return isMember && !lines[index - 1]?.trimEnd().endsWith("*/");
  });
}

describe("what authors import", () => {
  const exports = publicExports();

  it("is found", () => {
    const index = readFileSync(join(TOP, "src/index.ts"), "utf8");
    expect(index.match(/^export /gm)).toHaveLength(new Set(index.match(/from "[^"]+"/g)).size);
    expect(exports.map(({ name }) => name)).toEqual(expect.arrayContaining(["Context", "defineHandler", "Cookies"]));
    for (const { name, module } of exports) {
      expect([name, new RegExp(`${DECLARED}${name}\\b`).test(declarationsOf(module))]).toEqual([name, true]);
    }
  });

  it("has a docstring each", () => {
    const bare = exports.filter(
      ({ name, module }) => !new RegExp(`${DOCSTRING}${DECLARED}${name}\\b`).test(declarationsOf(module)),
    );
    expect(bare.map(({ name, module }) => `${module}: ${name}`)).toEqual([]);
  });

  it("is all that the API reference is about", () => {
    const headings = [...readFileSync(join(TOP, "docs/reference/api.md"), "utf8").matchAll(/^### (\w+)/gm)];
    const known = new Set(exports.map(({ name }) => name));
    expect(headings.length).toBeGreaterThan(30);
    expect(headings.map(([, name = ""]) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it("has members that have a docstring each", () => {
    const bare = exports.flatMap((each) => bareMembers(each).map((line) => `${each.name}: ${line.trim()}`));
    expect(bare).toEqual([]);
  });
});
