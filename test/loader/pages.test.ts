// Server pages as modules: found, compiled, cached, and blamed at their own lines.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type LoaderAnswer, loaderThreads } from "../support/loader-thread.ts";
import { tempDirs } from "../support/temp-dir.ts";

const newDir = tempDirs();
const newThread = loaderThreads();

/** A page in which `run` is called and its result is what `default` gives. */
const RUNS = "<%! export const run = () => helper(); %>\n";

function failure(answer: LoaderAnswer): Extract<LoaderAnswer, { kind: "error" }> {
  if (answer.kind !== "error") throw new Error("it did not fail");
  return answer;
}

describe("a server page in a worker", () => {
  it("is TypeScript, with imports and helpers of its own", async () => {
    const dir = newDir();
    dir.write("helper.ts", "export enum Kind { A = 4 }");
    const file = dir.write(
      "page.tsp",
      '\ufeff<%! import { Kind } from "./helper.js";\nexport const run = (): number => Kind.A as number; %>\n<%= run() as number %>',
    );
    expect(await newThread()({ file, call: "run" })).toMatchObject({ kind: "value", value: 4 });
  });

  it("tells every file that it is made of", async () => {
    const dir = newDir();
    const layout = dir.write("layouts/_base.tsp", '<%@ include file="_head.tsp" %><%@ slot %>');
    const head = dir.write("layouts/_head.tsp", "<title>x</title>");
    const file = dir.write(
      "page.tsp",
      `${RUNS}<%@ layout file="layouts/_base.tsp" %><%! const helper = () => 1; %>text`,
    );
    expect(await newThread()({ file, call: "run" })).toEqual({ kind: "value", value: 1, loaded: [file, layout, head] });
  });

  it("is transpiled once for what it and its includes say, and anew when one of them changes", async () => {
    const dir = newDir();
    const cacheDir = join(dir.path, "cache");
    const file = dir.write("page.tsp", `${RUNS}<%@ include file="_part.tsp" %>`);
    const run = async (part: string): Promise<unknown> => {
      dir.write("_part.tsp", part);
      const answer = await newThread(cacheDir)({ file, call: "run" });
      return answer.kind === "value" ? answer.value : answer.stack;
    };
    const one = "<%! const helper = (): number => 1; %>";
    expect([await run(one), await run(one)]).toEqual([1, 1]);
    // The code and its map.
    expect(readdirSync(cacheDir)).toHaveLength(2);
    expect(await run(one.replace("1", "2"))).toBe(2);
    expect(readdirSync(cacheDir)).toHaveLength(4);
  });

  it("is read again when it has failed and its include was mended", async () => {
    const dir = newDir();
    const file = dir.write("page.tsp", `${RUNS}<%@ include file="_part.tsp" %>`);
    dir.write("_part.tsp", "<%! const helper = ( %>");
    const ask = newThread();
    expect(failure(await ask({ file, call: "run" })).code).toBe("BOOT");
    dir.write("_part.tsp", "<%! const helper = () => 3; %>");
    expect(await ask({ file, call: "run", forget: [file, join(dir.path, "_part.tsp")] })).toMatchObject({ value: 3 });
  });

  it.each<[string, Record<string, string>, string, string]>([
    ["of the page itself", { "page.tsp": "<p>\n<p title=<%= 1 %>>" }, "page.tsp:2:13", "a value cannot stand"],
    [
      "of an include",
      { "page.tsp": '<p>\n<%@ include file="_a.tsp" %>', "_a.tsp": "\n\n <%= ( %>" },
      "_a.tsp:3:2",
      "the expression opens or closes a bracket",
    ],
    ["of the language", { "page.tsp": "<ul>\n  <% const a = ; %>\n</ul>" }, "page.tsp:2:16", "Unexpected token"],
    [
      "of the language, in a layout",
      { "page.tsp": '<%@ layout file="_l.tsp" %>\n\n\ntext', "_l.tsp": "<body>\n<%@ slot %>\n<% let 1a; %>" },
      "_l.tsp:3:",
      "",
    ],
  ])("names the line of a mistake %s, and shows it", async (_what, files, place, message) => {
    const dir = newDir();
    for (const [name, text] of Object.entries(files)) dir.write(name, text);
    const { code, stack } = failure(await newThread()({ file: join(dir.path, "page.tsp") }));
    expect(code).toBe("BOOT");
    expect(stack).toContain(`at ${join(dir.path, place)}`);
    expect(stack).toContain(message);
    expect(stack).toMatch(/^> +\d+ \| /m);
  });

  it("names the line where its code fails, also in includes", async () => {
    const dir = newDir();
    dir.write(
      "_part.tsp",
      "\n<%! function helper(): number {\n  const o: { x?: () => number } = {};\n  return o.x!();\n} %>\n",
    );
    const file = dir.write("page.tsp", `${RUNS}<p>\n<%@ include file="_part.tsp" %>\n`);
    const { stack } = failure(await newThread()({ file, call: "run" }));
    expect(stack).toContain(`${join(dir.path, "_part.tsp")}:4:12`);
    expect(stack).toContain(`${file}:1:30`);
  });

  it.each<[string, string, string]>([
    ["outside of the root", "../../secret.tsp", "it lies outside of"],
    ["by its absolute path", "/etc/passwd", "write its path relative to this file"],
    ["that is not there", "_gone.tsp", "there is no such file"],
    ["that is a folder", ".", "it is no regular file"],
    ["that includes it", "page.tsp", "would be part of itself"],
  ])("includes no file %s", async (_what, name, reason) => {
    const dir = newDir();
    dir.write("secret.tsp", "secret");
    const file = dir.write("site/sub/page.tsp", `\n<%@ include file="${name}" %>`);
    const { message } = failure(await newThread(undefined, join(dir.path, "site"))({ file }));
    expect(message).toContain(`${file}:2:19: `);
    expect(message).toContain(reason);
  });
});
