// Who a pool is, as the kernel sees it: every thread of the real process, its environment, its
// descriptors, its files; and what one pool's user can reach of another's.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask } from "../../src/cli/control-client.ts";
import type { PoolReport } from "../../src/messages/control.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi, type FastCgiAddress } from "../support/fastcgi-client.ts";
import { itWithIpv6 } from "../support/ipv6.ts";
import { type Launched, type LaunchOptions, launcher } from "../support/launch.ts";
import { isRunning } from "../support/processes.ts";
import { type TempDir, tempDirs } from "../support/temp-dir.ts";
import { itAsRoot } from "../support/user.ts";

const BIN = fileURLToPath(new URL("../../../bin/holdfast.js", import.meta.url));

/** Numbers that no user database has. */
const ALPHA = 61_001;
const BETA = 61_002;
const WEB = 61_003;
const STRANGER = 61_004;

/** Does what it is asked to, with the rights of its pool, and says what came of it. */
const PROBE = `
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";

const acts: Record<string, (on: string) => unknown> = {
  whoami: () => ({ pid: process.pid, cwd: process.cwd(), env: process.env, groups: process.getgroups?.() }),
  becomeRoot: () => spawnSync("true", { uid: 0 }).error ?? "became root",
  read: (path) => readFileSync(path, "utf8"),
  list: (path) => readdirSync(path),
  write: (path) => writeFileSync(path, "written"),
  remove: (path) => unlinkSync(path),
  kill: (pid) => process.kill(Number(pid), "SIGKILL"),
  connect: async (path) => {
    const socket = connect(path);
    await once(socket, "connect");
    socket.destroy();
  },
  descriptorsOfChild: () => execFileSync("ls", ["/proc/self/fd"], { encoding: "utf8" }).trim().split("\\n"),
};

export default async (request: Request) => {
  const { act = "", on = "" } = Object.fromEntries(new URL(request.url).searchParams);
  try {
    const result: unknown = await acts[act]?.(on);
    if (result instanceof Error) throw result;
    return Response.json({ result: result ?? "done" });
  } catch (error) {
    return Response.json({ code: (error as NodeJS.ErrnoException).code ?? String(error) });
  }
};
`;

interface Answer {
  readonly result?: unknown;
  readonly code?: string;
}

describe("a pool", () => {
  const tempDir = tempDirs();
  const launch = launcher();
  let dir: TempDir;

  beforeEach(() => {
    dir = tempDir();
    // So that a pool's user can reach what is its own in it.
    chmodSync(dir.path, 0o755);
  });

  const at = (...names: readonly string[]): string => join(dir.path, ...names);

  /** Writes the probe where only that user can read it. */
  function writeApp(name: string, uid: number): void {
    const app = dir.write(`${name}/app.ts`, PROBE);
    mkdirSync(at(name, "cache"));
    for (const path of [at(name), at(name, "cache"), app]) chownSync(path, uid, uid);
    chmodSync(at(name), 0o750);
  }

  function writeConfig(pools: string): string {
    return dir.write(
      "holdfast.toml",
      `[supervisor]\ncontrol = "./control.sock"\nlog_format = "json"\nlog_level = "debug"\n${pools}`,
    );
  }

  /** The lines of a pool that runs the probe as a user of its own. */
  const poolOf = (name: string, uid: number, more = ""): string =>
    `[pools.${name}]\nlisten = "./${name}.sock"\napp = "./${name}/app.ts"\nthreads = 2\nuser = "${uid}"\n${more}\n` +
    `[pools.${name}.env]\nCACHE_DIRECTORY = "${at(name, "cache")}"\n`;

  async function start(pools: string, options: LaunchOptions = {}): Promise<Launched> {
    const launched = launch(["start", "-c", writeConfig(pools)], options);
    await launched.line(/"msg":"serving"/);
    return launched;
  }

  async function probe(name: string, act: string, on: string | number = ""): Promise<Answer> {
    return JSON.parse(await get({ path: at(`${name}.sock`) }, `/?act=${act}&on=${encodeURIComponent(on)}`)) as Answer;
  }

  async function get(address: FastCgiAddress, uri = "/"): Promise<string> {
    const client = await connectFastCgi(address, { timeoutMs: 10_000 });
    try {
      const params = { REQUEST_METHOD: "GET", REQUEST_URI: uri, SCRIPT_NAME: "/" };
      return (await client.request({ params })).body.toString();
    } finally {
      await client.close();
    }
  }

  async function report(name: string): Promise<PoolReport> {
    const { status } = await ask(at("control.sock"), { command: "status" });
    const found = status.pools.find((pool) => pool.name === name);
    if (found === undefined) throw new Error(`there is no pool ${name}`);
    return found;
  }

  const pidsOf = async (name: string): Promise<readonly number[]> =>
    (await report(name)).processes.map(({ pid }) => pid);

  async function pidOf(name: string): Promise<number> {
    const [pid] = await pidsOf(name);
    if (pid === undefined) throw new Error(`${name} has no process`);
    return pid;
  }

  describe("of another user", () => {
    const FIELDS = ["Uid", "Gid", "Groups", "NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

    /** Every thread's values, and each that differs, once. */
    function threadsOf(pid: number): { readonly count: number; readonly kinds: readonly Record<string, string>[] } {
      const statuses = readdirSync(`/proc/${pid}/task`).map((thread) => {
        const text = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
        return JSON.stringify(
          Object.fromEntries(
            FIELDS.map((field) => [field, RegExp(`^${field}:[ \\t]*(.*?)\\s*$`, "m").exec(text)?.[1]]),
          ),
        );
      });
      return { count: statuses.length, kinds: [...new Set(statuses)].map((text) => JSON.parse(text)) };
    }

    const confined = (uid: number, gid: number, groups: string): Record<string, string> => ({
      Uid: Array(4).fill(uid).join("\t"),
      Gid: Array(4).fill(gid).join("\t"),
      Groups: groups,
      NoNewPrivs: "1",
      ...Object.fromEntries(["Inh", "Prm", "Eff", "Bnd", "Amb"].map((set) => [`Cap${set}`, "0000000000000000"])),
    });

    itAsRoot("is that user on every thread, with exactly the groups it is given, and no way back", async () => {
      writeApp("alpha", ALPHA);
      writeApp("beta", BETA);
      const entry = readFileSync("/etc/passwd", "utf8").match(/^(www-data|games|daemon):[^:]*:(\d+):(\d+):/m);
      const [, name = "", uid = "", gid = ""] = entry ?? [];
      writeApp("known", Number(uid));
      await start(
        poolOf("alpha", ALPHA) +
          poolOf("beta", BETA, `group = "${WEB}"\ngroups = ["${STRANGER}", "${ALPHA}"]`) +
          `[pools.known]\nlisten = "./known.sock"\napp = "./known/app.ts"\nuser = "${name}"\n` +
          `[pools.known.env]\nCACHE_DIRECTORY = "${at("known", "cache")}"\n`,
      );
      for (const [pool, wanted] of [
        ["alpha", confined(ALPHA, ALPHA, "")],
        ["beta", confined(BETA, WEB, `${ALPHA} ${STRANGER}`)],
        ["known", confined(Number(uid), Number(gid), gid)],
      ] as const) {
        const { count, kinds } = threadsOf(await pidOf(pool));
        expect([pool, kinds]).toEqual([pool, [wanted]]);
        // Main thread, two workers, and what Node and V8 have.
        expect(count).toBeGreaterThan(5);
        expect(await probe(pool, "becomeRoot")).toEqual({ code: "EPERM" });
      }
    });

    itAsRoot("finds in its environment what is its own, and nothing of the supervisor's", async () => {
      writeApp("alpha", ALPHA);
      await start(`${poolOf("alpha", ALPHA)}LD_LIBRARY_PATH = "/nowhere"\n`, {
        env: {
          ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
          PATH: process.env.PATH,
          HOME: "/root",
          LANG: "C.UTF-8",
          AWS_SECRET: "s3cret",
          NODE_OPTIONS: "--no-warnings",
          NOTIFY_SOCKET: "/nowhere/notify",
          XDG_RUNTIME_DIR: "/run/user/0",
        },
      });
      const pid = await pidOf("alpha");
      const names = readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .map((variable) => variable.replace(/=.*/s, ""))
        .filter((name) => name !== "" && !name.startsWith("NODE_CHANNEL_"));
      const expected = ["CACHE_DIRECTORY", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "USER"];
      expect(names.toSorted()).toEqual(expected);
      const { env } = (await probe("alpha", "whoami")).result as { env: Record<string, string> };
      expect(Object.keys(env).toSorted()).toEqual(expected);
      expect(env).toMatchObject({ USER: String(ALPHA), LOGNAME: String(ALPHA), LD_LIBRARY_PATH: "/nowhere" });
    });

    itAsRoot("holds no descriptor of the supervisor's but standard output and its own socket", async () => {
      writeApp("alpha", ALPHA);
      writeApp("beta", BETA);
      const secret = dir.write("secret", "s3cret");
      const config = writeConfig(poolOf("alpha", ALPHA) + poolOf("beta", BETA));
      // Behind a gap, where Node's own measure ends.
      const script = `exec 9<'${secret}' 40<'${secret}' 99<'${secret}'; exec '${process.execPath}' '${BIN}' start -c '${config}'`;
      const supervisor = launch([script], { node: "bash", bin: "-c" });
      await supervisor.line(/"msg":"serving"/);
      const linksOf = (pid: number): ReadonlyMap<string, string> =>
        new Map(readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]));
      const held = [...linksOf(supervisor.pid).values()];
      const shared = (await Promise.all(["alpha", "beta"].map(pidOf))).map((pid) =>
        [...linksOf(pid)].filter(([, link]) => !/^anon_inode:|^\/dev\//.test(link) && held.includes(link)),
      );
      for (const links of shared) {
        expect(links.filter(([fd]) => Number(fd) > 2)).toEqual([["4", expect.stringMatching(/^socket:/)]]);
      }
      const [alpha, beta] = shared.map((links) => links.at(-1)?.[1]);
      expect(alpha).not.toBe(beta);
      for (const pool of ["alpha", "beta"]) {
        expect([...linksOf(await pidOf(pool)).values()]).not.toContain(secret);
        // 3 is the folder that ls reads.
        expect(await probe(pool, "descriptorsOfChild")).toEqual({ result: ["0", "1", "2", "3"] });
      }
    });

    itAsRoot("cannot read, reach or end another pool, nor the supervisor", async () => {
      writeApp("alpha", ALPHA);
      writeApp("beta", BETA);
      mkdirSync(at("shared"));
      chmodSync(at("shared"), 0o1777);
      const supervisor = await start(poolOf("alpha", ALPHA) + poolOf("beta", BETA));
      const beta = await pidOf("beta");
      const written = at("shared", "session");
      expect(await probe("beta", "write", written)).toEqual({ result: "done" });
      expect(await probe("beta", "read", written)).toEqual({ result: "written" });
      expect((await probe("beta", "list", at("beta", "cache"))).result).not.toEqual([]);
      const attempts: readonly (readonly [act: string, on: string | number, code: string])[] = [
        ["read", at("beta", "app.ts"), "EACCES"],
        ["list", at("beta"), "EACCES"],
        ["list", at("beta", "cache"), "EACCES"],
        ["read", written, "EACCES"],
        ["remove", written, "EPERM"],
        ["connect", at("beta.sock"), "EACCES"],
        ["remove", at("beta.sock"), "EACCES"],
        ["connect", at("control.sock"), "EACCES"],
        ["write", at("alpha.sock.new"), "EACCES"],
        ["kill", beta, "EPERM"],
        ["kill", supervisor.pid, "EPERM"],
        ...[beta, supervisor.pid].flatMap((pid) =>
          ["environ", "maps", "mem", "cwd/app.ts"].map((file) => ["read", `/proc/${pid}/${file}`, "EACCES"] as const),
        ),
        ["list", `/proc/${beta}/fd`, "EACCES"],
      ];
      for (const [act, on, code] of attempts)
        expect([act, on, await probe("alpha", act, on)]).toEqual([act, on, { code }]);
      expect(isRunning(beta)).toBe(true);
    });

    itAsRoot("does not begin in a folder that it may not enter, and says which", async () => {
      writeApp("alpha", ALPHA);
      writeApp("beta", BETA);
      const { finished } = launch(["start", "-c", writeConfig(poolOf("alpha", ALPHA, 'chdir = "./beta"'))]);
      expect(await finished).toMatchObject({
        code: 70,
        stderr: expect.stringMatching(
          /pools\.alpha: its user cannot work in .*beta: .*EACCES.*\n {2}let the user enter/,
        ),
      });
    });
  });

  describe("has a working folder and a umask of its own", () => {
    /** As whoever runs the tests, who needs no other user for this. */
    const own = (more: string): string =>
      `[pools.own]\nlisten = "./own.sock"\napp = "./own/app.ts"\nthreads = 1\nallow_root = true\n${more}\n` +
      `[pools.own.env]\nCACHE_DIRECTORY = "${at("own", "cache")}"\n`;

    it.each([
      ["by default: the app's folder, and files that others cannot read", "", "own", 0o640],
      ["by its options", 'chdir = "."\numask = "0002"', "", 0o664],
    ])("%s", async (_, options, folder, mode) => {
      dir.write("own/app.ts", PROBE);
      await start(own(options));
      expect((await probe("own", "whoami")).result).toMatchObject({ cwd: at(folder).replace(/\/$/, "") });
      expect(await probe("own", "write", "./made")).toEqual({ result: "done" });
      expect(statSync(at(folder, "made")).mode & 0o777).toBe(mode);
    });
  });

  describe("of three processes", () => {
    const THREE = `[pools.www]\nlisten = "./www.sock"\napp = "./app.mjs"\nthreads = 1\nprocesses = 3\nallow_root = true\n`;
    const APP = `let served = 0; export default () => new Response(process.pid + " " + ++served);`;

    async function answering(count: number): Promise<ReadonlySet<number>> {
      const seen = new Set<number>();
      await eventually(async () => {
        const replies = await Promise.all(Array.from({ length: 24 }, () => get({ path: at("www.sock") })));
        for (const reply of replies) seen.add(Number(reply.split(" ")[0]));
        return seen.size >= count;
      }, 10_000);
      return seen;
    }

    it("is served by all of them on one socket, and each that dies is replaced while the others serve", async () => {
      dir.write("app.mjs", APP);
      await start(THREE);
      const first = await pidsOf("www");
      expect(new Set(first).size).toBe(3);
      expect([...(await answering(3))].toSorted()).toEqual([...first].toSorted());

      const [one = 0, two = 0, three = 0] = first;
      for (const pid of [one, two]) process.kill(pid, "SIGKILL");
      // None of these meets one that died: nothing was outstanding there.
      const replies = await Promise.all(Array.from({ length: 24 }, () => get({ path: at("www.sock") })));
      expect(replies).toHaveLength(24);
      const now = await eventually(async () => {
        const { processes, restarts } = await report("www");
        return processes.length === 3 && restarts === 2 && processes.every((each) => "workers" in each) && processes;
      });
      expect(now.map(({ pid }) => pid)).toContain(three);
      expect(now.map(({ pid }) => pid).filter((pid) => first.includes(pid))).toEqual([three]);
      const seen = await answering(3);
      expect([...seen].toSorted()).toEqual(now.map(({ pid }) => pid).toSorted());
      expect((await report("www")).state).toBe("ready");
    });

    it("all killed at once: who connects meanwhile waits and is served", async () => {
      dir.write("app.mjs", APP);
      await start(THREE);
      const first = await pidsOf("www");
      for (const pid of first) process.kill(pid, "SIGKILL");
      await eventually(() => !first.some(isRunning));
      const replies = await Promise.all(Array.from({ length: 8 }, () => get({ path: at("www.sock") })));
      for (const reply of replies) expect(first).not.toContain(Number(reply.split(" ")[0]));
      await eventually(async () => (await pidsOf("www")).length === 3);
    });
  });

  describe("can be reached", () => {
    const HELLO = `export default () => new Response("hello");`;
    const common = `app = "./app.mjs"\nthreads = 1\nallow_root = true\n`;

    /** What connecting as this user and group ends with. */
    function connectAs(uid: number, gid: number, path: string): string {
      const program = `const socket = require("node:net").connect(process.argv[1]);
        socket.on("connect", () => { console.log("connected"); socket.destroy(); });
        socket.on("error", ({ code }) => console.log(code));`;
      const identity = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
      const args = [...identity, process.execPath, "-e", program, path];
      return execFileSync("setpriv", args, { encoding: "utf8", cwd: "/", timeout: 15_000 }).trim();
    }

    itAsRoot("over a unix socket by its owner, its group, and nobody else", async () => {
      dir.write("app.mjs", HELLO);
      await start(
        `[pools.www]\nlisten = "./www.sock"\nlisten_owner = "${WEB}"\nlisten_group = "${ALPHA}"\n${common}` +
          `[pools.mine]\nlisten = "./mine.sock"\nlisten_owner = "${WEB}"\nlisten_mode = "0600"\n${common}`,
      );
      expect(statSync(at("www.sock"))).toMatchObject({ uid: WEB, gid: ALPHA });
      expect(statSync(at("www.sock")).mode & 0o777).toBe(0o660);
      const sockets = ["www.sock", "mine.sock"].map((name) => at(name));
      const tried = [
        [WEB, WEB],
        [STRANGER, ALPHA],
        [STRANGER, STRANGER],
      ].map(([uid = 0, gid = 0]) => sockets.map((path) => connectAs(uid, gid, path)));
      expect(tried).toEqual([
        ["connected", "connected"],
        ["connected", "EACCES"],
        ["EACCES", "EACCES"],
      ]);
    });

    itWithIpv6("over TCP by allowed clients only, of either family", async () => {
      dir.write("app.mjs", HELLO);
      const pool = (name: string, listen: string, clients: string): string =>
        `[pools.${name}]\nlisten = "${listen}"\nallowed_clients = [${clients}]\n${common}`;
      await start(
        pool("four", "127.0.0.1:0", '"127.0.0.2", "127.0.9.0/24"') +
          pool("six", "[::1]:0", '"::1"') +
          pool("other", "[::1]:0", '"2001:db8::/32", "127.0.0.1"') +
          pool("both", "[::]:0", '"127.0.0.0/30"'),
      );
      const tries = async (name: string, host: string, localAddress?: string): Promise<string> => {
        const port = Number(/:(\d+)$/.exec((await report(name)).listen)?.[1]);
        const address = { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
        return get(address).catch((error: Error) => error.message);
      };
      const closed = expect.stringMatching(/closed/);
      expect(await tries("four", "127.0.0.1")).toEqual(closed);
      expect(await tries("four", "127.0.0.1", "127.0.0.2")).toBe("hello");
      expect(await tries("four", "127.0.0.1", "127.0.9.77")).toBe("hello");
      expect(await tries("four", "127.0.0.1", "127.0.8.77")).toEqual(closed);
      expect(await tries("six", "::1")).toBe("hello");
      expect(await tries("other", "::1")).toEqual(closed);
      // A socket of both families sees an IPv4 address in IPv6's clothes.
      expect(await tries("both", "127.0.0.1", "127.0.0.3")).toBe("hello");
      expect(await tries("both", "127.0.0.1", "127.0.0.5")).toEqual(closed);
      expect(await tries("both", "::1")).toEqual(closed);
    });
  });

  itAsRoot("is refused with a user id that setpriv would take for root's", () => {
    // The premise: 2^32 becomes 0. Where it does not, the check costs nothing.
    const args = [`--reuid=${2 ** 32}`, "--clear-groups", "--", "id", "-u"];
    const { stdout } = spawnSync("setpriv", args, { encoding: "utf8", timeout: 5000 });
    expect(["0\n", ""]).toContain(stdout);
    dir.write("app.mjs", "");
    const config = writeConfig(`[pools.www]\nlisten = "./s"\napp = "./app.mjs"\nuser = "${2 ** 32}"\n`);
    return expect(launch(["start", "-c", config]).finished).resolves.toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/holdfast\.toml:\d+: pools\.www\.user: a number must be at most/),
    });
  });
});
