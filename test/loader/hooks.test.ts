import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loaderThreads } from "../support/loader-thread.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();
const newThread = loaderThreads();

async function exported(dir: TempDir, name: string, text: string): Promise<unknown> {
  const answer = await newThread()({ file: dir.write(name, text) });
  if (answer.kind === "error") throw new Error(answer.stack);
  return answer.value;
}

describe("an author's source in a worker", () => {
  it.each<[string, string, string, unknown]>([
    ["TypeScript", "a.ts", "const n: number = 1; export default n satisfies number;", 1],
    ["a module with .mts", "a.mts", "export default 1 as const;", 1],
    ["TypeScript that emits code: enum", "a.ts", "enum E { A = 2 } export default E.A;", 2],
    ["… namespace", "a.ts", "namespace N { export const x = 3 } export default N.x;", 3],
    ["… parameter properties", "a.ts", "class P { constructor(readonly x = 4) {} } export default new P().x;", 4],
    [
      "JSX with the import source of the file",
      "a.tsx",
      "/** @jsxImportSource ./jsx */\nexport default <b id='x'>hi</b>;",
      "b",
    ],
    ["JSX in .jsx", "a.jsx", "/** @jsxImportSource ./jsx */\nexport default <i>hi</i>;", "i"],
    [
      "`using`",
      "a.ts",
      "const log: string[] = []; { using _a = { [Symbol.dispose]() { log.push('gone'); } }; log.push('there'); } export default log.join();",
      "there,gone",
    ],
    ["plain JavaScript", "a.mjs", "export default 5;", 5],
    ["CommonJS with .cts", "a.cts", "import path = require('node:path'); export = path.basename('/x/y');", "y"],
    ["non-ASCII text", "a.ts", "export default 'é😀';", "é😀"],
  ])("may be %s", async (_what, name, text, value) => {
    const dir = newDir();
    dir.write("jsx/jsx-runtime.ts", "export const jsx = (type: string) => type; export const jsxs = jsx;");
    expect(await exported(dir, name, text)).toEqual(value);
  });

  it("obeys what tsconfig.json says about emitted code", async () => {
    const dir = newDir();
    dir.write("base.json", '{ "compilerOptions": { "jsxImportSource": "mini-jsx", "experimentalDecorators": true } }');
    dir.write(
      "tsconfig.json",
      '// of the author\n{ "extends": "./base.json", "compilerOptions": { "jsx": "react-jsx", } }',
    );
    dir.write("node_modules/mini-jsx/package.json", '{ "exports": { "./jsx-runtime": "./runtime.ts" } }');
    dir.write("node_modules/mini-jsx/runtime.ts", "export const jsx = (type: string) => '<' + type + '>';");
    const source = `
      const seen: string[] = [];
      const note = (_target: unknown, key?: string, descriptor?: PropertyDescriptor): void => { seen.push(key ?? "class"); };
      const arg = (_target: unknown, key: string, index: number): void => { seen.push(key + index); };
      @note class A { @note field = 1; @note method(@arg _x: number) {} }
      export default [new A().field, <b/>, ...seen].join();`;
    expect(await exported(dir, "sub/a.tsx", source)).toBe("1,<b>,field,method0,method,class");
  });
});

describe("an import", () => {
  it.each([
    ["./x.ts", "x.ts"],
    ["./x.js", "x.ts"],
    ["./x.js", "x.tsx"],
    ["./x.mjs", "x.mts"],
    ["./x.jsx", "x.tsx"],
    ["./x", "x.ts"],
    ["./x", "x.tsx"],
    ["./x", "x.js"],
    ["./x", "x/index.ts"],
    ["./x.y", "x.y.ts"],
    ["..", "../index.ts"],
    ["../lib/x.js", "../lib/x.ts"],
    ["#x", "x.ts"],
  ])("of %s finds %s", async (specifier, name) => {
    const dir = newDir();
    dir.write("package.json", '{ "imports": { "#x": "./app/x.ts" } }');
    dir.write(join("app", name), "export const found = true;");
    expect(await exported(dir, "app/a.ts", `import { found } from "${specifier}"; export default found;`)).toBe(true);
  });

  it("of files of the same name in different folders are different modules", async () => {
    const dir = newDir();
    dir.write("one/x.ts", "export const from = 'one';");
    dir.write("two/x.ts", "export const from = 'two';");
    const source = 'import * as a from "./one/x.ts"; import * as b from "./two/x.ts"; export default [a.from, b.from];';
    expect(await exported(dir, "a.ts", source)).toEqual(["one", "two"]);
  });

  it("of ./x.js finds x.js where both are there", async () => {
    const dir = newDir();
    dir.write("package.json", '{ "type": "module" }');
    dir.write("x.ts", "export default 'ts';");
    dir.write("x.js", "export default 'js';");
    expect(await exported(dir, "a.ts", 'export { default } from "./x.js";')).toBe("js");
  });

  it('of "holdfast" finds this installation where the folder has none', async () => {
    const source = `
      import { defineHandler, type Context } from "holdfast";
      export default (): string => typeof defineHandler({ fetch: (_request: Request, _ctx: Context) => new Response() }).fetch;`;
    expect(await exported(newDir(), "a.ts", source)).toBe("function");
  });

  it('of "holdfast" finds the one that the folder has', async () => {
    const dir = newDir();
    dir.write("node_modules/holdfast/package.json", '{ "exports": "./index.mjs" }');
    dir.write("node_modules/holdfast/index.mjs", "export default 'theirs';");
    expect(await exported(dir, "a.ts", 'export { default } from "holdfast";')).toBe("theirs");
  });

  it("of a package's TypeScript works as of any other", async () => {
    const dir = newDir();
    dir.write("node_modules/p/package.json", '{ "exports": "./i.ts" }');
    dir.write("node_modules/p/i.ts", "enum E { A = 7 } export default E.A;");
    expect(await exported(dir, "a.ts", 'export { default } from "p";')).toBe(7);
  });

  it("of types only does not ask for the file", async () => {
    expect(await exported(newDir(), "a.ts", 'import { T } from "./gone.ts"; export default 1 as unknown as T;')).toBe(
      1,
    );
  });

  it("by require from CommonJS works too", async () => {
    const dir = newDir();
    dir.write("x.ts", "export const n: number = 8;");
    expect(await exported(dir, "a.cjs", 'exports.default = require("./x").n;')).toEqual({ default: 8 });
  });

  it("of nothing says what was looked for, in Node's words", async () => {
    const answer = await newThread()({ file: newDir().write("a.ts", 'import "./gone.ts";') });
    expect(answer).toMatchObject({ kind: "error", message: expect.stringContaining("gone.ts") });
  });

  it("tells which files were loaded, packages and ourselves left out", async () => {
    const dir = newDir();
    dir.write("node_modules/p/index.js", "");
    const files = [
      dir.write(
        "a.ts",
        'import "./b.ts"; import "./c.mjs"; import "p"; import "holdfast"; import d from "./d.json" with { type: "json" }; export default d.n;',
      ),
      dir.write("b.ts", "export {};"),
      dir.write("c.mjs", "export {};"),
      dir.write("d.json", '{ "n": 9 }'),
    ];
    const answer = await newThread()({ file: files[0] ?? "" });
    expect(answer).toMatchObject({ kind: "value", value: 9 });
    expect(answer.kind === "value" ? [...answer.loaded].sort() : []).toEqual(files);
  });
});

describe("an error", () => {
  const body = (type: string): string => `// a comment that goes
type Gone = { a: number };
interface Away {
  b: string;
}

export default function fail(x${type}) {
  enumerate();
  throw new RangeError("here");
}
function enumerate() {}
`;

  it.each([
    ["a.ts", ": Gone & Away"],
    ["a.tsx", "?: Gone"],
    ["a.mts", ": unknown"],
  ])("thrown in %s has a stack with the author's lines", async (name, type) => {
    const file = newDir().write(name, body(type));
    const answer = await newThread()({ file });
    expect(answer).toMatchObject({ kind: "error", name: "RangeError" });
    expect(answer.kind === "error" ? answer.stack : "").toContain(`${file}:9:9`);
  });

  it("of syntax is a Fault with place and the lines around it", async () => {
    const file = newDir().write("a.ts", "const é = 1;\n\tconst b: = 2;\nexport {};\n");
    const answer = await newThread()({ file });
    expect(answer).toMatchObject({ kind: "error", code: "BOOT", message: `${file}:2:11: Unexpected token` });
    expect(answer.kind === "error" ? answer.stack : "").toContain(
      ["  1 | const é = 1;", "> 2 | \tconst b: = 2;", "    | \t         ^", "  3 | export {};"].join("\n"),
    );
  });

  it("in an imported file names that file", async () => {
    const dir = newDir();
    const broken = dir.write("b.ts", "export const x = ;");
    const answer = await newThread()({ file: dir.write("a.ts", 'import "./b.ts";') });
    expect(answer).toMatchObject({ kind: "error", code: "BOOT", message: expect.stringContaining(`${broken}:1:18`) });
  });

  it("is gone when the files are forgotten and mended", async () => {
    const dir = newDir();
    const thread = newThread();
    const a = dir.write("a.ts", 'export { default } from "./b.ts";');
    const b = dir.write("b.ts", 'throw new Error("broken"); export default "never";');
    expect(await thread({ file: a })).toMatchObject({ kind: "error", message: "broken" });
    writeFileSync(b, "export default 'mended';");
    expect(await thread({ file: a })).toMatchObject({ kind: "error", message: "broken" });
    expect(await thread({ file: a, forget: [a, b] })).toMatchObject({ kind: "value", value: "mended" });
  });
});

describe("transpiled code", () => {
  it("comes from the cache the second time, and anew when the source changes", async () => {
    const dir = newDir();
    const cacheDir = join(dir.path, "cache");
    const file = dir.write("a.ts", "export default 'first' as string;");
    const ask = async (): Promise<unknown> => {
      const answer = await newThread(cacheDir)({ file });
      return answer.kind === "value" ? answer.value : answer;
    };
    expect(await ask()).toBe("first");
    // The code and its map.
    const entry = readdirSync(cacheDir);
    expect(entry).toHaveLength(2);
    expect(await ask()).toBe("first");
    expect(readdirSync(cacheDir)).toEqual(entry);
    writeFileSync(file, "export default 'second' as string;");
    expect(await ask()).toBe("second");
    expect(readdirSync(cacheDir)).toHaveLength(4);
  });
});
