// Reload without loss, as an operator meets it: `holdfast reload`, signals, real processes, kept connections.

import { existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { mayLowerNiceness } from "../../src/base/niceness.ts";
import { eventually } from "../support/eventually.ts";
import { keptLoad } from "../support/kept-load.ts";
import { paramsOf } from "../support/pool.ts";
import { isRunning, nicenessOf } from "../support/processes.ts";
import { type Started, startedPrograms } from "../support/started.ts";

const VERSION = (version: string): string => `export default () => new Response("${version}");`;
/** Serves /slow only when it is let go on; says that it has begun. */
const SLOW = `import { existsSync, writeFileSync } from "node:fs";
  const file = (name) => new URL(name, import.meta.url);
  export default async (request) => {
    if (new URL(request.url).pathname !== "/slow") return new Response(String(process.pid));
    writeFileSync(file("begun"), "");
    while (!existsSync(file("go"))) await new Promise((go) => setTimeout(go, 10));
    return new Response("slow " + process.pid);
  };`;

describe("a reload", () => {
  const program = startedPrograms();
  let holdfast: Started;

  beforeEach(() => {
    holdfast = program();
    holdfast.configure();
    holdfast.app(VERSION("one"));
  });

  const file = (name: string): string => join(holdfast.dir.path, name);
  const begun = (): Promise<true> => eventually(() => existsSync(file("begun")));
  const goOn = (): void => writeFileSync(file("go"), "");

  it("serves the new code on the connection that the old process has kept, and the old one leaves", async () => {
    await holdfast.start();
    const [first = 0] = await holdfast.pids();
    const client = await holdfast.connect();
    expect((await client.request({ params: paramsOf("/") })).body.toString()).toBe("one");
    client.forget();
    holdfast.app(VERSION("two"));
    expect(await holdfast.run("reload")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^www: generation 1 → 2 \(.* s\)\n$/),
    });
    expect((await client.request({ params: paramsOf("/") })).body.toString()).toBe("two");
    await client.close();
    await eventually(() => !isRunning(first));
  });

  it("boots with what the serving process leaves of the processor, and serves with all of it", async () => {
    await holdfast.start();
    holdfast.app(`import { existsSync, writeFileSync } from "node:fs";
      const file = (name) => new URL(name, import.meta.url);
      writeFileSync(file("begun"), String(process.pid));
      while (!existsSync(file("go"))) await new Promise((go) => setTimeout(go, 10));
      export default () => new Response("two");`);
    const reloaded = holdfast.run("reload");
    await begun();
    // The file is there a moment before what is in it.
    const pid = await eventually(() => Number(readFileSync(file("begun"), "utf8")) || undefined);
    // Without CAP_SYS_NICE it could not give back what it takes.
    const ours = getPriority();
    expect(new Set(nicenessOf(pid))).toEqual(new Set([mayLowerNiceness() ? Math.min(19, ours + 15) : ours]));
    goOn();
    expect(await reloaded).toMatchObject({ code: 0 });
    // What V8 compiles behind the others' backs follows a moment later.
    await eventually(() => nicenessOf(pid).every((niceness) => niceness === ours));
  });

  it("rehearses before it serves, of which the app and the counters know nothing", async () => {
    holdfast.configure({ supervisor: 'log_level = "debug"' });
    holdfast.app(`let calls = 0; export default (_, ctx) => new Response(++calls + " " + ctx.worker.requests);`);
    const launched = await holdfast.start();
    // Nobody is kept waiting for the first one.
    expect(launched.output).not.toContain('"msg":"rehearsed"');
    expect(await holdfast.run("reload")).toMatchObject({ code: 0 });
    await launched.line(/"requests":[1-9]\d*,"ms":\d+,.*"msg":"rehearsed"/);
    const client = await holdfast.connect();
    expect((await client.request({ params: paramsOf("/") })).body.toString()).toBe("1 1");
    await client.close();
  });

  it("loses no request of clients that keep their connections, five times in a row [R1]", async () => {
    holdfast.configure({ pool: "processes = 2" });
    await holdfast.start();
    const load = keptLoad({ path: holdfast.socket, clients: 8 });
    for (let n = 0; n < 5; n++) await holdfast.reload();
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(100);
    await eventually(async () => (await holdfast.pool()).processes.length === 2, 15_000);
  }, 60_000);

  it("by 25 signals within moments ends in the newest configuration and loses nothing [R2]", async () => {
    const launched = await holdfast.start();
    const load = keptLoad({ path: holdfast.socket, clients: 4 });
    for (let n = 0; n < 25; n++) {
      holdfast.app(VERSION(`signal ${n}`));
      launched.signal("SIGHUP");
      await new Promise((resolve) => setTimeout(resolve, n));
    }
    await eventually(async () => (await holdfast.get()).body.toString() === "signal 24", 15_000);
    await eventually(async () => (await holdfast.pool()).processes.length === 1, 15_000);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(launched.descendants().filter(isRunning)).toEqual(await holdfast.pids());
  }, 60_000);

  describe("that cannot succeed leaves the old one serving, with its state and its connections [R3]:", () => {
    const COUNTS = "let n = 0; export default () => new Response(String(++n));";

    const refused = async (code: number, says: RegExp): Promise<void> => {
      await holdfast.start();
      const pids = await holdfast.pids();
      const client = await holdfast.connect();
      const ask = async (): Promise<string> => {
        client.forget();
        return (await client.request({ params: paramsOf("/") })).body.toString();
      };
      expect(await ask()).toBe("1");
      breakIt();
      expect(await holdfast.run("reload")).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(says) });
      expect(await ask()).toBe("2");
      await client.close();
      expect(await holdfast.pids()).toEqual(pids);
    };
    let breakIt: () => void;
    beforeEach(() => holdfast.app(COUNTS));

    it("code that throws: 70, with where it threw", async () => {
      breakIt = () => holdfast.app("\n\nthrow new Error('no database');");
      await refused(70, /no database[\s\S]*app\.mjs:3/);
    });

    it("a boot that never ends: 70, after boot_timeout", async () => {
      breakIt = () => {
        // Not before: its first boot may take longer on a busy machine.
        holdfast.configure({ pool: 'boot_timeout = "700ms"' });
        holdfast.app("await new Promise(() => setInterval(() => {}, 1000));");
      };
      await refused(70, /did not load within boot_timeout/);
    });

    it("a wrong configuration: 78, with file and line", async () => {
      breakIt = () => holdfast.configure({ pool: 'no_such_option = "x"' });
      await refused(78, /holdfast\.toml:\d+.*no_such_option/);
    });
  });

  it("with --changed moves only pools whose configuration has changed [R31]", async () => {
    const api = (concurrency: number): string =>
      `[pools.api]\nlisten = "./api.sock"\napp = "./app.mjs"\nallow_root = true\nthreads = 1\nconcurrency = ${concurrency}`;
    holdfast.configure({ more: api(1) });
    await holdfast.start();
    const www = await holdfast.pids("www");
    const client = await holdfast.connect();
    await client.request({ params: paramsOf("/") });
    client.forget();
    holdfast.configure({ more: api(2) });
    expect(await holdfast.run("reload", "--changed")).toMatchObject({
      stdout: expect.stringMatching(/^api: generation 1 → 2\n1 unchanged \(/),
    });
    expect(await holdfast.pids("www")).toEqual(www);
    expect((await client.request({ params: paramsOf("/") })).body.toString()).toBe("one");
    await client.close();
  });

  it("serves the release to which a link points by then [R32]", async () => {
    for (const release of ["one", "two"]) holdfast.dir.write(`${release}/app.mjs`, VERSION(release));
    symlinkSync("one", file("current"));
    holdfast.configure({ pool: "", app: "./current/app.mjs" });
    await holdfast.start();
    expect((await holdfast.get()).body.toString()).toBe("one");
    symlinkSync("two", file("next"));
    renameSync(file("next"), file("current"));
    await holdfast.reload();
    expect((await holdfast.get()).body.toString()).toBe("two");
  });

  describe("while a request is open", () => {
    beforeEach(() => holdfast.app(SLOW));

    it("lets it finish in the old process, and its connection goes on in the new one [R4]", async () => {
      await holdfast.start();
      const [old] = await holdfast.pids();
      const client = await holdfast.connect();
      const slow = client.request({ params: paramsOf("/slow") });
      await begun();
      await holdfast.reload();
      expect((await holdfast.pool()).processes.length).toBe(2);
      goOn();
      expect((await slow).body.toString()).toBe(`slow ${old}`);
      client.forget();
      const pid = Number((await client.request({ params: paramsOf("/") })).body);
      expect(pid).not.toBe(old);
      expect(await holdfast.pids()).toContain(pid);
      await client.close();
    });

    it("answers it with 504 at the deadline, and its connection goes on too [R4]", async () => {
      holdfast.configure({ supervisor: 'stop_timeout = "1s"' });
      await holdfast.start();
      const client = await holdfast.connect();
      const slow = client.request({ params: paramsOf("/slow") });
      await begun();
      await holdfast.reload();
      expect((await slow).status).toBe(504);
      client.forget();
      expect((await client.request({ params: paramsOf("/") })).status).toBe(200);
      await client.close();
    });

    it("ends a worker that never turns its loop again, and nobody else notices [R5]", async () => {
      holdfast.configure({ supervisor: 'stop_timeout = "3s"', pool: "threads = 2" });
      holdfast.app(`export default (request) => {
        while (new URL(request.url).pathname === "/loop");
        return new Response(String(process.pid));
      };`);
      await holdfast.start();
      const [old = 0] = await holdfast.pids();
      const looping = holdfast.get("/loop");
      const load = keptLoad({ path: holdfast.socket, clients: 2 });
      await eventually(() => load.answered > 10);
      await holdfast.reload();
      const startedAt = performance.now();
      await eventually(() => !isRunning(old), 15_000);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      expect((await looping).status).toBe(504);
      await load.stop();
      expect(load.failures).toEqual([]);
    });

    it("is stopped with everything else by a stop, within its time [R22]", async () => {
      const launched = await holdfast.start();
      const slow = holdfast.get("/slow");
      await begun();
      await holdfast.reload();
      launched.signal("SIGTERM");
      await launched.line(/"msg":"stopping"/);
      goOn();
      expect((await slow).status).toBe(200);
      expect(await launched.finished).toMatchObject({ code: 0 });
      expect(existsSync(holdfast.socket)).toBe(false);
    });
  });

  it("that is stopped in its middle ends with the stop, and says so", async () => {
    const launched = await holdfast.start();
    holdfast.app("await new Promise(() => setInterval(() => {}, 1000));");
    const reload = holdfast.run("reload");
    await eventually(async () => (await holdfast.pool()).processes.length === 2);
    launched.signal("SIGTERM");
    expect(await reload).toMatchObject({ code: 70, stderr: expect.stringMatching(/stopped while it reloaded/) });
    expect(await launched.finished).toMatchObject({ code: 0 });
  });

  it("of a process that is told by a signal to leave is one too: its connections go to its successor", async () => {
    await holdfast.start();
    const [old = 0] = await holdfast.pids();
    const load = keptLoad({ path: holdfast.socket, clients: 4 });
    await eventually(() => load.answered > 20);
    process.kill(old, "SIGTERM");
    await eventually(() => !isRunning(old));
    await load.stop();
    expect(load.failures).toEqual([]);
    expect((await holdfast.pool()).restarts).toBe(0);
  });
});

describe("a pool process that is killed", () => {
  const program = startedPrograms();

  it("costs only what was open, refuses nobody, and is replaced within a second", async () => {
    const clients = 6;
    const holdfast = program();
    holdfast.configure();
    holdfast.app(VERSION("one"));
    await holdfast.start();
    const load = keptLoad({ path: holdfast.socket, clients });
    for (let n = 1; n <= 5; n++) {
      const before = load.answered;
      await eventually(() => load.answered > before + 20);
      const [pid = 0] = await eventually(async () => {
        const pids = await holdfast.pids();
        return pids.length === 1 && pids;
      });
      process.kill(pid, "SIGKILL");
      await eventually(() => !isRunning(pid));
      await holdfast.get();
      expect(load.failures.length).toBeLessThanOrEqual(n * clients);
      expect(load.failures.filter((reason) => /ECONNREFUSED|ENOENT|did not come/.test(reason))).toEqual([]);
    }
    await load.stop();
  });
});
