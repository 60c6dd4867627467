// `holdfast init DIR`: a new site or app that runs, copied from examples.

import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { Fault } from "../../base/fault.ts";
import { print, printable } from "../print.ts";

interface Template {
  /** For people: what it is. */
  readonly doc: string;
  /** What `holdfast serve` is pointed at; undefined: the pool is no site. */
  readonly serve: string | undefined;
  /** What an editor is pointed at. */
  readonly edit: string;
  /** Folders of the installation → where their files go. */
  readonly from: Readonly<Record<string, string>>;
  /** Packages that it runs with, and those that only its check needs. */
  readonly packages?: readonly string[];
  readonly typePackages?: readonly string[];
}

const TEMPLATES: Readonly<Record<string, Template>> = {
  pages: {
    doc: "a folder of pages and handlers",
    serve: "site",
    edit: "site/index.tsp",
    from: { "examples/starters/pages": "." },
  },
  api: {
    doc: "a JSON API, a file for each resource",
    serve: "api",
    edit: "api/notes/index.ts",
    from: { "examples/starters/api": "." },
  },
  express: {
    doc: "an Express app",
    serve: "app.ts",
    edit: "app.ts",
    from: { "examples/starters/express": "." },
    packages: ["express"],
    typePackages: ["@types/express"],
  },
  hono: {
    doc: "a Hono app",
    serve: "app.ts",
    edit: "app.ts",
    from: { "examples/starters/hono": "." },
    packages: ["hono"],
  },
  guestbook: {
    doc: "pages over a database",
    serve: "site",
    edit: "site/index.ts",
    from: { "examples/starters/guestbook": ".", "examples/guestbook": "site" },
    packages: ["pg"],
    typePackages: ["@types/pg"],
  },
  authorizer: {
    doc: "says who may see what Apache serves",
    serve: undefined,
    edit: "app.ts",
    from: { "examples/starters/authorizer": "." },
  },
};

const INSTALLATION = fileURLToPath(new URL("../../../../", import.meta.url));
/** Where the sockets of the configuration lie; it has to exist. */
const RUN_FOLDER = "run";

/** For an editor; the files themselves need no compiler. */
const TSCONFIG = {
  compilerOptions: {
    target: "esnext",
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    types: ["node"],
  },
};

/** Written rather than copied: npm and Node give files of these names a meaning where they lie. */
function writtenFiles({ packages = [], typePackages = [] }: Template): Readonly<Record<string, string>> {
  const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const dependencies = versionsOf(packages);
  const devDependencies = versionsOf(["@types/node", "typescript", ...typePackages]);
  return {
    "package.json": json({
      private: true,
      type: "module",
      scripts: { check: "tsc -p ." },
      ...(packages.length === 0 ? {} : { dependencies }),
      devDependencies,
    }),
    "tsconfig.json": json(TSCONFIG),
    ".gitignore": `node_modules/\n${RUN_FOLDER}/\ndata/\n`,
  };
}

/** Those that this version of Holdfast is tested with. */
function versionsOf(packages: readonly string[]): Readonly<Record<string, string>> {
  const own = JSON.parse(readFileSync(join(INSTALLATION, "package.json"), "utf8")) as Record<string, object>;
  const versions = new Map<string, unknown>(Object.entries({ ...own.devDependencies, ...own.dependencies }));
  return Object.fromEntries(packages.toSorted().map((name) => [name, `^${versions.get(name)}`]));
}

export function initCommand(): Command {
  return new Command("init")
    .description("write a site or an app that runs, to begin with")
    .argument("[dir]", "folder to write into: an empty one, or one that does not exist", ".")
    .addOption(
      new Option("--template <template>", describeTemplates()).choices(Object.keys(TEMPLATES)).default("pages"),
    )
    .action((dir: string, { template: name }: { readonly template: string }) => {
      const folder = resolve(dir);
      const template = TEMPLATES[name];
      if (template === undefined) throw new Error(`commander let ${name} pass`);
      write(template, folder);
      printNextSteps(template, folder);
    });
}

function describeTemplates(): string {
  return Object.entries(TEMPLATES)
    .map(([name, { doc }]) => `${name}: ${doc}`)
    .join("; ");
}

function printNextSteps({ serve, edit, packages }: Template, folder: string): void {
  const shown = (path: string): string => printable(relative(process.cwd(), join(folder, path)) || ".");
  const install = shown(".") === "." ? "npm install" : `npm install --prefix ${shown(".")}`;
  print(
    `written to ${printable(folder)}`,
    "",
    ...(packages === undefined ? [] : [`  ${install}`, "      brings what it is made of"]),
    ...(serve === undefined
      ? []
      : [`  holdfast serve ${shown(serve)}`, "      shows it in a browser; edit", `      ${shown(edit)} meanwhile`]),
    `  holdfast start -c ${shown("holdfast.toml")}`,
    "      runs it as a server does; `holdfast apache` prints what Apache needs",
    // A Debian package comes without types.
    ...(existsSync(join(INSTALLATION, "dist/src/index.d.ts"))
      ? [
          `  ${install} --save-dev ${printable(INSTALLATION.replace(/\/$/, ""))}`,
          "      only for an editor that checks types, or `npx tsc -p .`",
        ]
      : []),
    "",
    `${shown("README.md")} says more.`,
  );
}

/** Throws Fault USAGE, and writes nothing, where the folder is not empty. */
function write(template: Template, folder: string): void {
  refuseUsed(folder);
  try {
    mkdirSync(join(folder, RUN_FOLDER), { recursive: true });
    for (const [from, to] of copiesOf(template)) {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      copyFileSync(from, join(folder, to), constants.COPYFILE_EXCL);
    }
    for (const [path, text] of Object.entries(writtenFiles(template))) {
      writeFileSync(join(folder, path), text, { flag: "wx" });
    }
  } catch (cause) {
    throw new Fault("USAGE", `${folder} cannot be written: ${(cause as Error).message}`, {
      hint: "name a folder that you may write into",
      cause,
    });
  }
}

/** Pairs of a file and where it goes, relative. A README of the first folder goes before those of the others. */
function copiesOf({ from }: Template): readonly (readonly [from: string, to: string])[] {
  return Object.entries(from).flatMap(([source, target], index) => {
    const folder = join(INSTALLATION, source);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && (index === 0 || entry.name !== "README.md"))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file, join(target, relative(folder, file))] as const);
  });
}

/** What version control keeps is no matter. */
const IGNORED = new Set([".git", ".hg", ".jj", ".svn"]);

function refuseUsed(folder: string): void {
  const [name] = namesIn(folder).filter((each) => !IGNORED.has(each));
  if (name === undefined) return;
  throw new Fault("USAGE", `${join(folder, name)} is there already`, {
    hint: "nothing was written: name an empty folder, or one that does not exist",
  });
}

/** Also of a symbolic link that leads nowhere: then it is in the way itself. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    try {
      lstatSync(folder);
      return [""];
    } catch {
      return []; // What else is wrong with it, writing will say.
    }
  }
}
