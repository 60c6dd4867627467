// `holdfast check --types`, as it is typed.

import { readdirSync } from "node:fs";
import { type Finished, launcher } from "../support/launch.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";

/** tsc takes its time on a loaded machine. */
const DEADLINE_MS = 120_000;

describe("`holdfast check --types`", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;
  beforeEach(() => {
    dir = tempDir();
  });
  const check = (...args: readonly string[]): Promise<Finished> =>
    launch(["check", "--types", ...args], { cwd: dir.path }).finished;

  it(
    "names the lines of pages, layouts, includes and handlers, and ends with 78",
    async () => {
      dir.write(
        "site/index.tsp",
        [
          '<%! import { greet } from "./_lib.ts"; %>',
          '<%@ layout file="_layout.tsp" %>',
          '<% const n: number = "x"; %>',
          '<%@ block name="title" %><%= greet(5) %><%@ end %>',
          "<p><%= Promise.resolve(n) %>",
          '<%= page.query.get("a")?.length ?? page.nothing %></p>',
          '<%@ include file="_part.tsp" %>',
          '<% const who = page.query.get("who"); if (who === null) page.redirect("/"); %><%= who.length %>',
        ].join("\n"),
      );
      dir.write("site/_layout.tsp", '<title><%@ slot name="title" %></title>\n<%@ slot %><%= undeclared %>');
      dir.write("site/_part.tsp", "\n<%\nconst twice = (a: number) => a * 2;\ntwice(page);\n%>");
      dir.write("site/_lib.ts", "export const greet = (name: string): string => name;");
      dir.write("site/sub/broken.tsp", "<a href=<%= 1 %>>");
      dir.write(
        "site/handler.ts",
        'import type { Context } from "holdfast";\nimport page from "./index.tsp";\nexport default (request: Request, ctx: Context) => page(request, ctx.nothing, ctx);',
      );
      dir.write("site/view.tsx", "export default () => <p class={1 as const}>{5}</p>;\nconst wrong: string = 5;");
      const { code, stdout, stderr } = await check("site");
      const found = stdout
        .split("\n")
        .flatMap((line) => /^(\S+:\d+:\d+: error(?: TS\d+)?):/.exec(line)?.[1] ?? [])
        .sort();
      expect(found).toEqual([
        "site/_layout.tsp:2:16: error TS2304",
        "site/_part.tsp:4:7: error TS2345",
        "site/handler.ts:3:70: error TS2339",
        "site/index.tsp:3:10: error TS2322",
        "site/index.tsp:4:36: error TS2345",
        "site/index.tsp:5:8: error TS2345",
        "site/index.tsp:6:41: error TS2339",
        "site/sub/broken.tsp:1:12: error",
        "site/view.tsx:1:25: error TS2322",
        "site/view.tsx:2:7: error TS2322",
      ]);
      expect([code, stderr]).toEqual([78, expect.stringMatching(/2 pages and 3 modules, 10 errors\n$/)]);
      expect(readdirSync(`${dir.path}/site`).filter((name) => name.startsWith("."))).toEqual([]);
    },
    DEADLINE_MS,
  );

  it(
    "finds nothing wrong with what is right, with the project's tsconfig.json, for each pool of a configuration",
    async () => {
      dir.write(
        "site/tsconfig.json",
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noUnusedLocals: true,
            module: "nodenext",
            target: "es2024",
            lib: ["es2024", "dom"],
          },
        }),
      );
      dir.write("site/package.json", '{ "type": "module" }');
      dir.write(
        "site/page.tsp",
        "<%\r\nconst rows: readonly string[] = [];\r\n%>\r\n<% for (const row of rows) { %>\r\n<%= row %>\r\n<% } %>\r\n",
      );
      dir.write("site/api.ts", "export const GET = (): Response => Response.json(null);");
      dir.write("app.ts", "export default () => new Response();");
      const config = dir.write(
        "holdfast.toml",
        '[pools.a]\nlisten = "/run/a.sock"\nroot = "site"\n[pools.b]\nlisten = "/run/b.sock"\nroot = "site"\nmount = "/b"\n[pools.c]\nlisten = "/run/c.sock"\napp = "app.ts"\nmount = "/c"\n',
      );
      const { code, stdout, stderr } = await check("-c", config);
      expect([code, stdout]).toEqual([0, ""]);
      expect(stderr.trim().split("\n")).toEqual([
        `${dir.path}/site: 1 page and 1 module, no errors`,
        `${dir.path}/app.ts: 0 pages and 1 module, no errors`,
      ]);
    },
    DEADLINE_MS,
  );

  it(
    "says what to do about types that are not installed",
    async () => {
      dir.write("site/tsconfig.json", '{ "compilerOptions": { "types": ["nothing-of-that-name"] } }');
      dir.write("site/api.ts", "export const GET = () => new Response();");
      const { code, stdout } = await check("site");
      expect([code, stdout]).toEqual([
        78,
        expect.stringMatching(/^error TS2688: .*nothing-of-that-name.*`npm install`/m),
      ]);
    },
    DEADLINE_MS,
  );

  it("takes no path without --types", async () => {
    const { code, stderr } = await launch(["check", "site"], { cwd: dir.path }).finished;
    expect([code, stderr]).toEqual([64, expect.stringContaining("site cannot be checked without --types")]);
  });
});
