// What the statistics of a pool are made of, each by itself and without waiting.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { encodeNameValues, Params } from "../../../src/fastcgi/name-values.ts";
import type { Exchange } from "../../../src/pool/exchange.ts";
import { LATELY_TICKS, Lately, Latencies } from "../../../src/pool/latencies.ts";
import { Peaks } from "../../../src/pool/peaks.ts";
import { accessJudge } from "../../../src/pool/status/access.ts";
import { Backlog, tcpBacklog, unixBacklog } from "../../../src/pool/status/backlog.ts";
import { HISTORY_SECONDS, HISTORY_WORKERS, History, type Row, SERIES } from "../../../src/pool/status/history.ts";
import { LoopDelay } from "../../../src/pool/status/loop-delay.ts";
import { Pulse, type Watched } from "../../../src/pool/status/pulse.ts";
import { readiness } from "../../../src/pool/status/readiness.ts";
import { openRequests, REQUESTS_SHOWN } from "../../../src/pool/status/requests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempDirs } from "../../support/temp-dir.ts";

describe("durations of requests", () => {
  const clock = new FakeClock();
  const exchange = (receivedAt: number, queuedAt: number, givenAt: number): Exchange =>
    ({ receivedAt, queuedAt, givenAt }) as Exchange;

  it("are those from arrival to end, in the queue, and with the worker", () => {
    const latencies = new Latencies(clock);
    clock.advance(1000);
    latencies.closed(exchange(900, 930, 950));
    const { total, queued, handler } = latencies.durations();
    expect([total.sumMs, queued.sumMs, handler.sumMs]).toEqual([100, 20, 50]);
  });

  it("do not count what was refused at once; what waited in vain counts as waiting", () => {
    const latencies = new Latencies(clock);
    latencies.closed(exchange(500, 0, 0));
    latencies.closed(exchange(500, 500, 0));
    const { total, queued } = latencies.durations();
    expect([total.count, queued.count]).toEqual([1, 0]);
  });

  it("are told for the last second, lately, and since the start", () => {
    const latencies = new Latencies(clock);
    latencies.closed(exchange(clock.now() - 10, 1, 1));
    expect(latencies.tick().count).toBe(1);
    expect(latencies.tick().count).toBe(0);
    expect(latencies.lately.count).toBe(1);
    expect(latencies.durations().total.count).toBe(1);
  });

  it("are forgotten lately after ten to twenty seconds", () => {
    const lately = new Lately();
    lately.record(5);
    for (let n = 0; n < 2 * LATELY_TICKS - 1; n++) lately.tick();
    expect(lately.quantiles().count).toBe(1);
    lately.tick();
    expect(lately.quantiles().count).toBe(0);
  });
});

describe("peaks", () => {
  it("are the most of each at one time", () => {
    const peaks = new Peaks();
    peaks.look({ queued: 3, open: 4, workers: [{ open: 1 }, { open: 0 }] });
    peaks.look({ queued: 0, open: 9, workers: [{ open: 1 }, { open: 8 }] });
    peaks.look({ queued: 0, open: 0, workers: [] });
    expect(peaks).toMatchObject({ queue: 3, open: 9, busyWorkers: 2 });
  });
});

describe("the delay of the event loop", () => {
  it("is how late a timer fires, while there are requests; an idle pool is not woken", () => {
    const clock = new FakeClock();
    const delay = new LoopDelay(clock);
    delay.tick(false);
    expect(clock.pending).toBe(0);
    delay.tick(true);
    expect(clock.pending).toBe(1);
    clock.advance(100);
    expect(delay.tick(true)).toMatchObject({ count: 5, maxMs: 0 });
    for (let n = 0; n <= 10; n++) delay.tick(false);
    expect(clock.pending).toBe(0);
  });
});

describe("history", () => {
  const row = (atMs: number, requests = 0): Row => ({
    ...(Object.fromEntries(SERIES.map((name) => [name, 0])) as Row),
    atMs,
    requests,
  });

  it("keeps five minutes, oldest first, and tells what is new", () => {
    const history = new History();
    for (let n = 1; n <= HISTORY_SECONDS + 5; n++) history.add(row(n * 1000, n), new Map());
    const { atMs, requests } = history.report().series;
    expect([atMs.length, atMs[0], atMs.at(-1), requests.at(-1)]).toEqual([HISTORY_SECONDS, 6000, 305_000, 305]);
    expect(history.report(303_000).series.atMs).toEqual([304_000, 305_000]);
    expect(history.report(305_000).series.atMs).toEqual([]);
  });

  it("has the memory of workers, also of those that are gone, for as long", () => {
    const history = new History();
    history.add(row(1), new Map([[1, 10]]));
    history.add(row(2), new Map([[2, 20]]));
    expect(history.report().workers).toEqual([
      { worker: 1, bytes: [10, 0] },
      { worker: 2, bytes: [0, 20] },
    ]);
    for (let n = 3; n <= HISTORY_SECONDS + 1; n++) history.add(row(n), new Map([[2, 20]]));
    expect(history.report().workers.map(({ worker }) => worker)).toEqual([2]);
  });

  it("makes room for a new worker by one that is gone, and keeps no more than its bound", () => {
    const history = new History();
    const all = new Map(Array.from({ length: HISTORY_WORKERS + 4 }, (_, n) => [n, 1] as const));
    history.add(row(1), all);
    expect(history.report().workers.length).toBe(HISTORY_WORKERS);
    all.delete(0);
    history.add(row(2), all);
    const kept = history.report().workers.map(({ worker }) => worker);
    expect(kept.length).toBe(HISTORY_WORKERS);
    expect(kept).not.toContain(0);
    expect(kept).toContain(HISTORY_WORKERS);
  });
});

describe("the pulse of workers", () => {
  const clock = new FakeClock();
  let turns = true;
  let probes = 0;
  const worker = { state: "idle", open: 1, loopTimes: { idle: 0, active: 0 } } as {
    -readonly [K in keyof Watched]: Watched[K];
  };
  worker.probe = () => {
    probes++;
    return () => turns;
  };

  it("is the share of time in which the loop did something since the last look", () => {
    const pulse = new Pulse(clock);
    pulse.look([worker]);
    expect(pulse.of(worker).utilization).toBeUndefined();
    worker.loopTimes = { idle: 750, active: 250 };
    pulse.look([worker]);
    expect(pulse.of(worker).utilization).toBe(0.25);
    pulse.look([]);
    expect(pulse.of(worker)).toEqual({ utilization: undefined, unresponsiveMs: 0 });
  });

  it("tells for how long a loop has not turned, and asks it no second time meanwhile", () => {
    const pulse = new Pulse(clock);
    turns = false;
    probes = 0;
    pulse.look([worker]);
    clock.advance(1500);
    pulse.look([worker]);
    expect([pulse.of(worker).unresponsiveMs, probes]).toEqual([1500, 1]);
    turns = true;
    expect(pulse.of(worker).unresponsiveMs).toBe(0);
    pulse.look([worker]);
    expect(probes).toBe(2);
  });

  it("does not wake a worker that has nothing to do", () => {
    probes = 0;
    new Pulse(clock).look([{ ...worker, open: 0 }]);
    expect(probes).toBe(0);
  });
});

describe("readiness", () => {
  const idle = { draining: false, serving: false, stuck: false, onDemand: false, failed: false };
  it.each([
    ["serves", { ...idle, serving: true }, undefined],
    ["serves although a start failed", { ...idle, serving: true, failed: true }, undefined],
    ["starts workers on demand", { ...idle, onDemand: true }, undefined],
    ["drains", { ...idle, serving: true, draining: true }, /^draining/],
    ["has only workers that are stuck", { ...idle, serving: true, stuck: true }, /no event loop/],
    ["has no worker yet", idle, /starting/],
    ["is in a crash loop", { ...idle, onDemand: true, failed: true }, /does not start/],
  ])("of a pool that %s", (_, facts, reason) => {
    const why = readiness(facts);
    if (reason === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(reason);
  });
});

describe("status.allow", () => {
  const params = (pairs: Readonly<Record<string, string>>): Params =>
    new Params(Buffer.from(encodeNameValues(Object.entries(pairs))));
  const judge = accessJudge(["127.0.0.0/8", "::1", "10.1.0.0/16"]);

  it.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3"])("lets %s in", (address) => {
    expect(judge(params({ REMOTE_ADDR: address }))).toBeUndefined();
  });

  it.each(["10.2.0.1", "::2", "fe80::1%eth0", "", "localhost", "127.0.0.1, 8.8.8.8"])("keeps %s out", (address) => {
    expect(judge(params({ REMOTE_ADDR: address }))).toEqual(expect.any(String));
  });

  it("keeps everybody out whose address is not known", () => {
    expect(judge(params({}))).toMatch(/REMOTE_ADDR/);
  });

  it.each(["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"])("keeps out what came through a proxy (%s)", (name) => {
    expect(judge(params({ REMOTE_ADDR: "127.0.0.1", [name]: "127.0.0.1" }))).toMatch(/mod_remoteip/);
  });

  it("lets nobody in when it is empty", () => {
    expect(accessJudge([])(params({ REMOTE_ADDR: "127.0.0.1" }))).toMatch(/not in status.allow/);
  });
});

describe("requests in work", () => {
  it("are told without their query, cut short, the oldest first and no more than some", () => {
    const exchange = (uri: string, receivedAt: number): Exchange =>
      ({
        receivedAt,
        params: Buffer.from(
          encodeNameValues([
            ["REQUEST_METHOD", "GET"],
            ["REQUEST_URI", uri],
          ]),
        ),
        carrier: undefined,
      }) as unknown as Exchange;
    const many = Array.from({ length: REQUESTS_SHOWN + 5 }, (_, n) => exchange(`/${n}?password=secret`, 100 - n));
    const told = openRequests([...many, exchange(`/${"x".repeat(5000)}`, 0)], 200);
    expect(told.length).toBe(REQUESTS_SHOWN);
    expect(told[0]?.path.length).toBe(200);
    expect(told[1]).toEqual({ method: "GET", path: "/14", ageMs: 114, begun: false, contentLength: 0, script: "" });
  });
});

describe("connections that wait in the kernel [proc(5)]", () => {
  const tempDir = tempDirs();

  it("are found in /proc/net/unix: connected, and of no process yet", async () => {
    const path = `${tempDir().path}/s`;
    const server = createServer().listen(path);
    await once(server, "listening");
    // This process stands still meanwhile, so that nobody accepts.
    const client = `
      const sockets = Array.from({ length: 3 }, () => require("node:net").connect(${JSON.stringify(path)}));
      Promise.all(sockets.map((socket) => new Promise((done) => socket.once("connect", done)))).then(() => {
        console.log(require("node:fs").readFileSync("/proc/net/unix", "latin1"));
        process.exit();
      });`;
    const { stdout } = spawnSync(process.execPath, ["-e", client], { encoding: "latin1", timeout: 10_000 });
    server.close();
    expect(unixBacklog(stdout, path)).toBe(3);
    expect(unixBacklog(stdout, `${path}2`)).toBe(0);
  });

  it("are found in /proc/net/tcp as the receive queue of who listens", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:2328 00000000:0000 0A 00000000:00000011 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0",
      "   1: 0100007F:2328 0100007F:9C40 01 00000000:00000005 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1",
    ].join("\n");
    expect(tcpBacklog(table, 9000)).toBe(17);
    expect(tcpBacklog(table, 9001)).toBeUndefined();
  });

  it("are looked for only while somebody wants to know, and are unknown where the kernel hides them", async () => {
    const read: string[] = [];
    const unix = new Backlog({ kind: "unix", path: "/x" }, async (path) => {
      read.push(path);
      return "0000: 2 0 0 1 02 0 /x\n";
    });
    await unix.tick();
    expect([unix.waiting, read]).toEqual([undefined, []]);
    await unix.tick();
    expect([unix.waiting, read]).toEqual([1, ["/proc/net/unix"]]);
    const hidden = new Backlog({ kind: "tcp", host: "::1", port: 9 }, () => Promise.reject(new Error("ENOENT")));
    expect(hidden.waiting).toBeUndefined();
    await hidden.tick();
    expect(hidden.waiting).toBeUndefined();
  });
});
