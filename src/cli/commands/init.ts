// `holdfast init DIR`: a new site or app that runs, copied from examples/starters.

import { constants, copyFileSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { Fault } from "../../base/fault.ts";
import { print, printable } from "../print.ts";

const TEMPLATES = ["files", "app"] as const;
type Template = (typeof TEMPLATES)[number];

/** What `holdfast serve` and an editor are pointed at. */
const MAIN: Readonly<Record<Template, { readonly target: string; readonly edit: string }>> = {
  files: { target: "site", edit: "site/index.ts" },
  app: { target: "app.ts", edit: "app.ts" },
};

const STARTERS = fileURLToPath(new URL("../../../../examples/starters", import.meta.url));
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
const WRITTEN: Readonly<Record<string, string>> = {
  "package.json": `${JSON.stringify({ private: true, type: "module" }, undefined, 2)}\n`,
  "tsconfig.json": `${JSON.stringify(TSCONFIG, undefined, 2)}\n`,
  ".gitignore": `node_modules/\n${RUN_FOLDER}/\n`,
};

export function initCommand(): Command {
  return new Command("init")
    .description("write a site or an app that runs, to begin with")
    .argument("[dir]", "folder to write into; files that are there stay as they are", ".")
    .addOption(
      new Option("--template <template>", "files: a folder of handlers and pages; app: one module that answers all")
        .choices(TEMPLATES)
        .default("files"),
    )
    .action((dir: string, { template }: { readonly template: Template }) => {
      const folder = resolve(dir);
      write(join(STARTERS, template), folder);
      const { target, edit } = MAIN[template];
      const shown = (path: string): string => printable(relative(process.cwd(), join(folder, path)) || ".");
      print(
        `written to ${printable(folder)}`,
        "",
        `  holdfast serve ${shown(target)}`,
        "      shows it in a browser; edit",
        `      ${shown(edit)} meanwhile`,
        `  holdfast start -c ${shown("holdfast.toml")}`,
        "      runs it as a server does; `holdfast apache` prints what Apache needs",
        "  npm install --save-dev typescript @types/node holdfast",
        "      only for an editor that checks types",
      );
    });
}

/** Also as a symbolic link that leads nowhere. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false; // What else is wrong with it, writing will say.
  }
}

/** Throws Fault USAGE, and writes nothing, where a file is in the way. */
function write(template: string, folder: string): void {
  const copied = readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)));
  const inTheWay = [...copied, ...Object.keys(WRITTEN)].filter((path) => isThere(join(folder, path)));
  if (inTheWay.length > 0) {
    throw new Fault("USAGE", `${join(folder, inTheWay[0] ?? "")} is there already`, {
      hint: "nothing was written: name an empty folder, or one that does not exist",
    });
  }
  try {
    mkdirSync(join(folder, RUN_FOLDER), { recursive: true });
    for (const path of copied) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      copyFileSync(join(template, path), join(folder, path), constants.COPYFILE_EXCL);
    }
    for (const [path, text] of Object.entries(WRITTEN)) writeFileSync(join(folder, path), text, { flag: "wx" });
  } catch (cause) {
    throw new Fault("USAGE", `${folder} cannot be written: ${(cause as Error).message}`, {
      hint: "name a folder that you may write into",
      cause,
    });
  }
}
