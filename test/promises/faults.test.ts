// What each fault of an app costs: its own request, its worker, or its process, and nothing more. Real
// processes, with clients that go on asking meanwhile; a second pool beside it must not notice anything.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../src/cli/control-client.ts";
import type { PoolReport } from "../../src/messages/control.ts";
import type { PoolStatus } from "../../src/messages/lifecycle.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { Launched } from "../support/launch.ts";
import { paramsOf } from "../support/pool.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const TIMEOUT_MS = 1500;
const GRACE_MS = 200;
const WORKER_BACK_MS = 1000;
const PROCESS_BACK_MS = 2000;
/** Whatever is replaced takes no longer than so many first starts. */
const BOOTS = 3;
const CLIENTS = 3;
/** A request that the server never answered: its connection was closed. */
const CUT = 0;
/** Its worker was ended; on a slow machine request.timeout may come first. */
const ENDED = [502, 504];

interface FaultCase {
  readonly title: string;
  /** The body of an async function; `request` is in scope. */
  readonly code: string;
  /** One of these. */
  readonly status: number | readonly number[];
  readonly costs: "its request" | "its worker" | "its process" | "nothing";
  /** What the log says of it. */
  readonly says?: RegExp;
}

const FAULTS: readonly FaultCase[] = [
  { title: "a throw", code: `throw new Error("bad");`, status: 500, costs: "its request" },
  { title: "a rejection", code: `await Promise.reject(new Error("bad"));`, status: 500, costs: "its request" },
  {
    title: "a throw after the reply",
    code: `setTimeout(() => { throw new Error("late"); }); return new Response();`,
    status: 200,
    costs: "nothing",
    says: /an error escaped its handlers/,
  },
  {
    title: "a rejection that nobody handles",
    code: `Promise.reject(new Error("stray")); return new Response();`,
    status: 200,
    costs: "nothing",
    says: /an error escaped its handlers/,
  },
  { title: "a promise that never settles", code: `await new Promise(() => {});`, status: 504, costs: "its request" },
  { title: "an endless loop", code: `for (;;);`, status: 504, costs: "its worker", says: /"where":"blocked"/ },
  {
    title: "promises without end",
    code: `const again = () => { Promise.resolve().then(again); }; again(); await new Promise(() => {});`,
    status: 504,
    costs: "its worker",
  },
  { title: "process.exit", code: `process.exit(0);`, status: 502, costs: "its worker" },
  {
    title: "a heap that grows",
    code: `const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random()));`,
    status: ENDED,
    costs: "its worker",
    says: /passed its memory_limit/,
  },
  {
    title: "buffers that pile up in a loop",
    code: `const kept = []; for (;;) { kept.push(Buffer.alloc(1e6, 1)); const until = performance.now() + 1; while (performance.now() < until); }`,
    status: ENDED,
    costs: "its worker",
    says: /it passed memory_limit/,
  },
  {
    title: "buffers that pile up in the background",
    code: `const kept = []; setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 20); return new Response();`,
    status: 200,
    costs: "its worker",
    says: /it passed memory_limit/,
  },
  {
    title: "timers that start two timers",
    code: `const bomb = () => { setTimeout(bomb, 1); setTimeout(bomb, 1); }; bomb(); return new Response();`,
    status: 200,
    costs: "its worker",
  },
  {
    title: "a heap that grows in a way that Node cannot contain",
    code: `for (let n = 0; ; n++) globalThis["kept" + n] = "x,".repeat(2e7).split(",");`,
    status: [CUT, 504],
    costs: "its process",
  },
  { title: "a native crash", code: `process.kill(process.pid, "SIGSEGV");`, status: CUT, costs: "its process" },
  {
    title: "descriptors 3 to 64 closed",
    code: `for (let fd = 3; fd <= 64; fd++) try { closeSync(fd); } catch {}`,
    status: CUT,
    costs: "its process",
  },
  {
    title: "the listening socket closed",
    code: `closeSync(4); return new Response();`,
    status: 200,
    costs: "its process",
    says: /closed a descriptor that is not its own/,
  },
  {
    title: "the channel to the supervisor closed",
    code: `closeSync(3); return new Response();`,
    status: 200,
    costs: "its process",
    says: /closed a descriptor that is not its own/,
  },
];

describe("in a pool of two workers,", () => {
  let dir: TempDir;
  let holdfast: Launched;
  /** The bars are for a machine that has nothing else to do; on another one everything starts more slowly. */
  let patienceMs = 0;

  beforeAll(async () => {
    dir = makeTempDir();
    dir.write("root/hello.ts", `export default () => new Response(String(process.pid));`);
    FAULTS.forEach(({ code }, at) => {
      dir.write(
        `root/fault${at}.ts`,
        `import { appendFileSync, closeSync } from "node:fs";
         export default async (request: Request): Promise<Response> => {
           appendFileSync(new URL("../begun", import.meta.url), "fault${at}\\n");
           ${code}
         };`,
      );
    });
    dir.write("begun", "");
    const config = dir.write(
      "holdfast.toml",
      `[supervisor]
       control = "./control.sock"
       log_format = "json"
       [pools.www]
       listen = "./www.sock"
       root = "./root"
       threads = 2
       memory_limit = "64MiB"
       allow_root = true
       queue = { timeout = "${TIMEOUT_MS}ms" }
       request = { timeout = "${TIMEOUT_MS}ms", grace = "${GRACE_MS}ms" }
       [pools.beside]
       listen = "./beside.sock"
       root = "./root"
       threads = 1
       allow_root = true
      `,
    );
    holdfast = new Launched(["start", "-c", config], {});
    await eventually(() => holdfast.output.match(/"msg":"pool \w+ ready"/g)?.length === 2, 15_000);
    const ready = holdfast.output.split("\n").find((line) => line.includes('"msg":"pool www ready"')) ?? "{}";
    patienceMs = BOOTS * (JSON.parse(ready) as { ms: number }).ms;
  });

  afterAll(async () => {
    await holdfast.end();
    dir.remove();
  });

  const get = async (pool: string, path: string): Promise<{ status: number; body: string }> => {
    try {
      const client = await connectFastCgi({ path: join(dir.path, `${pool}.sock`) }, { timeoutMs: 10_000 });
      try {
        const reply = await client.request({ params: paramsOf(path), keepConn: false });
        return { status: reply.status, body: reply.body.toString() };
      } finally {
        await client.close();
      }
    } catch (error) {
      if (/closed|ECONNRESET|EPIPE/.test(String(error))) return { status: CUT, body: "" };
      throw error;
    }
  };

  /** Asks without a pause until it is stopped, and notes what it is answered. */
  const client = (pool: string) => {
    let stopped = false;
    const statuses: number[] = [];
    const asking = (async () => {
      while (!stopped) statuses.push((await get(pool, "/hello")).status);
    })();
    return {
      statuses,
      stop: () => {
        stopped = true;
        return asking;
      },
    };
  };

  const report = async (name: string): Promise<PoolReport> => {
    const { pools } = (await ask(join(dir.path, "control.sock"), { command: "status" })).status;
    const pool = pools.find((each) => each.name === name);
    if (pool === undefined) throw new Error(`there is no pool ${name}`);
    return pool;
  };

  /** The pool's process, if it has one that serves with all its workers. */
  const whole = async (name: string): Promise<PoolStatus | undefined> => {
    const { processes } = await report(name);
    const [process] = processes;
    if (processes.length !== 1 || process === undefined || !("workers" in process)) return undefined;
    const ready = process.workers.filter(({ state }) => state === "idle" || state === "busy");
    return ready.length === process.workers.length ? process : undefined;
  };

  /** How often the handler at `path` has begun until now. */
  const begun = (path: string): number =>
    readFileSync(join(dir.path, "begun"), "utf8")
      .split("\n")
      .filter((line) => line === path.slice(1)).length;

  it.each(FAULTS.map((fault, at) => ({ ...fault, path: `/fault${at}` })))(
    "$title costs $costs",
    async ({ path, status, costs, says }) => {
      const before = await eventually(() => whole("www"), 10_000);
      const beside = await eventually(() => whole("beside"));
      const printed = holdfast.output.length;
      const begunBefore = begun(path);
      const clients = [...Array.from({ length: CLIENTS }, () => client("www")), client("beside")];
      let backAt = Number.NaN;
      try {
        expect([status].flat()).toContain((await get("www", path)).status);
        if (costs !== "its request")
          await eventually(async () => hasChanged(before, await whole("www"), costs), 10_000);
        backAt = Date.now();
      } finally {
        await Promise.all(clients.map(({ stop }) => stop()));
      }

      /** When the log said so first, by its own clock. */
      const saidAt = (pattern: RegExp): Promise<number> =>
        eventually(() => timeOf(holdfast.output.slice(printed), pattern)).catch((cause: unknown) => {
          throw new Error(`nothing like ${pattern} in:\n${holdfast.output.slice(printed)}`, { cause });
        });
      if (costs === "its worker")
        expect(backAt - (await saidAt(/worker lost/))).toBeLessThan(Math.max(WORKER_BACK_MS, patienceMs));
      if (costs === "its process") {
        const readyAt = await saidAt(/"msg":"pool www ready"/);
        expect(readyAt - (await saidAt(/process lost|is replaced/))).toBeLessThan(
          Math.max(PROCESS_BACK_MS, patienceMs),
        );
      }
      if (says !== undefined) await saidAt(says);

      const besides = clients.at(-1)?.statuses ?? [];
      const others = clients.slice(0, -1).flatMap(({ statuses }) => statuses);
      // Of a process that dies, each client may lose the request that it had there.
      const failed = others.filter((each) => each !== 200);
      expect(failed.length).toBeLessThanOrEqual(costs === "its process" ? CLIENTS : 0);
      expect(others.length).toBeGreaterThan(0);
      expect(new Set(besides)).toEqual(new Set([200]));
      expect(await whole("beside")).toMatchObject({ pid: beside.pid, workersLost: 0 });
      if (costs !== "its process") expect((await report("www")).processes).toMatchObject([{ pid: before.pid }]);

      // Whatever it did, it was begun once.
      expect(begun(path) - begunBefore).toBe(1);
    },
    30_000,
  );
});

/** True once what a fault costs has been replaced. */
function hasChanged(before: PoolStatus, now: PoolStatus | undefined, costs: FaultCase["costs"]): boolean {
  if (now === undefined) return false;
  if (costs === "its process") return now.pid !== before.pid;
  const ids = before.workers.map(({ worker }) => worker);
  return now.workers.length === ids.length && now.workers.some(({ worker }) => !ids.includes(worker));
}

function timeOf(log: string, pattern: RegExp): number | undefined {
  // What V8 itself prints may stand before it, without an end of its line.
  const lines = log.split("\n").flatMap((each) => /\{"level":.*\}$/.exec(each) ?? []);
  const line = lines.find((each) => pattern.test(each));
  return line === undefined ? undefined : Date.parse((JSON.parse(line) as { time: string }).time);
}
