// `holdfast completion SHELL`: prints what makes a shell complete `holdfast`.

import { Argument, Command } from "commander";
import { renderCompletion, SHELLS, type Shell } from "../completion.ts";
import { describeCommands } from "../describe.ts";

export function completionCommand(): Command {
  return new Command("completion")
    .description("print completion for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell, _options: unknown, command: Command) => {
      process.stdout.write(renderCompletion(shell, describeCommands(command.parent ?? command)));
    });
}
