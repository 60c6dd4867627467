// Workers as real processes.

import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { FROM_WORKER } from "../../src/messages/lane.ts";
import { Processes } from "../../src/pool/processes.ts";
import { APP, type MakeSource, sources, workerSourceContract } from "../contracts/worker-source.ts";
import { eventually } from "../support/eventually.ts";
import { isRunning } from "../support/processes.ts";
import { tempDirs } from "../support/temp-dir.ts";

/** As where its user may have no more threads. */
const NO_MORE_THREADS = `
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";
threads.Worker = class {
  constructor() {
    throw Object.assign(new Error("EAGAIN"), { code: "ERR_WORKER_INIT_FAILED" });
  }
};
syncBuiltinESMExports();
`;

const make: MakeSource<Processes> = (output) => new Processes({ memoryLimitBytes: 32 * 1024 * 1024, output });

describe("a worker process", () => {
  workerSourceContract(make);

  const open = sources(make);
  const dirs = tempDirs();

  it("inherits nothing but its pipes", async () => {
    const { ready } = open();
    const { seat } = await ready(APP);
    const folder = `/proc/${seat.pid}/fd`;
    const opened = readdirSync(folder).map((fd) => [Number(fd), readlinkSync(`${folder}/${fd}`)] as const);
    const sockets = opened.filter(([, target]) => target.startsWith("socket:"));
    expect(sockets.map(([fd]) => fd).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(opened.find(([fd]) => fd === 0)?.[1]).toBe("/dev/null");
    const rest = opened.filter(([fd]) => fd > 6).map(([, target]) => target);
    // libuv's own, and what Node opens for itself.
    expect(rest.filter((target) => !/^(anon_inode:|pipe:|\/dev\/null)/.test(target))).toEqual([]);
  });

  it("that cannot be started because the pool has no descriptor left says so", async () => {
    const { start, ended } = open();
    const prlimit = (...args: string[]) => spawnSync("prlimit", ["--pid", `${process.pid}`, ...args]).stdout.toString();
    const before = prlimit("--nofile", "--output=SOFT", "--noheadings").trim();
    const most = Math.max(...readdirSync("/proc/self/fd").map(Number)) + 64;
    prlimit(`--nofile=${most}:`);
    const taken: number[] = [];
    expect(() => {
      for (;;) taken.push(openSync("/dev/null", "r"));
    }).toThrow("EMFILE");
    // What the app is written with needs one.
    closeSync(taken.pop() ?? -1);
    try {
      const started = start(APP);
      for (const fd of taken.splice(0)) closeSync(fd);
      expect(await ended(started)).toMatch(/it could not be started: spawn .*E[MN]FILE$/);
    } finally {
      for (const fd of taken) closeSync(fd);
      prlimit(`--nofile=${before}:`);
    }
  });

  it("ends with its pool, also while it computes", async () => {
    const { ready, source, ended } = open();
    const started = await ready(APP);
    const { pid } = started.seat;
    expect(isRunning(pid ?? 0)).toBe(true);
    await source.close();
    await ended(started);
    expect(isRunning(pid ?? 0)).toBe(false);
  });

  it.each(["SIGSEGV", "SIGKILL", "SIGABRT"])("that dies of %s says so", async (signal) => {
    const { ready, ended } = open();
    const started = await ready(`setTimeout(() => process.kill(process.pid, "${signal}"), 20); ${APP}`);
    expect(await ended(started)).toBe(`the worker ended: it was ended by ${signal}`);
  });

  it("that is told by SIGTERM to leave asks to be replaced, and serves on", async () => {
    const { ready } = open();
    const started = await ready(APP);
    process.kill(started.seat.pid ?? 0, "SIGTERM");
    await eventually(() => started.said.includes(FROM_WORKER.UNSOUND));
    expect(started.end()).toBe("alive");
  });

  it("is not disturbed by the signals of a terminal", async () => {
    const { ready, drain, ended } = open();
    const started = await ready(APP);
    for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
      process.kill(started.seat.pid ?? 0, signal);
    }
    drain(started);
    expect(await ended(started)).toBe("drained");
  });

  it("has what it writes past Node in the log, line by line", async () => {
    const { ready } = open();
    const started = await ready(
      `import { writeSync } from "node:fs"; import { execSync } from "node:child_process";
       writeSync(1, "raw\\nlines\\n"); writeSync(2, "half"); execSync("echo a child >&2", { stdio: "inherit" }); ${APP}`,
    );
    const seen: string[] = [];
    await eventually(() => {
      seen.push(...started.lines.splice(0));
      return seen.length >= 3;
    });
    expect(seen.sort()).toEqual(["halfa child", "lines", "raw"]);
  });

  it("shows the calls that it is in while it computes, also while it loads, and goes on", async () => {
    const { start, ready } = open();
    const busy = `function busy(ms) { for (const end = Date.now() + ms; Date.now() < end; ); }`;
    const loading = start(`${busy} busy(20_000); ${APP}`);
    await eventually(async () => (await loading.seat.stack(5000))?.startsWith("at busy ("), 15_000);
    const started = await ready(`${busy} setInterval(() => busy(100), 1); ${APP}`);
    await eventually(async () => (await started.seat.stack(5000))?.startsWith("at busy ("), 15_000);
    // It says so itself, once its loop turns.
    await eventually(() => started.seat.memory().then(() => started.seat.loopTimes() !== undefined));
  });

  it("that waits for an event has no stack, however often it is asked for; nor has one that is gone", async () => {
    const { ready, ended } = open();
    const started = await ready(APP);
    for (let n = 0; n < 3; n++) expect(await started.seat.stack(5000)).toBeUndefined();
    started.seat.terminate();
    await ended(started);
    expect(await started.seat.stack(5000)).toBeUndefined();
  });

  it("serves, without a stack, where no thread can be had that would watch it", async () => {
    const dir = dirs();
    const node = process.execPath;
    const patch = dir.write("no-more-threads.mjs", NO_MORE_THREADS);
    process.execPath = dir.write("node", `#!/bin/sh\nexec ${node} --import=${patch} "$@"\n`);
    chmodSync(process.execPath, 0o755);
    try {
      const { ready, drain, ended } = open();
      const lonely = await ready(APP);
      expect(await lonely.seat.stack(1)).toBeUndefined();
      drain(lonely);
      expect(await ended(lonely)).toBe("drained");
    } finally {
      process.execPath = node;
    }
  });

  it("that says nonsense of its calls is ended", async () => {
    const { ready, ended } = open();
    const started = await ready(
      `import { writeSync } from "node:fs"; setTimeout(() => writeSync(6, Buffer.alloc(64, 0x7f)), 20); ${APP}`,
    );
    expect(await ended(started)).toContain("it said what no worker says");
  });

  it("that writes nonsense on its lane is ended", async () => {
    const { ready, ended } = open();
    const started = await ready(
      `import { writeSync } from "node:fs"; setTimeout(() => writeSync(3, Buffer.alloc(64, 0x7f)), 20); ${APP}`,
    );
    expect(await ended(started)).toContain("it said what no worker says");
  });
});
