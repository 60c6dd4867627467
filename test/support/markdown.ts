// What the tests of the documents look at in a Markdown file: its fenced blocks, the text outside of
// them, links, headings and tables. As much of the language as the documents here use.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Fence {
  readonly language: string;
  readonly code: string;
  /** Of its first line of code, counted from 1. */
  readonly line: number;
}

export interface Document {
  /** Relative to the top of the repository. */
  readonly path: string;
  readonly fences: readonly Fence[];
  /** Text outside of fences. */
  readonly prose: string;
}

const OTHERS = /(?:^|\/)(?:node_modules|dist|\.[^/]*)(?:\/|$)/;

/** Every Markdown file below `top` that is the repository's own. */
export function readDocuments(top: string): readonly Document[] {
  return readdirSync(top, { withFileTypes: true })
    .filter(({ name }) => !OTHERS.test(name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(join(top, entry.name), { recursive: true, encoding: "utf8" }).map((name) =>
            join(entry.name, name),
          )
        : [entry.name],
    )
    .filter((path) => path.endsWith(".md") && !OTHERS.test(path))
    .sort()
    .map((path) => ({ path, ...split(readFileSync(join(top, path), "utf8")) }));
}

/** The fenced blocks of a Markdown text, and what is outside of them. */
export function split(text: string): Pick<Document, "fences" | "prose"> {
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: { language: string; line: number; code: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const mark = /^```(\w*)/.exec(line);
    if (mark === null) (open?.code ?? prose).push(line);
    else if (open === undefined) open = { language: mark[1] ?? "", line: index + 2, code: [] };
    else {
      fences.push({ ...open, code: `${open.code.join("\n")}\n` });
      open = undefined;
    }
  }
  return { fences, prose: prose.join("\n") };
}

/** Targets of links that lead into the repository: path relative to its top, and the anchor. */
export function localLinks({ path, prose }: Document): readonly { readonly path: string; readonly anchor: string }[] {
  return [...withoutCode(prose).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { path: file === "" ? path : join(dirname(path), file), anchor };
    });
}

/** Names of the headings as links write them. */
export function anchors({ prose }: Document): readonly string[] {
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

export function inlineCode({ prose }: Document): readonly string[] {
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** Cells of every table row, without those of the line below the head. */
export function tableRows({ prose }: Document): readonly (readonly string[])[] {
  return prose
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, "");
}
