// The reference page of the access log, from the table of its codes.

import { markdownTable } from "../base/markdown-table.ts";
import { ACCESS_CODES, ACCESS_TIME, type AccessCode } from "./access-format.ts";
import { POOL } from "./schema.ts";

export function renderAccessReference(): string {
  const rows = Object.entries(ACCESS_CODES).map(([code, entry]): [string, string] => [
    writingsOf(code, entry),
    meaningOf(entry),
  ]);
  return `${[
    "<!-- Generated from src/config/access-format.ts by scripts/docs.ts: change that and run `npm run docs`. -->",
    "# The access log",
    "",
    "`access_log` of a pool writes one line for each request, when it is over. `access_format` says what it shows: text,",
    "and these codes. They are php-fpm's, with `%b`, `%W`, `%I` and `%X` added. What is in braces may stand before the",
    `letter or behind it. Default: \`${String(POOL.access_format.default)}\`.`,
    "",
    ...markdownTable(["code", "shows"], [["`%%`", "a percent sign"], ...rows]),
    "",
    'A value that is not known is `-`. What a client chose is escaped as Apache does: `\\xhh`, `\\n`, `\\"`, `\\\\`.',
    `Times are local, by default as \`${ACCESS_TIME}\`.`,
    "",
    'With `access_format = "json"` each line is an object: `time` (ISO 8601, UTC), `pool`, `request`, `remote`, `user`,',
    "`method`, `path`, `query`, `protocol`, `host`, `status`, `bytes`, `ms`, `waitedMs`, `cut`, `referer`, `agent`. What is",
    "not known is left out.",
    "",
    "A request that the pool refused before all its parameters were read (431, a broken record) has no line; Apache's own",
    "log has it.",
  ].join("\n")}\n`;
}

function writingsOf(code: string, { braces }: AccessCode): string {
  switch (braces.kind) {
    case "none":
      return `\`%${code}\``;
    case "choice":
      return [`\`%${code}\``, ...braces.values.map((value) => `\`%{${value}}${code}\``)].join(" ");
    case "name":
      return `\`%{${braces.what}}${code}\``;
    case "time":
      return `\`%${code}\` \`%{FORMAT}${code}\``;
  }
}

function meaningOf({ doc, braces }: AccessCode): string {
  return braces.kind === "choice" ? `${doc} (without braces: ${braces.values[0]})` : doc;
}
