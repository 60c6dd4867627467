// The real program as a child process of a test: its lines, its exit code, and the certainty that it
// and what it started are gone afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { descendantsOf, isRunning } from "./processes.ts";

const BIN = fileURLToPath(new URL("../../../bin/holdfast.js", import.meta.url));

export interface LaunchOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the Node that runs the tests. */
  readonly node?: string;
  /** Default: the launcher of this checkout. */
  readonly bin?: string;
  /** Listening sockets that it is given as systemd does it [sd_listen_fds(3)]. */
  readonly sockets?: readonly { readonly name: string; readonly fd: number }[];
  /** A program, with its arguments, that starts it. */
  readonly wrapper?: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `holdfast`. */
export class Launched {
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  /** Resolves when it has ended and its output is complete. */
  readonly finished: Promise<Finished>;
  /** Resolves when it has ended; what it started may still hold on to its output. */
  readonly gone: Promise<Pick<Finished, "code" | "signal">>;

  constructor(args: readonly string[], options: LaunchOptions) {
    const { sockets = [] } = options;
    const argv = [...(options.wrapper ?? []), options.node ?? process.execPath, options.bin ?? BIN, ...args];
    const names = sockets.map(({ name }) => name).join(":");
    const passed = sockets.length === 0 ? {} : { LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: names };
    // The shell knows its process id before the program begins, and becomes it.
    const [command = "", ...rest] =
      sockets.length === 0 ? argv : ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", ...argv];
    this.#child = spawn(command, rest, {
      cwd: options.cwd,
      env: { ...process.env, ...passed, ...options.env },
      stdio: ["ignore", "pipe", "pipe", ...sockets.map(({ fd }) => fd)],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.gone = new Promise((resolve) => {
      this.#child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    this.finished = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote until now. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** Resolves with the first line of either stream that matches; rejects, with all it wrote, after `withinMs`. */
  async line(pattern: RegExp, withinMs = 30_000): Promise<string> {
    try {
      return await eventually(() => {
        const line = this.output.split("\n").find((text) => pattern.test(text));
        if (line === undefined && this.#ended)
          throw new Error(`it ended with ${this.#child.signalCode ?? this.#child.exitCode}`);
        return line;
      }, withinMs);
    } catch (cause) {
      throw new Error(`no line matches ${pattern} in:\n${this.output}`, { cause });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Process ids of its children, and of theirs. */
  descendants(): readonly number[] {
    return descendantsOf(this.pid);
  }

  /** Ends it and everything that it started, however it behaves. */
  async end(): Promise<void> {
    // The number of a process that has ended may be another's by now.
    const family = this.#ended ? [] : [this.pid, ...this.descendants()];
    if (!this.#ended) {
      this.signal("SIGTERM");
      await Promise.race([this.gone, new Promise((resolve) => setTimeout(resolve, 3000).unref())]);
    }
    for (const pid of family) {
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
    await this.gone;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Call it in a `describe`: the returned function starts programs that are ended after each test. */
export function launcher(): (args: readonly string[], options?: LaunchOptions) => Launched {
  const started: Launched[] = [];
  afterEach(async () => {
    for (const launched of started.splice(0)) await launched.end();
  });
  return (args, options = {}) => {
    const launched = new Launched(args, options);
    started.push(launched);
    return launched;
  };
}
