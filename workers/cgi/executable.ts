// Any other program as a child process: its environment and the request body in, what it prints out, its
// standard error to the log. It ends with its client, with its time, and with this worker.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type Instant, systemClock } from "../../src/base/clock.ts";
import { Fault } from "../../src/base/fault.ts";
import { LineSplitter } from "../../src/telemetry/line-splitter.ts";
import type { CgiInput } from "./input.ts";
import type { CgiOutput } from "./output.ts";

/** Has the kernel end the program with the thread or process that started it; util-linux 2.33 and newer. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/local/bin/setpriv"];
/** Lines of one program's standard error that are logged; the rest is counted. */
const LINES_MAX = 200;
/** What a program has said before it was killed is read within this, ms. */
const LAST_WORDS_MS = 500;
/** A program that ends closes its output a moment before it is known how it has ended, ms. */
const EXIT_KNOWN_MS = 100;

let setpriv: string | undefined | null = null;

export interface ExecutableOptions {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: CgiInput;
  readonly output: CgiOutput;
  /** When it is killed if it goes on after its reply: what else ends it does so only until then. */
  readonly deadline: Instant;
  readonly lineBytes: number;
  /** Told its id, which is that of its process group too; what it returns is called when both are gone. */
  readonly started?: (pid: number) => () => void;
  /** A line of its standard error. */
  readonly said: (line: string) => void;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** By us. */
  readonly isKilled: boolean;
}

/**
 * One run of a program. Its reply ends with its standard output, though the program may go on.
 * `kill` may be called at any time; `ended` resolves when it is gone.
 */
export class ExecutableRun {
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: ExecutableOptions;
  #isKilled = false;
  /** It has a process group. The number of one that is gone may be another program's by now. */
  #hasGroup = true;
  #hasPrintedAll = false;
  #exit: Exit | undefined;
  #cancel = (): void => {};
  #lastWords: NodeJS.Timeout | undefined;

  constructor(options: ExecutableOptions) {
    const { file, env, output } = options;
    this.#options = options;
    if (setpriv === null) {
      setpriv = process.platform === "linux" ? SETPRIV.find((path) => existsSync(path)) : undefined;
    }
    const [command, args] = setpriv === undefined ? [file, []] : [setpriv, ["--pdeathsig=KILL", "--", file]];
    // A group of its own, so that what it starts can be ended with it.
    this.#child = spawn(command, args, { cwd: dirname(file), env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    const { pid } = this.#child;
    const gone = pid === undefined ? undefined : options.started?.(pid);
    this.ended = new Promise((resolve) => {
      this.#child.on("exit", (code, signal) => {
        this.#hasGroup = isGroup(pid ?? 0);
        if (!this.#hasGroup) gone?.();
        this.#exit = { code, signal, isKilled: this.#isKilled };
        if (this.#hasPrintedAll) this.#over();
      });
      this.#child.on("close", () => {
        this.#over();
        clearTimeout(this.#lastWords);
        gone?.();
        this.#tellExit();
        resolve();
      });
      this.#child.on("error", (error) => {
        output.fail(new Fault("HANDLER", `${file} could not be started: ${error.message}`));
        if (pid === undefined) resolve();
      });
    });
    this.#child.stdout?.on("data", (bytes: Buffer) => this.#printed(bytes));
    this.#child.stdout?.on("end", () => this.#printedAll());
    this.#child.stdout?.on("error", () => {}); // "close" follows
    this.#follow();
    void this.#feed();
  }

  /** Ends it, and what it has started. */
  kill(): void {
    this.#killGroup();
    // What has left the group may hold on to its pipes.
    this.#lastWords ??= setTimeout(() => {
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
    }, LAST_WORDS_MS).unref();
  }

  #killGroup(): void {
    if (this.#isKilled || this.#child.pid === undefined || !this.#hasGroup) return;
    this.#isKilled = true;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      this.#child.kill("SIGKILL"); // its group is gone
    }
  }

  #printed(bytes: Buffer): void {
    const full = this.#options.output.write(bytes);
    if (full === undefined) return;
    this.#child.stdout?.pause();
    void full.then(() => this.#child.stdout?.resume());
  }

  /** A program need not read its input: what it leaves is nobody's trouble. */
  async #feed(): Promise<void> {
    const { stdin } = this.#child;
    // Without a descriptor left there are no pipes at all.
    if (stdin == null) return;
    stdin.on("error", () => {});
    let goOn = (): void => {};
    stdin.on("drain", () => goOn()).on("close", () => goOn());
    try {
      for (
        let piece = await this.#options.input.read();
        piece !== undefined;
        piece = await this.#options.input.read()
      ) {
        if (stdin.destroyed) return;
        if (!stdin.write(piece)) {
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
        }
      }
      stdin.end();
    } catch {
      // The body broke off, and a program must not take a part of it for the whole.
      this.kill();
    }
  }

  #follow(): void {
    const { lineBytes, said } = this.#options;
    let count = 0;
    const lines = new LineSplitter(lineBytes, ({ bytes }) => {
      count++;
      if (count <= LINES_MAX) said(Buffer.from(bytes).toString("utf8"));
    });
    this.#child.stderr?.on("data", (bytes: Buffer) => lines.push(bytes));
    this.#child.stderr?.on("end", () => {
      if (lines.midLine) lines.end();
      if (count > LINES_MAX) said(`… and ${count - LINES_MAX} more lines`);
    });
    this.#child.stderr?.on("error", () => {}); // "close" follows
  }

  #printedAll(): void {
    this.#hasPrintedAll = true;
    if (this.#exit !== undefined) {
      this.#over();
      return;
    }
    const { output, deadline } = this.#options;
    this.#cancel = systemClock.at(systemClock.now() + EXIT_KNOWN_MS, () => {
      output.end();
      this.#cancel = systemClock.at(deadline, () => this.kill());
    });
  }

  #tellExit(): void {
    const { code, signal, isKilled } = this.#exit ?? { code: 0, signal: null, isKilled: true };
    const { file, said } = this.#options;
    if (!isKilled && (signal !== null || code !== 0)) said(`${file} ended with ${signal ?? `exit code ${code}`}`);
  }

  /** It has ended, and there is no more of its output: what it has left behind goes too. */
  #over(): void {
    this.#cancel();
    const { file, output } = this.#options;
    const signal = this.#exit?.signal ?? null;
    if (signal === null) output.end();
    else output.fail(new Fault("HANDLER", `${file} was ended by ${signal}`));
    this.kill();
  }
}

/** Whether this process group has members, if only ones that have ended. */
function isGroup(id: number): boolean {
  try {
    return process.kill(-id, 0);
  } catch {
    return false;
  }
}
