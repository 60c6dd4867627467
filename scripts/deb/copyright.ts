// debian/copyright: whose work is in the package and under which licence, with the text of each licence
// as its package brings it. [https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/]

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HOME, LICENSE_FILE, type Program } from "./program.ts";

export function renderCopyright(top: string, { modules, node }: Program): string {
  const parts = modules.map(({ name, version, path }) =>
    component({
      files: `${HOME}/${path}/*`,
      name,
      comment: `${name} ${version}, https://www.npmjs.com/package/${name}`,
      declared: declaredLicense(join(top, path)),
      text: licenseText(join(top, path)),
    }),
  );
  const nodeText = readFileSync(node.license, "utf8");
  return [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: Holdfast",
    "Files: *\nCopyright: The Holdfast authors\nLicense: Apache-2.0",
    component({
      files: `${HOME}/bin/node`,
      name: "node",
      comment: `Node.js ${node.version} as its project publishes it, with the libraries in it`,
      declared: "Node.js",
      text: nodeText,
    }),
    ...parts,
    "License: Apache-2.0\n On Debian systems, the text of this licence is /usr/share/common-licenses/Apache-2.0.",
  ]
    .join("\n\n")
    .concat("\n");
}

interface Component {
  readonly files: string;
  readonly name: string;
  readonly comment: string;
  readonly declared: string;
  readonly text: string | undefined;
}

function component({ files, name, comment, declared, text }: Component): string {
  // Two packages under one licence have different texts: their copyright line is in it.
  const license = text === undefined ? declared : `${declared}-${name.replaceAll(/[^\w.-]+/g, "-").replace(/^-/, "")}`;
  const whose = text === undefined ? undefined : copyrightLines(text);
  return [
    `Files: ${files}`,
    `Copyright: ${whose ?? `the authors of ${name}`}`,
    `License: ${license}`,
    ...(text === undefined ? [] : [paragraphs(text)]),
    `Comment: ${comment}`,
  ].join("\n");
}

function copyrightLines(text: string): string | undefined {
  const lines = text
    .split("\n")
    .map((line) => /^\W*copyright (?:\(c\)|©)?\s*(.+)$/i.exec(line.trim())?.[1]?.trim())
    .filter((line) => line !== undefined);
  return lines.length === 0 ? undefined : [...new Set(lines)].slice(0, 5).join("\n ");
}

/** [copyright-format 1.0, License] continued lines begin with a space, empty ones hold a point. */
const paragraphs = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => line.replaceAll("\t", "    ").trimEnd())
    .map((line) => (line === "" ? " ." : ` ${line}`))
    .join("\n");

function licenseText(folder: string): string | undefined {
  const name = readdirSync(folder).find((file) => LICENSE_FILE.test(file));
  return name === undefined ? undefined : readFileSync(join(folder, name), "utf8");
}

function declaredLicense(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly license?: string;
    readonly licenses?: readonly { readonly type: string }[];
  };
  const declared = manifest.license ?? manifest.licenses?.[0]?.type;
  if (declared !== undefined) return declared;
  if (/\bMIT license\b|Permission is hereby granted, free of charge/i.test(licenseText(folder) ?? "")) return "MIT";
  throw new Error(`${folder} declares no licence: it cannot be packaged`);
}
