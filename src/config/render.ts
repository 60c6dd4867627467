// schema.ts in the forms that people and tools read: the sample file, the reference page, the JSON
// Schema, and a configuration with every default filled in. Pure.

import { stringify } from "smol-toml";
import { z } from "zod";
import { type Config, POOL, POOL_NAME, SUPERVISOR } from "./schema.ts";
import { type AnyEntry, type Shape, toZod, type Written } from "./table.ts";

const INCLUDE = {
  doc: "More files, each with pools of its own. The last part of a path may hold `*` and `?`.",
  example: ["pool.d/*.toml"],
};

/** conf/holdfast.sample.toml: every option, at its default or as a commented example. */
export function renderSample(): string {
  return `${[
    "# Every option of Holdfast with its default; what is commented out has none, or must be chosen.",
    "# Durations: 500ms, 30s, 2m, 1h. Sizes: 512KiB, 64MiB, 1GiB. Paths are relative to this file's folder.",
    "# `holdfast check -c FILE` finds every mistake in such a file.",
    "",
    ...comment(INCLUDE.doc),
    `# include = ${inline(INCLUDE.example)}`,
    "",
    "[supervisor]",
    ...sampleOf(SUPERVISOR, "supervisor"),
    "",
    "# A pool: one app, the socket where Apache reaches it, and its workers. There may be several.",
    "[pools.www]",
    ...sampleOf(POOL, "pools.www"),
  ].join("\n")}\n`;
}

/** What the sample chooses where an option must be chosen. */
const SAMPLE_CHOICE: readonly string[] = ["listen", "listen_owner", "user", "root"];

function sampleOf(shape: Shape, at: string): readonly string[] {
  const options: string[] = [];
  const tables: string[] = [];
  for (const [key, entry] of Object.entries(shape)) {
    if (entry.entry === "group") {
      tables.push("", ...comment(entry.doc), `[${at}.${key}]`, ...sampleOf(entry.shape, `${at}.${key}`));
    } else if (isEnvironment(entry)) {
      tables.push("", ...comment(entry.doc), `[${at}.${key}]`, '# DATABASE_URL = "postgres://…"');
    } else {
      const off = entry.entry === "optional" && !SAMPLE_CHOICE.includes(key);
      const value = entry.entry === "option" ? (entry.default ?? entry.example) : entry.example;
      options.push(...comment(entry.doc), `${off ? "# " : ""}${key} = ${inline(value ?? "")}`);
    }
  }
  return [...options, ...tables];
}

const isEnvironment = (entry: AnyEntry): boolean =>
  entry.entry === "option" && typeof entry.default === "object" && !Array.isArray(entry.default);

/** docs/reference/configuration.md */
export function renderReference(): string {
  return `${[
    "<!-- Generated from src/config/schema.ts by scripts/docs.ts: change that and run `npm run docs`. -->",
    "# Configuration",
    "",
    "Holdfast reads one TOML file: the one that `-c` names, else `/etc/holdfast/holdfast.toml`, else",
    "`./holdfast.toml`. `holdfast check` reports every mistake in it at once, `holdfast check --print` prints it",
    "with every default filled in, and `conf/holdfast.sample.toml` is an example with every option.",
    "",
    'Durations are written `"500ms"`, `"30s"`, `"2m"` or `"1h"`; sizes `"512KiB"`, `"64MiB"` or `"1GiB"`. Relative',
    "paths are relative to the folder of the file that they are in. There is no reading of environment variables.",
    "",
    `\`include = ${inline(INCLUDE.example)}\`, at the top of the main file: ${INCLUDE.doc}`,
    "",
    "## `[supervisor]`",
    "",
    ...referenceOf(SUPERVISOR, []),
    "",
    "## `[pools.NAME]`",
    "",
    "One table for each pool. A name has 1 to 32 letters, digits, `-` and `_`, a letter or digit first.",
    "",
    ...referenceOf(POOL, []),
  ].join("\n")}\n`;
}

function referenceOf(shape: Shape, at: readonly string[]): readonly string[] {
  const options: string[] = [];
  const tables: string[] = [];
  for (const [key, entry] of Object.entries(shape)) {
    if (entry.entry === "group") {
      const title = `### \`[pools.NAME.${[...at, key].join(".")}]\``;
      tables.push("", title, "", entry.doc, "", ...referenceOf(entry.shape, [...at, key]));
      continue;
    }
    options.push(`- \`${key}\`${fallbackOf(entry)}: ${entry.kind.form}.\\`, `  ${entry.doc}`);
  }
  return [...options, ...tables];
}

function fallbackOf(entry: Exclude<AnyEntry, { entry: "group" }>): string {
  if (entry.entry === "optional") return "";
  return entry.default === undefined ? ", required" : ` = \`${inline(entry.default)}\``;
}

const comment = (doc: string): readonly string[] => [`# ${doc}`];

/** A value on one line, as TOML. */
export function inline(value: Written): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  return stringify({ value }).slice("value = ".length).trim();
}

/** What editors need to complete and check such a file. */
export function renderJsonSchema(): unknown {
  const file = z.strictObject({
    include: z.array(z.string()).optional().meta({ description: INCLUDE.doc }),
    supervisor: toZod(SUPERVISOR).optional(),
    pools: z.record(z.string().regex(POOL_NAME), toZod(POOL)),
  });
  return z.toJSONSchema(file, { io: "input" });
}

/** The configuration that is in effect, in the terms in which it is written. */
export function writeConfig(config: Config): Written {
  return {
    supervisor: writeTable(SUPERVISOR, { ...config.supervisor }),
    pools: Object.fromEntries(
      config.pools.map((pool) => {
        const { listenMode, ...rest } = pool;
        // A mode is refused where there is no unix socket that could have it.
        const written = pool.listen.kind === "tcp" ? rest : { ...rest, listenMode };
        return [pool.name, writeTable(POOL, written)];
      }),
    ),
  };
}

function writeTable(shape: Shape, values: Readonly<Record<string, unknown>>): Written {
  const written: Record<string, Written> = {};
  for (const [key, entry] of Object.entries(shape)) {
    const value = values[entry.as];
    if (value === undefined) continue;
    if (entry.entry === "group") written[key] = writeTable(entry.shape, value as Readonly<Record<string, unknown>>);
    else written[key] = entry.kind.write?.(value) ?? (value as Written);
  }
  return written;
}

export function renderToml(config: Config): string {
  return stringify(writeConfig(config));
}
