#!/usr/bin/env node
// Starts Holdfast. In old syntax on purpose: every Node from 14 on must be able to read this far, and
// then go on in the newer Node that was installed beside Holdfast, or say what to do.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 18];
/** sysexits.h EX_UNAVAILABLE */
const UNAVAILABLE = 69;
const FORWARDED = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

function isEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/** The program of the npm package `node`, which may be a dependency of ours or of who installed us. */
function bundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    const program = join(dirname(manifest), "bin", "node");
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    return isEnough(version) && existsSync(program) ? program : undefined;
  } catch (_error) {
    return undefined;
  }
}

/** Becomes, as far as Node can, the other Node: same arguments, same terminal, signals passed on, same end. */
function continueIn(program) {
  const args = [fileURLToPath(import.meta.url)].concat(process.argv.slice(2));
  const child = spawn(program, args, { stdio: "inherit" });
  const onTerminal = [0, 1, 2].some((fd) => isTerminal(fd));
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child too, and a second one would mean "at once".
      if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => giveUp(`the bundled Node cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    // The dynamic linker's code: Node's own program needs libatomic from 26 on, and small systems lack it.
    if (code === 127) giveUp("the bundled Node cannot be started (on Debian: apt-get install libatomic1)");
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function isTerminal(fd) {
  return Boolean([process.stdin, process.stdout, process.stderr][fd].isTTY);
}

function giveUp(message) {
  process.stderr.write(`holdfast: ${message}\n`);
  process.stderr.write(`  install Node ${NEEDED.join(".")} or newer, or run \`npm install node@26\` beside Holdfast\n`);
  process.exit(UNAVAILABLE);
}

if (isEnough(process.versions.node)) {
  // Without a listener Node opens its inspector to whoever may send it; what it means is settled later.
  process.on("SIGUSR1", () => {});
  import("../dist/src/cli/main.js").then(
    (cli) => cli.main(process.argv).then((code) => (process.exitCode = code)),
    (error) => {
      process.stderr.write(`holdfast: ${error.stack || error}\n`);
      process.exitCode = 70;
    },
  );
} else {
  const program = bundledNode();
  if (program === undefined) giveUp(`this is Node ${process.versions.node}, and that is too old`);
  else continueIn(program);
}
