// The whole command line as commander knows it: what `holdfast` parses, and what help, completion and
// the manual page are derived from.

import { Command } from "commander";
import { VERSION } from "../base/version.ts";
import { COMMANDS } from "./commands.ts";
import { EXAMPLES } from "./examples.ts";

/** What comes after the list of commands in `holdfast --help`. */
const EXIT_CODES =
  "Exit codes: 0 done, 64 wrong usage, 69 a socket cannot be used, 70 an app did not start, 78 wrong configuration.";

export function createProgram(): Command {
  const root = new Command("holdfast")
    .description("Keeps TypeScript alive between requests: persistent worker pools for Apache, over FastCGI.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .addHelpText("after", `\n${EXIT_CODES}`)
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .exitOverride();
  for (const make of COMMANDS) {
    const command = make();
    root.addCommand(command.copyInheritedSettings(root).addHelpText("after", examplesText(command.name())));
  }
  return root;
}

function examplesText(command: string): string {
  const lines = (EXAMPLES[command] ?? []).flatMap(({ line, does }) => [`  ${line}`, `      ${does}`]);
  return lines.length === 0 ? "" : ["", "Examples:", ...lines].join("\n");
}
