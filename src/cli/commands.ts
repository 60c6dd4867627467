// The table of commands, in the order in which `holdfast --help` shows them.

import type { Command } from "commander";
import { apacheCommand } from "./commands/apache.ts";
import { checkCommand } from "./commands/check.ts";
import { completionCommand } from "./commands/completion.ts";
import { initCommand } from "./commands/init.ts";
import { pingCommand } from "./commands/ping.ts";
import { reloadCommand } from "./commands/reload.ts";
import { requestCommand } from "./commands/request.ts";
import { serveCommand } from "./commands/serve.ts";
import { startCommand } from "./commands/start.ts";
import { statusCommand } from "./commands/status.ts";
import { stopCommand } from "./commands/stop.ts";
import { systemdCommand } from "./commands/systemd.ts";

export const COMMANDS: readonly (() => Command)[] = [
  initCommand,
  serveCommand,
  startCommand,
  checkCommand,
  statusCommand,
  pingCommand,
  reloadCommand,
  stopCommand,
  apacheCommand,
  systemdCommand,
  requestCommand,
  completionCommand,
];
