import { renderStatus } from "../../src/cli/commands/status.ts";
import { formatBytes, formatDuration, printable, table } from "../../src/cli/print.ts";

describe("text for the terminal", () => {
  it.each([
    [0, "0.0 s"],
    [420, "0.4 s"],
    [12_900, "12 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000 * 5 + 60_000 * 12, "5 h 12 min"],
    [3_600_000 * 99, "4 d 3 h"],
  ])("%d ms are %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [56_623_104, "54 MiB"],
    [2 ** 41, "2.0 TiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("aligns columns and leaves no blanks at the end of a line", () => {
    expect(
      table([
        ["A", "LONG", "C"],
        ["aaa", "b"],
        ["a", "b", "c"],
      ]),
    ).toEqual(["A    LONG  C", "aaa  b", "a    b     c"]);
  });

  it("shows control characters and changes of direction instead of obeying them", () => {
    expect(printable("a\u001b[31m\u0007\u202eb\r\nc\td")).toBe("a\\u001b[31m\\u0007\\u202eb\\u000d\nc\td");
  });
});

describe("holdfast status", () => {
  it("has one line for each process, and says why the last one failed", () => {
    const process = {
      pid: 812,
      generation: 1,
      uptimeMs: 5000,
      workersGeneration: 1,
      connections: 3,
      queue: 2,
      queueMax: 128,
      open: 4,
      accepted: 9,
      served: 1000,
      refused: 1,
      failed: 2,
      timedOut: 3,
      aborted: 4,
      workersLost: 5,
      residentBytes: 100 * 1024 * 1024,
      workers: [],
    };
    const lines = renderStatus({
      version: "0.1.0",
      pid: 800,
      uptimeMs: 61_000,
      node: "v26.0.0",
      pools: [
        {
          name: "www",
          state: "ready",
          listen: "/run/www.sock",
          restarts: 1,
          processes: [process, { pid: 813, state: "starting" }],
          lastFault: { code: "BOOT", message: "it threw\u001b[2J\nmore" },
        },
        { name: "api", state: "backoff", listen: "127.0.0.1:9000", restarts: 3, processes: [] },
      ],
    });
    expect(lines).toEqual([
      "holdfast 0.1.0, pid 800, up 1 min, Node v26.0.0",
      "",
      "POOL  STATE     PID  GEN  WORKERS  OPEN  QUEUE  SERVED  REFUSED  FAILED  LOST  MEMORY   UP",
      "www   ready     812  1    0        4     2/128  1000    1        2       5     100 MiB  5.0 s",
      "www   starting  813",
      "api   backoff",
      "",
      "www  listens on /run/www.sock   restarted 1 time",
      "api  listens on 127.0.0.1:9000  restarted 3 times",
      "www: last failure: it threw\\u001b[2J",
    ]);
  });
});
