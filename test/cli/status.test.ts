// `holdfast status` as text: the table, the live screen, the metrics.

import { renderMetrics } from "../../src/cli/commands/status.ts";
import { cut, LiveScreen, type Terminal } from "../../src/cli/live-screen.ts";
import { NO_PAINT, poolRate, renderStatus, sparkline } from "../../src/cli/status-table.ts";
import type { PoolReport, StatusReport } from "../../src/messages/control.ts";
import { poolStatus, workerStatus } from "../support/pool-status.ts";

const PROCESS = poolStatus({
  queue: 2,
  open: 4,
  served: 1000,
  refused: 1,
  failed: 2,
  workersLost: 5,
  recent: {
    requestsPerSecond: 123.4,
    total: { count: 9, p50Ms: 1.25, p95Ms: 8, p99Ms: 45.6, maxMs: 50 },
    loopDelay: { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 },
  },
  workers: [workerStatus({ state: "busy", open: 4 }), workerStatus({ worker: 2 })],
});

const STARTING = { pid: 815, state: "starting", generation: 1 } as const;

function report(...pools: readonly PoolReport[]): StatusReport {
  return { version: "0.1.0", pid: 800, uptimeMs: 61_000, node: "v26.0.0", pools };
}

const WWW: PoolReport = { name: "www", state: "ready", listen: "/run/www.sock", restarts: 1, processes: [PROCESS] };

describe("holdfast status", () => {
  it("has one line for each pool, and says why the last one failed", () => {
    const lines = renderStatus(
      report(
        { ...WWW, lastFault: { code: "BOOT", message: "it threw\u001b[2J\nmore" } },
        { name: "api", state: "backoff", listen: "127.0.0.1:9000", restarts: 3, processes: [] },
      ),
    );
    expect(lines).toEqual([
      "holdfast 0.1.0, pid 800, up 1 min, Node v26.0.0",
      "",
      "POOL  STATE    PID  GEN  BUSY  OPEN  QUEUE  REQ/S  P50     P99    SERVED  REFUSED  FAILED  LOST  MEMORY   UP",
      "www   ready    812  1    1/2   4     2/128  123    1.3 ms  46 ms  1000    1        2       5     100 MiB  5.0 s",
      "api   backoff",
      "",
      "www  listens on /run/www.sock   restarted 1 time",
      "api  listens on 127.0.0.1:9000  restarted 3 times",
      "www: last failure: it threw\\u001b[2J",
    ]);
  });

  it("sums up the processes of a pool, and takes the slowest of their times", () => {
    const other = poolStatus({ pid: 814, served: 5, uptimeMs: 9000 });
    const lines = renderStatus(report({ ...WWW, processes: [PROCESS, other, STARTING] }));
    expect(lines.slice(2, 7)).toEqual([
      "POOL  STATE     PID  GEN  BUSY  OPEN  QUEUE  REQ/S  P50     P99    SERVED  REFUSED  FAILED  LOST  MEMORY   UP",
      "www   ready     ×2   1    1/2   4     2/256  123    1.3 ms  46 ms  1005    1        2       5     200 MiB  9.0 s",
      "      ready     812  1    1/2   4     2/128  123    1.3 ms  46 ms  1000    1        2       5     100 MiB  5.0 s",
      "      ready     814  1    0/0   0     0/128  0.0    –       –      5       0        0       0     100 MiB  9.0 s",
      "      starting  815",
    ]);
    expect(poolRate({ ...WWW, processes: [PROCESS, PROCESS] })).toBeCloseTo(246.8);
  });

  it("says that workers do not start, and when the next one is tried", () => {
    const process = poolStatus({
      ready: false,
      crashLoop: { failures: 4, retryInMs: 3200 },
      lastBootFault: { code: "BOOT", message: "no database" },
    });
    expect(renderStatus(report({ ...WWW, state: "ready", processes: [process] })).slice(-2)).toEqual([
      "www: last failure: no database",
      "www: process 812: 4 starts of workers in a row failed, the next one in 3.2 s",
    ]);
  });

  it("paints states without moving the columns", () => {
    const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
    const lines = renderStatus(report({ ...WWW, processes: [], state: "failed" }), { ...NO_PAINT, bad: red });
    expect(lines[3]).toBe(`www   ${red("failed")}`);
  });

  it("prints the metrics of all processes as one text", () => {
    const other = { ...WWW, name: "api", processes: [poolStatus({ pid: 9, served: 7 }), STARTING] };
    const served = renderMetrics(report(WWW, other)).match(
      /^holdfast_requests_finished_total\{.*outcome="served"\}.*$/gm,
    );
    expect(served).toEqual([
      'holdfast_requests_finished_total{pool="www",pid="812",outcome="served"} 1000',
      'holdfast_requests_finished_total{pool="api",pid="9",outcome="served"} 7',
    ]);
  });
});

describe("a sparkline", () => {
  it("is as high as each value is to the largest", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8])).toBe("▁▂▃▄▅▆▇██");
    expect(sparkline([0, 0])).toBe("▁▁");
    expect(sparkline([])).toBe("");
  });
});

describe("the live screen", () => {
  class FakeTerminal implements Terminal {
    columns = 10;
    rows = 3;
    written = "";
    listeners: (() => void)[] = [];
    write(text: string): void {
      this.written += text;
    }
    on(_event: "resize", listener: () => void): void {
      this.listeners.push(listener);
    }
    off(_event: "resize", listener: () => void): void {
      this.listeners = this.listeners.filter((other) => other !== listener);
    }
  }

  it("draws on the terminal's other page, without a cursor, and leaves it as it was", () => {
    const terminal = new FakeTerminal();
    const screen = new LiveScreen(terminal);
    expect(terminal.written).toBe("\u001b[?1049h\u001b[?25l");
    screen.close();
    screen.close();
    screen.draw(["too late"]);
    expect(terminal.written).toBe("\u001b[?1049h\u001b[?25l\u001b[0m\u001b[?25h\u001b[?1049l");
    expect(terminal.listeners).toEqual([]);
  });

  it("shows what fits, and more when the window grows", () => {
    const terminal = new FakeTerminal();
    const screen = new LiveScreen(terminal);
    terminal.written = "";
    screen.draw(["a long line of text", "two", "three", "four"]);
    expect(terminal.written).toBe("\u001b[Ha long lin\u001b[K\r\ntwo\u001b[K\r\nthree\u001b[K\u001b[J");
    terminal.written = "";
    terminal.rows = 4;
    for (const listener of terminal.listeners) listener();
    expect(terminal.written).toContain("four");
    screen.close();
  });

  it("cuts a line by what is seen of it: colours take no room, and are ended", () => {
    expect(cut("\u001b[31mred\u001b[39m and more", 5)).toBe("\u001b[31mred\u001b[39m a");
    expect(cut("\u001b[31mlong red\u001b[39m", 4)).toBe("\u001b[31mlong\u001b[39m");
    expect(cut("short", 5)).toBe("short");
  });
});
