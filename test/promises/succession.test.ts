// SIGUSR2: the supervisor itself is replaced by the program as it is installed now, without closing a socket.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import { keptLoad } from "../support/kept-load.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { isRunning } from "../support/processes.ts";
import { skip } from "../support/skip.ts";
import { type Started, startedPrograms } from "../support/started.ts";

const APP = `export default () => new Response("one");`;

describe("SIGUSR2", () => {
  const program = startedPrograms();
  let holdfast: Started;
  let supervisors: number[];

  beforeEach(() => {
    supervisors = [];
    holdfast = program();
    holdfast.configure();
    holdfast.app(APP);
  });

  // A successor is not this process's child, so nobody else ends it.
  afterEach(async () => {
    for (const pid of supervisors) if (isRunning(pid)) process.kill(pid, "SIGTERM");
    for (const pid of supervisors) await eventually(() => !isRunning(pid));
  });

  /** Resolves with the pid of the supervisor that answers, once it is another than `before`. */
  async function successorOf(before: number): Promise<number> {
    const pid = await eventually(async () => {
      const answering = await holdfast.status().then(
        (status) => status.pid,
        () => before,
      );
      return answering !== before && answering;
    }, 15_000);
    supervisors.push(pid);
    return pid;
  }

  const ended = (launched: Launched): Promise<{ code: number | null }> => launched.gone;

  it("loses no request of clients that keep their connections, and refuses none that connects", async () => {
    holdfast.configure({ pool: "processes = 2" });
    const first = await holdfast.start();
    const load = keptLoad({ path: holdfast.socket, clients: 4 });
    const pids = await holdfast.pids();
    await eventually(() => load.answered > 20);
    first.signal("SIGUSR2");
    const second = await successorOf(first.pid);
    const connecting = Promise.all(Array.from({ length: 20 }, () => holdfast.get()));
    expect(await ended(first)).toMatchObject({ code: 0 });
    expect((await connecting).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    process.kill(second, "SIGUSR2");
    await successorOf(second);
    await eventually(() => !isRunning(second));
    const answered = load.answered;
    await eventually(() => load.answered > answered + 20);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(pids.filter(isRunning)).toEqual([]);
    expect((await holdfast.pids()).length).toBe(2);
  }, 60_000);

  it("leaves what a reload and a stop need: the new one reloads, stops, and removes the sockets", async () => {
    const first = await holdfast.start();
    first.signal("SIGUSR2");
    await successorOf(first.pid);
    await ended(first);
    holdfast.app(`export default () => new Response("two");`);
    expect((await holdfast.reload()).pools).toEqual([{ name: "www", from: 1, to: 2 }]);
    expect((await holdfast.get()).body.toString()).toBe("two");
    expect(await holdfast.run("stop")).toMatchObject({ code: 0 });
    expect(existsSync(holdfast.socket)).toBe(false);
  });

  it("takes over what the configuration has become: pools are added, removed, and renewed", async () => {
    const first = await holdfast.start();
    const api = `[pools.api]\nlisten = "./api.sock"\napp = "./app.mjs"\nallow_root = true\nthreads = 1`;
    holdfast.configure({ more: api });
    first.signal("SIGUSR2");
    await successorOf(first.pid);
    await ended(first);
    expect((await holdfast.get("/", `${holdfast.dir.path}/api.sock`)).status).toBe(200);
    expect((await holdfast.get()).status).toBe(200);
  });

  it.each([
    ["code that does not load", () => holdfast.app("throw new Error('no database');")],
    ["a configuration that is wrong", () => holdfast.configure({ pool: 'no_such_option = "x"' })],
  ])("leaves the old one in place after %s", async (_, breakIt) => {
    const first = await holdfast.start();
    const pids = await holdfast.pids();
    breakIt();
    first.signal("SIGUSR2");
    await first.line(/"msg":"this supervisor stays"/);
    await eventually(() => first.descendants().length === pids.length);
    expect(await holdfast.pids()).toEqual(pids);
    expect((await holdfast.get()).body.toString()).toBe("one");
    holdfast.configure();
    holdfast.app(APP);
    expect((await holdfast.reload()).pools.length).toBe(1);
  });

  it("leaves the old one with its sockets when the new one fails although it was let", async () => {
    const first = await holdfast.start();
    // Boots, and then stands still: it is let listen, and never does.
    const written = `${holdfast.dir.path}/pid`;
    holdfast.app(`import { writeFileSync } from "node:fs";
      setTimeout(() => {
        writeFileSync(${JSON.stringify(written)}, String(process.pid));
        process.kill(process.pid, "SIGSTOP");
      }, 500);
      ${APP}`);
    holdfast.dir.write("late.mjs", `await new Promise((resolve) => setTimeout(resolve, 2000)); ${APP}`);
    holdfast.configure({
      more: `[pools.late]\nlisten = "./late.sock"\napp = "./late.mjs"\nallow_root = true\nthreads = 1`,
    });
    first.signal("SIGUSR2");
    await first.line(/"msg":"pool late ready"/);
    process.kill(Number(readFileSync(written, "utf8")), "SIGKILL");
    await first.line(/"msg":"this supervisor stays"/);
    expect((await holdfast.get()).body.toString()).toBe("one");
    await eventually(async () => (await holdfast.status()).pid === first.pid);
    holdfast.configure();
    holdfast.app(APP);
    expect((await holdfast.reload()).pools.length).toBe(1);
    expect((await holdfast.get()).body.toString()).toBe("one");
  }, 60_000);

  it("makes a reload that is asked for meanwhile wait, so that the two bind nothing over each other", async () => {
    const first = await holdfast.start();
    holdfast.dir.write("late.mjs", `await new Promise((resolve) => setTimeout(resolve, 1000)); ${APP}`);
    holdfast.configure({
      more: `[pools.late]\nlisten = "./late.sock"\napp = "./late.mjs"\nallow_root = true\nthreads = 1`,
    });
    first.signal("SIGUSR2");
    await first.line(/starting the supervisor that is to take over/);
    await expect(holdfast.reload()).rejects.toThrow(/another supervisor has taken over/);
    await successorOf(first.pid);
    await ended(first);
    expect((await holdfast.get("/", `${holdfast.dir.path}/late.sock`)).status).toBe(200);
    expect((await holdfast.get()).status).toBe(200);
  }, 30_000);

  it("and a stop meanwhile end both", async () => {
    const first = await holdfast.start();
    holdfast.app("await new Promise(() => setInterval(() => {}, 1000));");
    first.signal("SIGUSR2");
    const family = await eventually(() => {
      const all = first.descendants();
      return all.length >= 3 && all;
    });
    first.signal("SIGTERM");
    expect(await ended(first)).toMatchObject({ code: 0 });
    await eventually(() => !family.some(isRunning), 10_000);
    expect(existsSync(holdfast.socket)).toBe(false);
  });
});

const canBeFirst = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;
const describeAsFirst = canBeFirst
  ? describe
  : (title: string, body: () => void): void => skip(title, "unshare --pid is not allowed here", body);

describeAsFirst("SIGUSR2 to process 1 of a container", () => {
  const program = startedPrograms();
  const launch = launcher();

  const SPACE = ["unshare", "--pid", "--fork", "--kill-child"];

  it.each([
    ["is", [], /process 1 cannot be replaced/],
    // As tini and docker-init do, it ends when its child ends.
    ["was started by", ["sh", "-c", '"$@" & wait', "init"], /what process 1 has started cannot be replaced/],
  ])("is refused with the reason where the supervisor %s that, and it serves on", async (_, init, reason) => {
    const holdfast = program();
    holdfast.configure();
    holdfast.app(APP);
    const bin = launch(["start", "-c", holdfast.config], { wrapper: [...SPACE, ...init] });
    await bin.line(/"msg":"serving"/);
    const [first = 0, child = 0] = bin.descendants();
    process.kill(init.length === 0 ? first : child, "SIGUSR2");
    await bin.line(reason);
    expect((await holdfast.get()).status).toBe(200);
    await holdfast.run("stop");
  });
});
