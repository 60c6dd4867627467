// The manual pages holdfast(1) and holdfast.toml(5), from the tables of commands, options, signals and
// faults.

import { FAULTS } from "../../src/base/fault.ts";
import { type CommandDescription, describeCommands, type OptionDescription } from "../../src/cli/describe.ts";
import { createProgram } from "../../src/cli/program.ts";
import { inline } from "../../src/config/render.ts";
import { POOL, SUPERVISOR } from "../../src/config/schema.ts";
import type { AnyEntry, Shape } from "../../src/config/table.ts";
import { SIGNALS } from "../../src/supervisor/signals.ts";
import { item, page, paragraph, prose, section, subsection } from "./roff.ts";

export interface Edition {
  readonly version: string;
  /** 2026-01-31 */
  readonly date: string;
}

/** holdfast(1) */
export function renderManual({ version, date }: Edition): string {
  const commands = describeCommands(createProgram());
  return page(
    { name: "HOLDFAST", section: 1, date, source: `Holdfast ${version}`, manual: "User Commands" },
    section("NAME", prose("holdfast - persistent worker pools for TypeScript behind Apache, over FastCGI")),
    section("SYNOPSIS", prose("`holdfast` _command_ [_option_ ...]"), ".br", prose("`holdfast` _command_ `--help`")),
    section(
      "DESCRIPTION",
      prose(
        "Holdfast keeps TypeScript alive between requests. A supervisor keeps pools of worker threads that hold the app " +
          "and its state; Apache's mod_proxy_fcgi forwards requests to them over a socket.",
      ),
    ),
    section("COMMANDS", ...commands.map(renderCommand)),
    section("SIGNALS", ...Object.entries(SIGNALS).map(([signal, { doc }]) => item(`\`${signal}\``, doc))),
    section("EXIT STATUS", item("`0`", "Done, or stopped as asked."), ...exitCodes()),
    section(
      "FILES",
      item("/etc/holdfast/holdfast.toml", "The configuration; see `holdfast.toml`(5)."),
      item("/run/holdfast/control.sock", "Where the commands reach the supervisor."),
    ),
    section("SEE ALSO", prose("`holdfast.toml`(5), `apache2`(8)")),
  );
}

function renderCommand(command: CommandDescription): string {
  const operands = command.arguments.map(({ name, required }) => (required ? `<${name}>` : `[${name}]`));
  return subsection(
    ["holdfast", command.name, ...operands].join(" "),
    prose(sentence(command.description)),
    ...command.arguments.map(({ name, description, choices }) =>
      item(`_${name}_`, sentence(description), ...oneOf(choices)),
    ),
    ...command.options.map(renderOption),
    ...command.examples.map(({ line, does }) => item(`$ \`${line}\``, sentence(does))),
  );
}

function renderOption({ short, long, value, description, fallback }: OptionDescription): string {
  const flags = [short, long].filter((flag) => flag !== undefined).join(", ");
  const operand = value === undefined ? "" : value.required ? ` <${value.name}>` : ` [${value.name}]`;
  return item(
    `\`${flags}${operand}\``,
    sentence(description),
    ...oneOf(value?.choices ?? []),
    ...(fallback === undefined ? [] : [`Default: \`${fallback}\`.`]),
  );
}

const oneOf = (choices: readonly string[]): readonly string[] =>
  choices.length === 0 ? [] : [`One of ${choices.map((choice) => `\`${choice}\``).join(", ")}.`];

/** Help speaks in fragments, a manual in sentences. */
function sentence(fragment: string): string {
  const capital = `${fragment.slice(0, 1).toUpperCase()}${fragment.slice(1)}`;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

function exitCodes(): readonly string[] {
  const meanings = new Map<number, string[]>();
  for (const { exit, meaning } of Object.values(FAULTS)) {
    if (exit !== 0) meanings.set(exit, [...(meanings.get(exit) ?? []), meaning]);
  }
  return [...meanings]
    .sort(([a], [b]) => a - b)
    .map(([code, found]) => item(`\`${code}\``, sentence(found.join("; "))));
}

/** holdfast.toml(5) */
export function renderConfigurationManual({ version, date }: Edition): string {
  return page(
    { name: "HOLDFAST.TOML", section: 5, date, source: `Holdfast ${version}`, manual: "File Formats" },
    section("NAME", prose("holdfast.toml - configuration of Holdfast's supervisor and pools")),
    section(
      "DESCRIPTION",
      prose(
        "A TOML file with one table for the supervisor and one for each pool. `holdfast check` finds every mistake in it.",
      ),
      paragraph('Durations are written "500ms", "30s", "2m" or "1h"; sizes "512KiB", "64MiB" or "1GiB".'),
      paragraph("Relative paths are relative to the folder of the file that they are in."),
      paragraph(
        'At the top of the main file, `include = ["pool.d/*.toml"]` names more files, each with pools of its own. ' +
          "The last part of a path may hold `*` and `?`.",
      ),
    ),
    section("[supervisor]", ...options(SUPERVISOR, [])),
    section(
      "[pools.NAME]",
      prose("One table for each pool. A name has 1 to 32 letters, digits, `-` and `_`, a letter or digit first."),
      ...options(POOL, []),
    ),
    section("FILES", item("/etc/holdfast/holdfast.toml"), item("/etc/holdfast/pool.d/*.toml")),
    section("SEE ALSO", prose("`holdfast`(1)")),
  );
}

function options(shape: Shape, at: readonly string[]): readonly string[] {
  const entries = Object.entries(shape);
  return [
    ...entries.flatMap(([key, entry]) => (entry.entry === "group" ? [] : [optionItem(key, entry)])),
    // A table's own options come before the tables in it, as in TOML.
    ...entries.flatMap(([key, entry]) =>
      entry.entry === "group"
        ? [
            subsection(`[pools.NAME.${[...at, key].join(".")}]`, prose(entry.doc)),
            ...options(entry.shape, [...at, key]),
          ]
        : [],
    ),
  ];
}

function optionItem(key: string, entry: Exclude<AnyEntry, { entry: "group" }>): string {
  const fallback = entry.entry === "option" && entry.default !== undefined ? ` = ${inline(entry.default)}` : "";
  const required = entry.entry === "option" && entry.default === undefined ? ["Required."] : [];
  return item(`\`${key}${fallback}\``, sentence(entry.kind.form), ...required, entry.doc);
}
