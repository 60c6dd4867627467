// What the documents say is so: links lead somewhere, examples compile, configurations are right, and
// commands, scripts and tables are those of the source.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { FAULTS } from "../src/base/fault.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { resolveConfig, type WrittenConfig } from "../src/config/load.ts";
import { SIGNALS } from "../src/supervisor/signals.ts";
import { anchors, type Document, inlineCode, localLinks, readDocuments, tableRows } from "./support/markdown.ts";
import { tempDirs } from "./support/temp-dir.ts";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
const TSC_DEADLINE_MS = 60_000;

const documents = readDocuments(TOP);

/** The fences of one language in all documents, each with a name that leads back to it. */
function fences(language: string) {
  return documents.flatMap(({ path, fences }) =>
    fences
      .filter((fence) => fence.language === language)
      .map(({ code, line }) => ({ name: `${path.replaceAll("/", "-")}-line-${line}`, code })),
  );
}

function documentAt(path: string): Document {
  const found = documents.find((document) => document.path === path);
  if (found === undefined) throw new Error(`there is no ${path}`);
  return found;
}

describe("the documents", () => {
  it("are found", () => {
    expect(documents.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["README.md", "ARCHITECTURE.md", "docs/reference/handlers.md", "workers/README.md"]),
    );
  });

  it("link to files and headings that are there", () => {
    const dead = documents.flatMap((document) =>
      localLinks(document)
        .filter(({ path, anchor }) => {
          if (!existsSync(join(TOP, path))) return true;
          return anchor !== "" && !anchors(documentAt(path)).includes(anchor);
        })
        .map(({ path, anchor }) => `${document.path}: ${path}#${anchor}`),
    );
    expect(dead).toEqual([]);
  });

  it("name npm scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(TOP, "package.json"), "utf8")) as { scripts: object };
    const named = documents.flatMap(({ path, prose, fences }) =>
      [prose, ...fences.map(({ code }) => code)].flatMap((text) =>
        [...text.matchAll(/npm run (?:--\S+ )?([\w:-]+)/g)].map(([, script = ""]) => ({ path, script })),
      ),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([]);
  });
});

describe("TypeScript in the documents", () => {
  let folder: string;

  // Inside of the repository, so that `holdfast` and packages are found as an app finds them.
  beforeEach(() => {
    folder = mkdtempSync(join(TOP, "dist", "docs-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it(
    "compiles",
    () => {
      const blocks = fences("ts");
      expect(blocks.length).toBeGreaterThan(4);
      for (const { name, code } of blocks) writeFileSync(join(folder, `${name}.ts`), code);
      const compilerOptions = {
        rootDir: ".",
        noEmit: true,
        incremental: false,
        tsBuildInfoFile: null,
        types: ["node"],
      };
      const config = { extends: "../../tsconfig.json", compilerOptions, include: ["."], exclude: [] };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
      const tsc = join(TOP, "node_modules/typescript/bin/tsc");
      const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", folder], {
        encoding: "utf8",
        timeout: TSC_DEADLINE_MS,
      });
      expect([stdout, status]).toEqual(["", 0]);
    },
    TSC_DEADLINE_MS + 5000,
  );
});

describe("configurations in the documents", () => {
  const tempDir = tempDirs();
  const configurations = fences("toml").filter(({ code }) => code.includes("[pools."));

  it("are there", () => {
    expect(configurations.length).toBeGreaterThan(2);
  });

  it.each(configurations)("$name is right, and all of it is in effect", ({ code }) => {
    const { path } = tempDir();
    const written = parse(code) as unknown as WrittenConfig;
    const pools = Object.entries(written.pools).map(([name, pool]) => [name, { ...pool, ...placesBelow(path, pool) }]);
    expect(resolveConfig({ ...written, pools: Object.fromEntries(pools) }, path).warnings).toEqual([]);
  });

  /** The folder, the module and the files of secrets that a pool names, made below `folder`. */
  function placesBelow(folder: string, { root, app, cookies }: WrittenConfig["pools"][string]) {
    if (root !== undefined) mkdirSync(join(folder, String(root)), { recursive: true });
    if (app !== undefined) {
      mkdirSync(join(folder, dirname(String(app))), { recursive: true });
      writeFileSync(join(folder, String(app)), "");
    }
    const secrets = (cookies?.secrets as readonly { file: string }[] | undefined)?.map(({ file }) => {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      writeFileSync(join(folder, file), "x".repeat(32), { mode: 0o600 });
      return { file: join(folder, file) };
    });
    return {
      ...(secrets === undefined ? {} : { cookies: { secrets } }),
      ...(root === undefined ? {} : { root: join(folder, String(root)) }),
      ...(app === undefined ? {} : { app: join(folder, String(app)) }),
    };
  }
});

describe("commands in the documents", () => {
  const options = new Map(
    COMMANDS.map((make) => make()).map((command) => [
      command.name(),
      command.options.flatMap(({ short, long }) => [short, long]),
    ]),
  );

  function commandLines(document: Document): readonly string[] {
    const typed = document.fences
      .filter(({ language }) => language === "sh")
      .flatMap(({ code }) => code.split(/\n|&&/))
      .map((line) => line.replace(/\s#.*$/, "").trim());
    return [...typed, ...inlineCode(document)]
      .map((line) => line.replace(/^npx /, "").replaceAll("\n", " "))
      .filter((line) => /^holdfast [a-z]/.test(line));
  }

  it("are holdfast's, with options that they have", () => {
    const lines = documents
      .filter(({ path }) => path === "README.md" || path.startsWith("docs/"))
      .flatMap((document) => commandLines(document).map((line) => ({ path: document.path, line })));
    expect(lines.length).toBeGreaterThan(10);
    const unknown = lines.filter(({ line }) => {
      const [, command = "", ...words] = line.split(/\s+/);
      const known = options.get(command);
      return known === undefined || words.some((word) => /^--?[a-z]/i.test(word) && !known.includes(word));
    });
    expect(unknown).toEqual([]);
  });
});

describe("tables that repeat the source", () => {
  it("docs/reference/exit-codes.md has every fault and its consequences", () => {
    const number = (value: number): string => (value === 0 ? "–" : String(value));
    expect(tableRows(documentAt("docs/reference/exit-codes.md"))).toEqual(
      expect.arrayContaining(
        Object.entries(FAULTS).map(([code, { meaning, status, exit, level, ends }]) => [
          `\`${code}\``,
          meaning,
          number(status),
          number(exit),
          level,
          ends,
        ]),
      ),
    );
  });

  it("docs/reference/signals.md has every signal of the supervisor and what it does", () => {
    expect(tableRows(documentAt("docs/reference/signals.md"))).toEqual(
      expect.arrayContaining(Object.entries(SIGNALS).map(([signal, { doc }]) => [`\`${signal}\``, doc])),
    );
  });
});
