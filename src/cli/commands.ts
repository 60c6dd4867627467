// The table of commands, in the order in which `holdfast --help` shows them.

import type { Command } from "commander";
import { checkCommand } from "./commands/check.ts";
import { pingCommand } from "./commands/ping.ts";
import { startCommand } from "./commands/start.ts";
import { statusCommand } from "./commands/status.ts";
import { stopCommand } from "./commands/stop.ts";

export const COMMANDS: readonly (() => Command)[] = [
  startCommand,
  checkCommand,
  statusCommand,
  pingCommand,
  stopCommand,
];
