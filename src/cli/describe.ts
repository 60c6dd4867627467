// The command line as plain data, read from the one table of commands: for completion scripts and the
// manual page. Pure.

import type { Argument, Command, Option } from "commander";
import { EXAMPLES, type Example } from "./examples.ts";

export interface Value {
  /** Such as "file". */
  readonly name: string;
  readonly required: boolean;
  /** Empty: any. */
  readonly choices: readonly string[];
}

export interface OptionDescription {
  /** Such as "-c". */
  readonly short: string | undefined;
  /** Such as "--config". */
  readonly long: string;
  /** undefined for a flag. */
  readonly value: Value | undefined;
  readonly description: string;
  /** As it would be written; undefined if there is none, or the description names it. */
  readonly fallback: string | undefined;
}

export interface ArgumentDescription extends Value {
  readonly description: string;
}

export interface CommandDescription {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly ArgumentDescription[];
  /** Without --help, which every command has. */
  readonly options: readonly OptionDescription[];
  readonly examples: readonly Example[];
}

/** Every command below `root`, in its order. */
export function describeCommands(root: Command): readonly CommandDescription[] {
  return root.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    arguments: command.registeredArguments.map(describeArgument),
    options: command.options.map(describeOption),
    examples: EXAMPLES[command.name()] ?? [],
  }));
}

function describeArgument(argument: Argument): ArgumentDescription {
  return {
    name: argument.name(),
    required: argument.required,
    choices: argument.argChoices ?? [],
    description: argument.description,
  };
}

function describeOption(option: Option): OptionDescription {
  const placeholder = /[<[]([^\]>]+)[\]>]/.exec(option.flags)?.[1];
  const { defaultValue } = option;
  const isWorthTelling = typeof defaultValue === "string" || typeof defaultValue === "number";
  return {
    short: option.short,
    long: option.long ?? "",
    value:
      placeholder === undefined
        ? undefined
        : { name: placeholder.replace(/\.\.\.$/, ""), required: option.required, choices: option.argChoices ?? [] },
    description: option.description,
    fallback: isWorthTelling ? String(defaultValue) : undefined,
  };
}
