// `npm run docs:api`: docs/reference/api.md from the public types and their docstrings. typedoc and its
// compiler are installed here, at their first use, and are no part of the program's packages.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/reference/api.md", import.meta.url));
const BIOME = fileURLToPath(new URL("../../node_modules/@biomejs/biome/bin/biome", import.meta.url));

const HEAD = `<!-- Generated from the types and docstrings of src/app by \`npm run docs:api\`: change those and run it. -->
# API

Everything that \`import … from "holdfast"\` gives, as the types say it. [Handlers](handlers.md) is the page to read first.
`;

/** As links write a heading. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(`${HERE}node_modules/typedoc`)) run("npm", ["ci", "--no-audit", "--no-fund"], HERE);
run(process.execPath, ["node_modules/typedoc/bin/typedoc", "--options", "typedoc.json"], HERE);
const text = readFileSync(`${HERE}out/api.md`, "utf8");
rmSync(`${HERE}out`, { recursive: true });
const anchors = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading)));
// The title, rules between entries, and marks of what is no heading.
const body = text
  .replace(/^# .*\n/, "")
  .replace(/^\*\*\*\n\n?/gm, "")
  .replace(/<a id="[^"]*"><\/a> /g, "")
  .replace(/\[([^\]]*)\]\(#([^)]*)\)/g, (link, name, anchor) => (anchors.has(anchor) ? link : name));
writeFileSync(PAGE, HEAD + body);
run(process.execPath, [BIOME, "check", "--write", PAGE], fileURLToPath(new URL("../../", import.meta.url)));
