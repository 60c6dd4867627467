import { phpFpmObject, renderText, renderXml } from "../../../src/pool/status/php-fpm.ts";
import { poolStatus, workerStatus } from "../../support/pool-status.ts";

const REQUEST = { method: "GET", path: "/a", ageMs: 12, begun: true, contentLength: 7, script: "/srv/a.ts" };
const BUSY = workerStatus({
  state: "busy",
  open: 2,
  served: 9,
  memoryBytes: 1024,
  utilization: 0.5,
  requests: [REQUEST],
});
const STATUS = poolStatus({
  accepted: 11,
  queue: 1,
  queuePeak: 4,
  slow: 3,
  workersBusyPeak: 2,
  saturated: 6,
  workers: [
    BUSY,
    workerStatus({ worker: 2, requests: [] }),
    workerStatus({ worker: 3, state: "starting", requests: [] }),
  ],
});
const BRIEF = { ...STATUS, workers: STATUS.workers.map(({ requests: _, ...worker }) => worker) };

/** Every field of php-fpm's, in its order. */
const POOL_FIELDS = [
  "pool",
  "process manager",
  "start time",
  "start since",
  "accepted conn",
  "listen queue",
  "max listen queue",
  "listen queue len",
  "idle processes",
  "active processes",
  "total processes",
  "max active processes",
  "max children reached",
  "slow requests",
  "memory peak",
];
const PROCESS_FIELDS = [
  "pid",
  "state",
  "start time",
  "start since",
  "requests",
  "request duration",
  "request method",
  "request uri",
  "content length",
  "user",
  "script",
  "last request cpu",
  "last request memory",
];

describe("the status in php-fpm's words", () => {
  it("as text: names and values in two columns, a block for each worker with ?full", () => {
    expect(renderText(STATUS).split("\n").slice(0, 33)).toEqual([
      "pool:                 www",
      "process manager:      static",
      "start time:           01/Jul/2026:17:53:49 +0000",
      "start since:          5",
      "accepted conn:        11",
      "listen queue:         1",
      "max listen queue:     4",
      "listen queue len:     128",
      "idle processes:       1",
      "active processes:     1",
      "total processes:      2",
      "max active processes: 2",
      "max children reached: 6",
      "slow requests:        3",
      "memory peak:          125829120",
      "",
      "************************",
      "pid:                  1",
      "state:                Running",
      "start time:           01/Jul/2026:17:53:50 +0000",
      "start since:          4",
      "requests:             9",
      "request duration:     12000",
      "request method:       GET",
      "request URI:          /a",
      "content length:       7",
      "user:                 -",
      "script:               /srv/a.ts",
      "last request cpu:     50.00",
      "last request memory:  1024",
      "",
      "************************",
      "pid:                  2",
    ]);
    expect(renderText(BRIEF)).not.toContain("*");
  });

  it("as JSON: numbers are numbers, times are Unix time", () => {
    const full = phpFpmObject(STATUS);
    expect(Object.keys(full)).toEqual([...POOL_FIELDS, "processes"]);
    expect(full).toMatchObject({ "start time": 1_782_928_429, "active processes": 1, "total processes": 2 });
    const [busy, idle] = full.processes as Record<string, unknown>[];
    expect(Object.keys(busy ?? {})).toEqual(PROCESS_FIELDS);
    expect(busy).toMatchObject({ pid: 1, state: "Running", "request uri": "/a", "last request cpu": 50 });
    expect(idle).toMatchObject({ pid: 2, state: "Idle", "request method": "-", "request duration": 0 });
    expect(Object.keys(phpFpmObject(BRIEF))).toEqual(POOL_FIELDS);
  });

  it("as XML, with dashes in the names", () => {
    const text = renderXml(STATUS);
    for (const name of POOL_FIELDS) expect(text).toContain(`<${name.replaceAll(" ", "-")}>`);
    expect(text.match(/<process>/g)?.length).toBe(2);
    expect(renderXml(BRIEF)).not.toContain("<processes>");
  });

  it.each([
    [{ min: 2, max: 2, idleTimeoutMs: 0 }, "static"],
    [{ min: 1, max: 4, idleTimeoutMs: 1 }, "dynamic"],
    [{ min: 0, max: 4, idleTimeoutMs: 1 }, "ondemand"],
  ])("calls %o %s", (threads, manager) => {
    expect(phpFpmObject(poolStatus({ threads }))["process manager"]).toBe(manager);
  });

  it("a worker that leaves is finishing, and one whose loop stands still is running", () => {
    const workers = [workerStatus({ state: "draining", open: 1 }), workerStatus({ state: "stalled", open: 1 })].map(
      (worker) => ({ ...worker, requests: [] }),
    );
    const states = (phpFpmObject(poolStatus({ workers })).processes as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual(["Finishing", "Running"]);
  });

  it("lets nothing that a stranger chose become a line, a tag or a field of its own", () => {
    const path = '/<script>alert(1)</script>"\nidle processes: 99\r\u0000';
    const hostile = poolStatus({ workers: [{ ...BUSY, requests: [{ ...REQUEST, path }] }] });
    expect(renderText(hostile).match(/^idle processes:/gm)?.length).toBe(1);
    expect(renderText(hostile)).toContain('request URI:          /<script>alert(1)</script>"?idle processes: 99??');
    expect(renderXml(hostile)).toContain("<request-uri>/&lt;script&gt;alert(1)");
    expect(JSON.parse(JSON.stringify(phpFpmObject(hostile))).processes[0]["request uri"]).toBe(path);
  });
});
