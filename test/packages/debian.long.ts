// The Debian package, installed: in a fresh Debian 12 in a folder it serves, behind that Debian's Apache
// too, reopens its logs, drains, and goes without leaving anything. Needs root and debootstrap, and
// Debian's mirror once; the fresh Debian is kept in the temporary folder for the next time.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { debianPackage } from "../../scripts/deb/package.ts";
import { buildPackage } from "../../scripts/deb.ts";
import { freePorts } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi } from "../support/fastcgi-client.ts";
import { ask } from "../support/http.ts";
import { CHECKOUT } from "../support/installed.ts";
import { descendantsOf, isRunning } from "../support/processes.ts";
import { skip } from "../support/skip.ts";

const SUITE = "bookworm";
/** What the package depends on or suggests, and what looks into it. */
const INCLUDED = ["adduser", "libatomic1", "libstdc++6", "apache2", "logrotate", "lintian", "tini"] as const;
const DEBOOTSTRAP_DEADLINE_MS = 1_200_000;
const COMMAND_DEADLINE_MS = 120_000;
/** More than a supervisor's stop_timeout. */
const END_DEADLINE_MS = 40_000;
const BASE = join(tmpdir(), `holdfast-test-${SUITE}-${process.arch}.tar`);

const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };

const missing =
  process.getuid?.() !== 0
    ? "only root can enter another Debian"
    : existsSync("/usr/sbin/debootstrap")
      ? undefined
      : "there is no debootstrap (apt-get install debootstrap)";

/** Fetched once; a run that was interrupted leaves nothing that looks complete. */
function base(): string {
  if (existsSync(BASE)) return BASE;
  const folder = mkdtempSync(join(tmpdir(), "holdfast-test-debootstrap-"));
  try {
    const root = join(folder, "root");
    const fetch = (program: string, ...args: readonly string[]) =>
      execFileSync(program, args, {
        stdio: ["ignore", "ignore", "inherit"],
        timeout: DEBOOTSTRAP_DEADLINE_MS,
        env: ENVIRONMENT,
      });
    fetch("debootstrap", "--variant=minbase", SUITE, root);
    // debootstrap itself finds no dependencies that several packages provide.
    fetch("chroot", root, "apt-get", "update", "-qq");
    fetch("chroot", root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", ...INCLUDED);
    fetch("chroot", root, "apt-get", "clean");
    const tar = join(folder, "base.tar");
    execFileSync("tar", ["-C", root, "-cf", tar, "."], { timeout: COMMAND_DEADLINE_MS });
    renameSync(tar, BASE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return BASE;
}

const OTHERS =
  /^(?:proc|sys|dev|tmp|root)\/|^var\/(?:lib|log|cache)\/(?:dpkg|apt|ldconfig|man|apache2|logrotate)|^run\/(?:lock\/)?apache2|^etc\/[^/]+-$|^run\/adduser$/;

/** A Debian in a folder. What runs in it has process ids of its own, so that nothing survives it. */
class Chroot {
  readonly root: string;
  readonly #running: ChildProcess[] = [];

  constructor() {
    const tar = base();
    this.root = mkdtempSync(join(tmpdir(), "holdfast-test-chroot-"));
    execFileSync("tar", ["-C", this.root, "-xf", tar], { timeout: COMMAND_DEADLINE_MS });
  }

  path(inside: string): string {
    return join(this.root, inside);
  }

  /** Standard output and error; throws when it fails. */
  sh(script: string): string {
    const [program, ...args] = this.#command("sh", "-ec", `exec 2>&1\n${script}`);
    return execFileSync(program, args, { encoding: "utf8", timeout: COMMAND_DEADLINE_MS, env: ENVIRONMENT, cwd: "/" });
  }

  /** A program that goes on; it is process 1 of its own. */
  start(...argv: readonly [string, ...string[]]): Started {
    const [program, ...args] = this.#command(...argv);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT, cwd: "/" });
    this.#running.push(child);
    return new Started(child);
  }

  /** Every file, but for what others write down whenever a package is installed or they are started. */
  files(): readonly string[] {
    return readdirSync(this.root, { recursive: true, encoding: "utf8" })
      .filter((path) => (path.includes("holdfast") ? !/^(?:root|tmp)\//.test(path) : !OTHERS.test(path)))
      .toSorted();
  }

  async remove(): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }
    }
    rmSync(this.root, { recursive: true, force: true });
  }

  #command(...argv: readonly string[]): [string, ...string[]] {
    const spaces = ["--mount", "--pid", "--fork", "--kill-child", `--mount-proc=${this.path("proc")}`];
    return ["unshare", ...spaces, "chroot", this.root, ...argv];
  }
}

class Started {
  readonly #child: ChildProcess;
  output = "";
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#ended = once(child, "close");
  }

  /** The program itself, below `unshare`. */
  get pid(): number {
    return descendantsOf(this.#child.pid ?? 0)[0] ?? 0;
  }

  get descendants(): readonly number[] {
    return descendantsOf(this.pid);
  }

  line(pattern: RegExp): Promise<string> {
    return eventually(() => this.output.split("\n").find((line) => pattern.test(line)), 30_000).catch((cause) => {
      throw new Error(`no line matches ${pattern} in:\n${this.output}`, { cause });
    });
  }

  /** Its exit code; rejects with what it wrote when it does not end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    process.kill(this.pid, signal);
    const hasEnded = this.#ended.then(() => true);
    const tooLate = delay(END_DEADLINE_MS, false, { ref: false });
    if (await Promise.race([hasEnded, tooLate])) return this.#child.exitCode;
    throw new Error(`it did not end within ${END_DEADLINE_MS} ms of ${signal}:\n${this.output}`);
  }
}

const SITE = `[pools.site]
listen = "/run/holdfast/site.sock"
user = "www-data"
root = "/srv/site"
threads = 1
access_log = "/var/log/holdfast/site.access.log"
`;

/** Leaves a process behind that ends by itself, as a careless app does. */
const ORPHAN = `import { spawn } from "node:child_process";
export const GET = async () => {
  const shell = spawn("sh", ["-c", "sleep 0.1 & exit 0"], { stdio: "ignore" });
  await new Promise((resolve) => shell.once("exit", resolve));
  return new Response("left");
};
`;

const params = (url: string) => ({
  REQUEST_METHOD: "GET",
  REQUEST_URI: url,
  SCRIPT_NAME: url,
  SERVER_PROTOCOL: "HTTP/1.1",
});

(missing === undefined ? describe : (title: string, body: () => void) => skip(title, missing, body))(
  "the Debian package in a fresh Debian 12",
  () => {
    let debian: Chroot;
    let before: readonly string[];

    beforeAll(
      () => {
        debian = new Chroot();
        const date = new Date();
        const built = debianPackage(CHECKOUT, { date, maintainer: "Holdfast <holdfast@localhost>" });
        const file = buildPackage(built, debian.path("root"), date, "gzip");
        renameSync(file, debian.path("root/holdfast.deb"));
        before = debian.files();
      },
      DEBOOTSTRAP_DEADLINE_MS + 2 * COMMAND_DEADLINE_MS,
    );
    afterAll(() => debian?.remove());

    const request = async (socket: string, url: string) => {
      const client = await connectFastCgi({ path: debian.path(socket) }, { timeoutMs: 10_000 });
      try {
        const { status, body } = await client.request({ params: params(url) });
        return { status, body: body.toString() };
      } finally {
        await client.close();
      }
    };

    it("has nothing that lintian finds wrong", () => {
      expect(debian.sh("lintian --allow-root --fail-on none /root/holdfast.deb")).toBe("");
    });

    it("installs, with a user of its own, a folder for sockets and an enabled unit", () => {
      debian.sh("dpkg -i /root/holdfast.deb");
      expect(debian.sh("holdfast --version")).toMatch(/^\d+\.\d+\.\d+\n$/);
      expect(debian.sh("holdfast check")).toBe("/etc/holdfast/holdfast.toml and 1 included: 1 pool, no mistakes\n");
      expect(debian.sh("stat -c '%U:%G %a' /run/holdfast /var/lib/holdfast /var/log/holdfast")).toBe(
        "root:root 755\nholdfast:holdfast 750\nroot:adm 750\n",
      );
      expect(
        debian.sh(
          "deb-systemd-helper is-enabled holdfast.service || true; ls /etc/systemd/system/multi-user.target.wants",
        ),
      ).toContain("holdfast.service");
      expect(debian.sh("bash -n /usr/share/bash-completion/completions/holdfast")).toBe("");
    });

    it("answers FastCGI requests, drains at TERM and leaves no socket", async () => {
      const holdfast = debian.start("holdfast", "start");
      await holdfast.line(/"serving"/);
      expect(await request("run/holdfast/www.sock", "/holdfast/")).toMatchObject({
        status: 200,
        body: expect.stringContaining("<h1>Holdfast works</h1>"),
      });
      const family = holdfast.descendants;
      expect(await holdfast.end("SIGTERM")).toBe(0);
      expect(family.filter(isRunning)).toEqual([]);
      expect(readdirSync(debian.path("run/holdfast"))).toEqual([]);
    });

    describe("with a pool of the administrator's", () => {
      beforeAll(() => {
        writeFileSync(debian.path("etc/holdfast/pool.d/site.toml"), SITE);
        mkdirSync(debian.path("srv/site"), { recursive: true });
        writeFileSync(
          debian.path("srv/site/slow.ts"),
          "export default async () => { await new Promise((done) => setTimeout(done, 1000)); return new Response('whole'); };\n",
        );
        writeFileSync(debian.path("srv/site/orphan.ts"), ORPHAN);
      });
      afterAll(() => {
        rmSync(debian.path("etc/holdfast/pool.d/site.toml"));
        rmSync(debian.path("srv/site"), { recursive: true });
      });

      it("finishes what is open at TERM, and logrotate has it open its log anew", async () => {
        const holdfast = debian.start("holdfast", "start");
        await holdfast.line(/"serving"/);
        const client = await connectFastCgi({ path: debian.path("run/holdfast/site.sock") }, { timeoutMs: 10_000 });
        await client.request({ params: params("/orphan") });
        // In the same process space, as root's cron would: the supervisor's.
        const inside = ["--pid", "--mount", `--target=${holdfast.pid}`, "chroot", debian.root];
        execFileSync("nsenter", [...inside, "logrotate", "--force", "/etc/logrotate.d/holdfast"], {
          timeout: COMMAND_DEADLINE_MS,
          env: ENVIRONMENT,
        });
        await holdfast.line(/"logs reopened"/);
        const slow = client.request({ params: params("/slow") });
        await eventually(() =>
          debian.sh("holdfast status --json --control /run/holdfast/control.sock").includes('"open": 1'),
        );
        const ended = holdfast.end("SIGTERM");
        expect(await slow).toMatchObject({ status: 200, body: Buffer.from("whole") });
        await client.close();
        expect(await ended).toBe(0);
        expect(readFileSync(debian.path("var/log/holdfast/site.access.log.1"), "utf8")).toMatch(/\/orphan/);
        expect(readFileSync(debian.path("var/log/holdfast/site.access.log"), "utf8")).toMatch(/\/slow/);
      });

      it("leaves the collecting of orphans to process 1: tini does it, a bare Holdfast does not", async () => {
        const zombies = async (...argv: readonly [string, ...string[]]): Promise<number> => {
          const holdfast = debian.start(...argv);
          await holdfast.line(/"serving"/);
          const client = await connectFastCgi({ path: debian.path("run/holdfast/site.sock") });
          for (let count = 0; count < 3; count++) await client.request({ params: params("/orphan") });
          await client.close();
          const asleep = () =>
            namesOf(holdfast.descendants).filter(({ name, state }) => name === "sleep" && state !== "Z");
          await eventually(() => asleep().length === 0);
          const left = namesOf(holdfast.descendants).filter(({ state }) => state === "Z").length;
          expect(await holdfast.end("SIGTERM")).toBe(0);
          return left;
        };
        expect(await zombies("tini", "--", "holdfast", "start")).toBe(0);
        expect(await zombies("holdfast", "start")).toBe(3);
      });
    });

    it("is reached through Debian's Apache after a2enconf", async () => {
      const [port = 0] = await freePorts(1);
      writeFileSync(debian.path("etc/apache2/ports.conf"), `Listen 127.0.0.1:${port}\nServerName localhost\n`);
      debian.sh("a2enmod -q proxy_fcgi && a2enconf -q holdfast && apache2ctl configtest");
      const holdfast = debian.start("holdfast", "start");
      await holdfast.line(/"serving"/);
      const apache = debian.start("sh", "-c", ". /etc/apache2/envvars; exec apache2 -D FOREGROUND");
      const url = `http://127.0.0.1:${port}`;
      await eventually(
        () =>
          ask(url, "/holdfast/").then(
            ({ status }) => status === 200,
            () => false,
          ),
        10_000,
      );
      expect((await ask(url, "/holdfast/")).text).toContain("<h1>Holdfast works</h1>");
      expect((await ask(url, "/holdfast/index.ts")).text).toContain("<h1>Holdfast works</h1>");
      expect((await ask(url, "/holdfast/none")).status).toBe(404);
      // The rest of the site is Apache's as before.
      expect((await ask(url, "/")).text).toContain("Apache2 Debian Default Page");
      expect(await apache.end("SIGTERM")).toBe(0);
      expect(await holdfast.end("SIGTERM")).toBe(0);
    });

    it("keeps what an administrator has changed when it is installed again", () => {
      const changed = `${readFileSync(debian.path("etc/holdfast/pool.d/www.toml"), "utf8")}concurrency = 8\n`;
      writeFileSync(debian.path("etc/holdfast/pool.d/www.toml"), changed);
      debian.sh("dpkg -i /root/holdfast.deb");
      expect(readFileSync(debian.path("etc/holdfast/pool.d/www.toml"), "utf8")).toBe(changed);
    });

    it("keeps the configuration when it is removed, and takes it out of Apache", () => {
      debian.sh("dpkg -r holdfast");
      expect(existsSync(debian.path("usr/lib/holdfast"))).toBe(false);
      expect(existsSync(debian.path("usr/bin/holdfast"))).toBe(false);
      expect(existsSync(debian.path("run/holdfast"))).toBe(false);
      expect(existsSync(debian.path("etc/holdfast/pool.d/www.toml"))).toBe(true);
      expect(existsSync(debian.path("etc/apache2/conf-enabled/holdfast.conf"))).toBe(false);
    });

    it("leaves nothing when it is purged", () => {
      debian.sh("dpkg -P holdfast; a2dismod -q -f proxy_fcgi proxy");
      const after = debian.files();
      expect(after.filter((path) => !before.includes(path))).toEqual([]);
      expect(before.filter((path) => !after.includes(path))).toEqual([]);
      expect(debian.sh("getent passwd holdfast || getent group holdfast || echo nobody")).toBe("nobody\n");
    });
  },
);

function namesOf(pids: readonly number[]): readonly { readonly name: string; readonly state: string }[] {
  return pids.flatMap((pid) => {
    try {
      const [, name = "", state = ""] = /\((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return [{ name, state }];
    } catch {
      return []; // It has gone meanwhile.
    }
  });
}
