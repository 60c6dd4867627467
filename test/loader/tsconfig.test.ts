import { join } from "node:path";
import { DEFAULT_EMIT, EmitOptionsReader, parseJsonc } from "../../src/loader/tsconfig.ts";
import { tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();

describe("JSON with comments", () => {
  it.each([
    ['{ "a": 1 }', { a: 1 }],
    ['\ufeff{ // c\n "a": /* b */ 1, /* } */ }', { a: 1 }],
    ['{ "a": "// no /* comment */", "b": "\\",}", }', { a: "// no /* comment */", b: '",}' }],
    ["[1, 2, // end\n ]", [1, 2]],
  ])("%s", (text, value) => {
    expect(parseJsonc(text)).toEqual(value);
  });
});

describe("the emit options of a folder", () => {
  it("are the nearest tsconfig.json's, with what it extends", () => {
    const dir = newDir();
    dir.write("node_modules/base/tsconfig.json", '{ "compilerOptions": { "emitDecoratorMetadata": true } }');
    dir.write(
      "one.json",
      '{ "extends": "base", "compilerOptions": { "jsxImportSource": "one", "experimentalDecorators": true } }',
    );
    dir.write("tsconfig.json", '{ "extends": ["./one"], "compilerOptions": { "jsxImportSource": "two" } }');
    dir.write("deep/er/a.ts", "");
    dir.write(
      "own/tsconfig.json",
      '{ "compilerOptions": { "jsx": "react", "jsxFactory": "h", "useDefineForClassFields": false } }',
    );
    const reader = new EmitOptionsReader();
    expect(reader.forFolder(join(dir.path, "deep/er"))).toEqual({
      ...DEFAULT_EMIT,
      jsxImportSource: "two",
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    });
    expect(reader.forFolder(join(dir.path, "own"))).toEqual({
      ...DEFAULT_EMIT,
      jsx: "classic",
      jsxImportSource: undefined,
      jsxFactory: "h",
      useDefineForClassFields: false,
    });
  });

  it("have Holdfast's own JSX only where the author says nothing of JSX", () => {
    const dir = newDir();
    const sourceOf = (options: string): string | undefined => {
      dir.write("tsconfig.json", `{ "compilerOptions": ${options} }`);
      return new EmitOptionsReader().forFolder(dir.path).jsxImportSource;
    };
    expect(sourceOf("{}")).toBe("holdfast");
    expect(sourceOf('{ "jsxImportSource": "preact" }')).toBe("preact");
    // TypeScript's own default.
    expect(sourceOf('{ "jsx": "react-jsx" }')).toBeUndefined();
  });

  it.each([
    ["that is no JSON", "{"],
    ["that is no object", "[]"],
    [
      "with options of the wrong type",
      '{ "compilerOptions": { "jsxImportSource": 5, "experimentalDecorators": "yes" } }',
    ],
    ["that extends itself", '{ "extends": "./tsconfig.json" }'],
    ["that extends nothing", '{ "extends": "./gone.json" }'],
  ])("are the defaults with a tsconfig.json %s", (_what, text) => {
    const dir = newDir();
    dir.write("tsconfig.json", text);
    expect(new EmitOptionsReader().forFolder(dir.path)).toEqual(DEFAULT_EMIT);
  });
});
