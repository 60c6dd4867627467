// What an administrator relies on: logs are rotated under load without a lost line, what a crash says is
// in them, and whoever floods them harms nobody.

import { existsSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { type Launched, launcher } from "../support/launch.ts";
import { paramsOf } from "../support/pool.ts";
import { skip } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const REOPENINGS = 50;
const CLIENTS = 8;

type Line = Record<string, unknown>;

let dir: TempDir;
let launched: Launched | undefined;
const launch = launcher();

beforeEach(() => {
  launched = undefined;
  dir = makeTempDir();
});
afterEach(() => dir.remove());

async function start(files: Record<string, string>, pool = "", supervisor = ""): Promise<Launched> {
  for (const [name, text] of Object.entries(files)) dir.write(`root/${name}`, text);
  const file = dir.write(
    "holdfast.toml",
    `[supervisor]
control = "./c"
log = "./h.log"
stop_timeout = "5s"
${supervisor}
[pools.www]
listen = "./s"
root = "./root"
threads = 2
${pool.includes("user =") ? "" : "allow_root = true"}
${pool}`,
  );
  const program = launch(["start", "--config", file]);
  launched = program;
  await eventually(() => {
    if (/^holdfast: /m.test(program.output)) throw new Error(program.output);
    return existsSync(join(dir.path, "h.log")) && linesOf("h.log").some(({ msg }) => msg === "serving");
  }, 15_000);
  return program;
}

const textOf = (name: string): string => readFileSync(join(dir.path, name), "utf8");

/** Every line of a log; throws for one that is not whole. */
function linesOf(name: string): Line[] {
  const text = textOf(name);
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

async function get(uri: string): Promise<string> {
  const client = await connectFastCgi({ path: join(dir.path, "s") }, { timeoutMs: 10_000 });
  try {
    return (await client.request({ params: paramsOf(uri), keepConn: true })).body.toString();
  } finally {
    await client.close();
  }
}

function rotated(name: string): string[] {
  return readdirSync(dir.path).filter((each) => each === name || each.startsWith(`${name}.`));
}

describe("SIGUSR1", () => {
  it(`opens the logs anew, ${REOPENINGS} times under load: every line is in one of the files, whole`, async () => {
    const program = await start(
      {
        "say.ts": `export default (r: Request) => { console.log("said" + new URL(r.url).search); return new Response(); };`,
      },
      'access_log = "./access"\naccess_format = "%q %s"',
    );
    let stopping = false;
    let asked = 0;
    const clients = Array.from({ length: CLIENTS }, async () => {
      const client = await connectFastCgi({ path: join(dir.path, "s") }, { timeoutMs: 10_000 });
      while (!stopping) await client.request({ params: paramsOf(`/say.ts?${asked++}`), keepConn: true });
      await client.close();
    });
    for (let n = 1; n <= REOPENINGS; n++) {
      const before = asked;
      for (const name of ["h.log", "access"]) renameSync(join(dir.path, name), join(dir.path, `${name}.${n}`));
      program.signal("SIGUSR1");
      await eventually(() => existsSync(join(dir.path, "h.log")) && existsSync(join(dir.path, "access")));
      await eventually(() => asked > before + CLIENTS);
    }
    stopping = true;
    await Promise.all(clients);
    program.signal("SIGTERM");
    const { code, stdout, stderr } = await program.finished;
    expect(code).toBe(0);
    // Nothing strayed to where no log is.
    expect(stdout + stderr).not.toMatch(/said|"level"|holdfast/);

    const wanted = Array.from({ length: asked }, (_, n) => n);
    const said = rotated("h.log")
      .flatMap((name) => linesOf(name))
      .filter(({ stream }) => stream === "stdout");
    expect(said.map(({ msg }) => Number(String(msg).slice("said?".length))).sort((a, b) => a - b)).toEqual(wanted);
    const accessed = rotated("access").flatMap((name) => textOf(name).split("\n").slice(0, -1));
    expect(accessed.filter((line) => !/^\d+ 200$/.test(line))).toEqual([]);
    expect(accessed.map((line) => Number.parseInt(line, 10)).sort((a, b) => a - b)).toEqual(wanted);
    expect(rotated("h.log")).toHaveLength(REOPENINGS + 1);
    expect(asked).toBeGreaterThan(REOPENINGS * CLIENTS);
  }, 60_000);
});

describe("SIGUSR1 to a pool process", () => {
  /** False before Node has begun: until then the signal ends any program (execve(2), signal(7)). */
  const heedsSignals = (pid: number): boolean => {
    try {
      // The child that is still a copy of the supervisor has blocked all, and will not when it is Node.
      if (!/pool\/main\.js|holdfast: pool/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))) return false;
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const masks = [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*(\w+)$/gm)];
      const usr1 = 1n << BigInt(constants.signals.SIGUSR1 - 1);
      return masks.some((mask) => (BigInt(`0x${mask[1]}`) & usr1) !== 0n);
    } catch {
      return false; // it has ended
    }
  };

  it("opens no inspector, however early it comes", async () => {
    const starting = start({ "a.ts": "export default () => new Response();" });
    let served = false;
    void starting.then(() => {
      served = true;
    });
    let sent = 0;
    await eventually(() => {
      for (const pid of (launched?.descendants() ?? []).filter(heedsSignals)) {
        process.kill(pid, "SIGUSR1");
        sent++;
      }
      return served;
    }, 15_000);
    await starting;
    expect(sent).toBeGreaterThan(5);
    expect(textOf("h.log")).not.toMatch(/Debugger listening/);
    expect(linesOf("h.log").some(({ msg }) => String(msg).includes("process lost"))).toBe(false);
  }, 30_000);
});

describe("a full disk", () => {
  it("costs lines, which are told of once, and no request", async () => {
    dir.write("root/a.ts", `export default () => { console.log("lost"); return new Response("ok"); };`);
    const pool = `[pools.www]\nlisten = "./s"\nroot = "./root"\nallow_root = true\naccess_log = "/dev/full"\n`;
    const file = dir.write("holdfast.toml", `[supervisor]\ncontrol = "./c"\nlog = "/dev/full"\n${pool}`);
    const program = launch(["start", "--config", file]);
    await eventually(
      () =>
        get("/a.ts").then(
          () => true,
          () => false,
        ),
      15_000,
    );
    for (let n = 0; n < 20; n++) expect(await get("/a.ts")).toBe("ok");
    program.signal("SIGTERM");
    const { code, stderr } = await program.finished;
    expect(code).toBe(0);
    expect(stderr.match(/^holdfast: .*/gm)).toEqual([
      expect.stringMatching(/^holdfast: \/dev\/full cannot be written: ENOSPC/),
    ]);
  }, 30_000);
});

describe("a pool process whose log is a file of the supervisor's", () => {
  it("has what its crash says in the log, beside its pool's name, and serves again", async () => {
    await start({
      // As V8 does when it gives up: straight to the descriptor, then the end of the process.
      "abort.ts": `import { writeSync } from "node:fs";
        export default () => { writeSync(2, "FATAL ERROR: no memory\\n----- Native stack trace -----"); process.kill(process.pid, "SIGABRT"); };`,
      "raw.ts": `import { writeSync } from "node:fs";
        export default () => { writeSync(2, '{"level":"info","time":"x","msg":"claimed","pool":"other"}\\n'); return new Response("ok"); };`,
    });
    expect(await get("/raw.ts")).toBe("ok");
    const claimed = await eventually(() => linesOf("h.log").find(({ msg }) => msg === "claimed"));
    expect(claimed).toMatchObject({ pool: "www" });
    await get("/abort.ts").catch(() => {});
    const last = (text: RegExp) => eventually(() => linesOf("h.log").find(({ msg }) => text.test(String(msg))), 10_000);
    expect(await last(/^FATAL ERROR/)).toMatchObject({ pool: "www", pid: expect.any(Number), stream: "stderr" });
    expect(await last(/^----- Native stack trace -----$/)).toMatchObject({ pool: "www", level: "warn" });
    expect(await eventually(() => get("/raw.ts").catch(() => undefined), 15_000)).toBe("ok");
  }, 40_000);

  const asRoot = process.geteuid?.() === 0;
  const body = (): void => {
    it("needs no right to open it", async () => {
      for (const folder of ["root"]) dir.write(`${folder}/.keep`, "");
      const { chmodSync } = await import("node:fs");
      chmodSync(dir.path, 0o755);
      await start(
        { "who.ts": `export default () => { console.log("uid", process.getuid?.()); return new Response(); };` },
        'user = "nobody"',
      );
      expect((statSync(join(dir.path, "h.log")).mode & 0o777).toString(8)).toBe("640");
      await get("/who.ts");
      await eventually(() => linesOf("h.log").find(({ msg }) => /^uid [1-9]/.test(String(msg))));
    }, 30_000);
  };
  if (asRoot) describe("and that runs as another user", body);
  else skip("and that runs as another user", "only root can switch users", body);
});

describe("a flood of output", () => {
  const FLOOD_BYTES = 400_000_000;

  it("is not kept: neither process grows by a quarter of it, and requests go on", async () => {
    const program = await start(
      {
        "flood.ts": `import { setTimeout as delay } from "node:timers/promises";
        const line = "x".repeat(99) + "\\n";
        export default async () => {
          for (let bytes = 0; bytes < ${FLOOD_BYTES}; bytes += 500_000) {
            for (let n = 0; n < 5000; n++) process.stderr.write(line);
            await delay(0);
          }
          return new Response("printed");
        };`,
        "calm.ts": `export default () => new Response("calm");`,
      },
      "concurrency = 1",
    );
    await get("/calm.ts");
    const processes = [program.pid, ...program.descendants()];
    const before = processes.map(residentOf);
    const peaks = [...before];
    let printed: string | undefined;
    const flood = get("/flood.ts").then((body) => {
      printed = body;
    });
    let answered = 0;
    while (printed === undefined) {
      expect(await get("/calm.ts")).toBe("calm");
      answered++;
      for (const [index, pid] of processes.entries()) peaks[index] = Math.max(peaks[index] ?? 0, residentOf(pid));
    }
    await flood;
    expect(printed).toBe("printed");
    expect(answered).toBeGreaterThan(20);
    for (const [index, peak] of peaks.entries()) expect(peak - (before[index] ?? 0)).toBeLessThan(FLOOD_BYTES / 4);
    await eventually(() => linesOf("h.log").some(({ msg }) => String(msg).startsWith("output suppressed")));
  }, 40_000);
});

function residentOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}
