// Shell completion, derived from the descriptions of the commands. Pure: the scripts are static, and run
// no `holdfast` while somebody types.

import type { CommandDescription, OptionDescription, Value } from "./describe.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function renderCompletion(shell: Shell, commands: readonly CommandDescription[]): string {
  const lines = { bash, zsh, fish }[shell](commands);
  return `${lines.join("\n")}\n`;
}

const HELP: OptionDescription = {
  short: "-h",
  long: "--help",
  value: undefined,
  description: "show help",
  fallback: undefined,
};

const optionsOf = ({ options }: CommandDescription): readonly OptionDescription[] => [...options, HELP];
const flagsOf = ({ short, long }: OptionDescription): readonly string[] =>
  short === undefined ? [long] : [short, long];

/** Values that name something on the disk. */
const isPath = ({ name }: Value): boolean => /^(file|folder|path|dir)$/.test(name);

// ---- bash: one function; what is possible depends on the command and the word before --------------

function bash(commands: readonly CommandDescription[]): readonly string[] {
  const names = commands.map(({ name }) => name);
  return [
    "# bash completion for holdfast",
    "_holdfast() {",
    "  local cur prev command word",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '  cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=""',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case $word in ${names.join("|")}) command=$word; break ;; esac`,
    "  done",
    "  COMPREPLY=()",
    "  case $command:$prev in",
    ...commands.flatMap(({ name, options }) => options.flatMap((option) => bashValue(name, option))),
    "  esac",
    "  case $command in",
    `    "") COMPREPLY=($(compgen -W "${[...names, "help", "--help", "--version"].join(" ")}" -- "$cur")) ;;`,
    ...commands.flatMap((command) => {
      const words = optionsOf(command)
        .flatMap(flagsOf)
        .concat(command.arguments.flatMap(({ choices }) => choices));
      const files = command.arguments.some(isPath) ? ' $(compgen -f -- "$cur")' : "";
      return `    ${command.name}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur")${files}) ;;`;
    }),
    "  esac",
    "}",
    "complete -o bashdefault -F _holdfast holdfast",
  ];
}

function bashValue(command: string, option: OptionDescription): readonly string[] {
  const { value } = option;
  if (value === undefined) return [];
  const found = value.choices.length > 0 ? `-W "${value.choices.join(" ")}"` : isPath(value) ? "-f" : undefined;
  const reply = found === undefined ? "" : ` COMPREPLY=($(compgen ${found} -- "$cur"));`;
  return [
    `    ${flagsOf(option)
      .map((flag) => `${command}:${flag}`)
      .join("|")})${reply} return ;;`,
  ];
}

// ---- zsh: _arguments knows options; the first word is the command ---------------------------------

function zsh(commands: readonly CommandDescription[]): readonly string[] {
  return [
    "#compdef holdfast",
    "_holdfast() {",
    "  local -a commands",
    "  commands=(",
    ...commands.map(({ name, description }) => `    ${single(`${name}:${description.replaceAll(":", "\\:")}`)}`),
    "  )",
    "  if (( CURRENT == 2 )); then _describe command commands; return; fi",
    "  shift words; (( CURRENT -= 1 ))",
    "  case $words[1] in",
    ...commands.flatMap((command) => [
      `    ${command.name})`,
      "      _arguments \\",
      ...optionsOf(command).map((option) => `        ${zshOption(option)} \\`),
      ...command.arguments.map(
        (argument) => `        ${single(`:${zshText(argument.name)}:${zshValues(argument)}`)} \\`,
      ),
      "        && return ;;",
    ]),
    "  esac",
    "}",
    'if [[ $funcstack[1] == _holdfast ]]; then _holdfast "$@"; else compdef _holdfast holdfast; fi',
  ];
}

function zshOption(option: OptionDescription): string {
  const { value } = option;
  const argument =
    value === undefined ? "" : `${value.required ? ":" : "::"}${zshText(value.name)}:${zshValues(value)}`;
  const tail = `[${zshText(option.description)}]${argument}`;
  const flags = flagsOf(option);
  if (flags.length === 1) return single(`${option.long}${tail}`);
  return `${single(`(${flags.join(" ")})`)}{${flags.join(",")}}${single(tail)}`;
}

function zshValues(value: Value): string {
  if (value.choices.length > 0) return `(${value.choices.join(" ")})`;
  return isPath(value) ? "_files" : "";
}

const zshText = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");

// ---- fish: one line for each thing that can be completed -------------------------------------------

function fish(commands: readonly CommandDescription[]): readonly string[] {
  return [
    "# fish completion for holdfast",
    "complete -c holdfast -f",
    "complete -c holdfast -n __fish_use_subcommand -s V -l version -d 'print the version'",
    ...commands.flatMap((command) => {
      const here = `complete -c holdfast -n '__fish_seen_subcommand_from ${command.name}'`;
      return [
        `complete -c holdfast -n __fish_use_subcommand -a ${command.name} -d ${single(command.description)}`,
        ...optionsOf(command).map((option) => `${here} ${fishOption(option)}`),
        ...command.arguments.flatMap((argument) => {
          if (argument.choices.length > 0) return [`${here} -a ${single(argument.choices.join(" "))}`];
          return isPath(argument) ? [`${here} -F`] : [];
        }),
      ];
    }),
  ];
}

function fishOption({ short, long, value, description }: OptionDescription): string {
  const names = [...(short === undefined ? [] : [`-s ${short.slice(1)}`]), `-l ${long.slice(2)}`];
  const values =
    value === undefined
      ? []
      : value.choices.length > 0
        ? [value.required ? "-x" : "", `-a ${single(value.choices.join(" "))}`]
        : [isPath(value) ? "-r -F" : "-x"];
  return [...names, ...values.filter((part) => part !== ""), `-d ${single(description)}`].join(" ");
}

/** In single quotes as all three shells read them. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
