// kind = "cgi": CGI programs run unchanged, Node scripts in a persistent worker and others as children.

import { chmodSync, cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeStdin, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import { describeWithApache } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import type { ClientReply } from "../support/fastcgi-client.ts";
import { type Ask, ask } from "../support/http.ts";
import { paramsOf, type RunningPool, startedPools, type startPool } from "../support/pool.ts";
import { processesWith } from "../support/processes.ts";
import { type Started, startedPrograms } from "../support/started.ts";

const FIXTURES = fileURLToPath(new URL("../../../test/fixtures/cgi", import.meta.url));
const PLAIN = `console.log("Content-Type: text/plain\\n");`;

describe("a CGI script in a worker", () => {
  const startOne = startedPools();

  const start = async (
    files: Readonly<Record<string, string>>,
    options: Parameters<typeof startPool>[1] = {},
  ): Promise<RunningPool> => {
    const pool = await startOne(files, { kind: "cgi", threads: 1, ...options });
    for (const name of Object.keys(files)) {
      if (/\.(?:sh|cgi|bin)$/.test(name)) chmodSync(join(pool.dir.path, "root", name), 0o755);
    }
    return pool;
  };

  const post = async (pool: RunningPool, uri: string, body: string | Buffer): Promise<ClientReply> => {
    const client = await pool.connect(15_000);
    const bytes = Buffer.from(body);
    return client.request({
      params: { ...paramsOf(uri), REQUEST_METHOD: "POST", CONTENT_LENGTH: String(bytes.length) },
      body: bytes,
    });
  };

  it("has globals, modules and an environment of its own in each run; its packages are loaded once", async () => {
    const pool = await start({
      "a.js": `${PLAIN} globalThis.seen = (globalThis.seen || 0) + 1; Array.prototype.mine = 1;
        console.log(seen, require("./own").count(), require("shared").count(), process.env.QUERY_STRING, process.env.EXTRA);
        process.env.EXTRA = "left behind";`,
      "own.js": `let n = 0; exports.count = () => ++n;`,
      "b.mjs": `${PLAIN} import { count } from "./own.js"; import shared from "shared"; const { x } = await import("./c.mjs");
        console.log(typeof seen, Array.prototype.mine, count(), shared.count(), x, import.meta.filename.endsWith("b.mjs"));`,
      "c.mjs": `import { y } from "./d.mjs"; export const x = "x" + y(); export function back() {}`,
      "d.mjs": `import { back } from "./c.mjs"; export const y = () => typeof back;`,
      "node_modules/shared/index.js": `let n = 0; exports.count = () => ++n;`,
    });
    expect(await pool.text("/a.js?one")).toBe("1 1 1 one undefined\n");
    expect(await pool.text("/a.js?two")).toBe("1 1 2 two undefined\n");
    expect(await pool.text("/b.mjs")).toBe("undefined undefined 1 3 xfunction true\n");
  });

  it("runs beside others without seeing anything of theirs", async () => {
    const pool = await start({
      "slow.js": `${PLAIN} const mine = process.env.QUERY_STRING;
        process.stdout.write(mine + " ");
        setTimeout(() => { process.stdout.write(process.env.QUERY_STRING + " " + require("asks")()); process.exit(); }, 20 + Math.random() * 60);`,
      "node_modules/asks/index.js": `module.exports = () => process.env.QUERY_STRING;`,
    });
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`);
    const replies = await Promise.all(names.map((name) => pool.text(`/slow.js?${name}`)));
    expect(replies).toEqual(names.map((name) => `${name} ${name} ${name}`));
  });

  it("ends by process.exit, which ends nothing else, or when nothing is left to wait for", async () => {
    const pool = await start({
      "exit.js": `${PLAIN} process.on("exit", (code) => console.log("code", code)); setTimeout(() => console.log("never"), 50);
        try { process.exit(3); } finally { console.log("never"); } console.log("never");`,
      "later.js": `${PLAIN} setTimeout(() => { console.log("later"); process.exit(0); }, 20); setInterval(() => {}, 5);`,
      "falls.js": `${PLAIN} require("fs").readFile(__filename, () => setImmediate(async () => { await null; console.log("read"); }));`,
      "code.js": `process.exitCode = 4; ${PLAIN} process.once("beforeExit", () => setTimeout(() => console.log("one more"), 5));`,
    });
    expect(await pool.text("/exit.js")).toBe("code 3\n");
    expect(await pool.text("/later.js")).toBe("later\n");
    expect(await pool.text("/falls.js")).toBe("read\n");
    expect(await pool.text("/code.js")).toBe("one more\n");
    await eventually(() => pool.lines.some(({ msg }) => msg === "code.js ended with exit code 4"));
    expect(pool.pool.status()).toMatchObject({ workersLost: 0, failed: 0 });
  });

  it("that fails costs its request a 500 that the log explains, and nothing else, however it fails", async () => {
    const pool = await start({
      "throws.js": `const a = 1;\nthrow new TypeError("at once");`,
      "later.js": `setTimeout(() => { throw new Error("in a timer"); }, 5);`,
      "rejects.mjs": `await null;\nPromise.reject(new Error("rejected"));`,
      "headless.js": `console.log("hello");`,
      "typed.ts": `import { readFileSync } from "node:fs";\ninterface A { b: string }\n\nconst read = (a: A): string => {\n  throw new Error("typed " + a.b);\n};\nread({ b: "x" });`,
      "silent.js": "",
      "syntax.js": "const a = ;",
    });
    const explained: [string, RegExp][] = [
      ["throws.js", /at once[\s\S]*throws\.js:2/],
      ["later.js", /in a timer[\s\S]*later\.js:1/],
      ["rejects.mjs", /rejected[\s\S]*rejects\.mjs:2/],
      ["headless.js", /headless\.js ended without a whole header block; it printed \\"hello/],
      ["typed.ts", /typed x[\s\S]*typed\.ts:5[\s\S]*typed\.ts:7/],
      ["silent.js", /silent\.js ended without a whole header block; it printed nothing/],
      ["syntax.js", /syntax\.js/],
    ];
    for (const [name, line] of explained) {
      expect([name, (await pool.get(`/${name}`)).status]).toEqual([name, 500]);
      await eventually(() => pool.lines.some((each) => each.uri === `/${name}` && line.test(JSON.stringify(each))));
    }
    expect(pool.pool.status().workersLost).toBe(0);
    expect(pool.pool.status().workers.map(({ worker }) => worker)).toEqual([1]);
  });

  it("streams both ways, no faster than it is read", async () => {
    const pool = await start({
      "echo.js": `process.stdout.write("Content-Type: application/octet-stream\\n\\n"); process.stdin.pipe(process.stdout);`,
      "endless.js": `${PLAIN} let n = 0; const go = () => { while (process.stdout.write("x".repeat(65536))) n++; };
        process.stdout.on("drain", go); process.stdout.on("close", () => console.error("closed")); go();`,
    });
    const body = Buffer.alloc(5 * 1024 * 1024, "abc");
    expect((await post(pool, "/echo.js", body)).body.equals(body)).toBe(true);
    const client = await pool.connect();
    client.request({ params: paramsOf("/endless.js") }).catch(() => {});
    await eventually(() => client.events.some(({ kind }) => kind === "stdout"));
    await client.close();
    await eventually(() => pool.lines.some(({ msg }) => msg === "closed"));
  });

  it("gets 504 when it does not end within request.timeout, and its worker stays", async () => {
    const pool = await start(
      { "waits.js": "setTimeout(() => {}, 60000);", "ok.js": PLAIN },
      { request: { timeout: "2s", grace: "100ms" } },
    );
    expect((await pool.get("/waits.js")).status).toBe(504);
    expect((await pool.get("/ok.js")).status).toBe(200);
    expect(pool.pool.status().workersLost).toBe(0);
  });

  it("answers as `app` for everything below its mount: SCRIPT_NAME and PATH_INFO say where", async () => {
    const pool = await start(
      {
        "app.js": `${PLAIN} console.log(process.env.SCRIPT_NAME, process.env.PATH_INFO, process.env.SCRIPT_FILENAME === __filename);`,
      },
      { root: undefined, app: "root/app.js", mount: "/old" },
    );
    expect(await pool.text("/old/a%20b/c?d")).toBe("/old /a b/c true\n");
    expect(await pool.text("/old")).toBe("/old undefined true\n");
  });

  it("is what its file says now: a saved script runs with the next request", async () => {
    const pool = await start({ "page.js": `${PLAIN} console.log("one");` });
    expect(await pool.text("/page.js")).toBe("one\n");
    pool.dir.write("root/page.js", `${PLAIN} console.log("two, longer");`);
    await eventually(async () => (await pool.text("/page.js")) === "two, longer\n");
  });

  it("never runs what is no program, and never leaves the root", async () => {
    const pool = await start({
      "data.txt": "x",
      plain: "not executable",
      "_own.js": PLAIN,
      ".hidden.js": PLAIN,
      "page.html": "<p>",
    });
    chmodSync(join(pool.dir.path, "root/page.html"), 0o755);
    for (const uri of ["/data.txt", "/plain", "/_own.js", "/.hidden.js", "/page.html", "/../x.js", "/a%2fb.js"]) {
      expect([uri, (await pool.get(uri)).status]).toEqual([uri, 404]);
    }
  });

  it("runs as it does in a worker that is a process, too", async () => {
    const pool = await start(
      { "a.mjs": `${PLAIN} import { pid } from "node:process"; console.log(pid);` },
      { isolation: "process" },
    );
    expect(Number(await pool.text("/a.mjs"))).toBe(pool.pool.status().workers[0]?.pid);
  });

  describe("any other program", () => {
    it("is a child with the request's environment and body, in its own folder; its errors go to the log", async () => {
      const pool = await start({
        "sub/a.sh": `#!/bin/sh\nprintf 'Status: 201 Made\\nContent-Type: text/plain\\n\\n'; echo "$QUERY_STRING $PATH_INFO $SCRIPT_NAME \${PWD##*/} $HTTP_PROXY$#"; cat; echo oops >&2; exit 3\n`,
      });
      const client = await pool.connect();
      const params = {
        ...paramsOf("/sub/a.sh/more?a+b"),
        REQUEST_METHOD: "POST",
        CONTENT_LENGTH: "4",
        HTTP_PROXY: "evil",
      };
      const reply = await client.request({ params, body: Buffer.from("body") });
      expect([reply.status, reply.body.toString()]).toEqual([201, "a+b /more /sub/a.sh sub 0\nbody"]);
      await eventually(() => pool.lines.some(({ msg, script }) => msg === "oops" && script === "a.sh"));
      await eventually(() => pool.lines.some(({ msg }) => String(msg).endsWith("ended with exit code 3")));
    });

    it("is killed, and what it started with it, when its client leaves or its time is over", async () => {
      const pool = await start(
        {
          "waits.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nbegun'; sleep 600 & sleep 600\n`,
          "late.sh": "#!/bin/sh\nsleep 600\n",
        },
        { request: { timeout: "1s", grace: "100ms" } },
      );
      const mark = `QUERY_STRING=leaver${process.pid}`;
      const client = await pool.connect();
      client.request({ params: paramsOf(`/waits.sh?leaver${process.pid}`) }).catch(() => {});
      await eventually(() => client.events.some(({ kind }) => kind === "stdout"));
      expect(processesWith(mark).length).toBeGreaterThanOrEqual(2);
      await client.close();
      await eventually(() => processesWith(mark).length === 0);
      expect((await pool.get(`/late.sh?leaver${process.pid}`)).status).toBe(504);
      await eventually(() => processesWith(mark).length === 0);
    });

    it("runs with no more others than cgi.children allow, and prints no more than cgi.output_limit", async () => {
      const pool = await start(
        {
          "one.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; mkdir "$PWD/lock" || echo "not alone"; sleep 0.05; rmdir "$PWD/lock"; echo ok\n`,
          "much.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; sleep 0.05; while :; do echo 0123456789; done\n`,
        },
        { cgi: { children: 1, output_limit: "64KiB" } },
      );
      expect(await Promise.all(Array.from({ length: 4 }, () => pool.text("/one.sh")))).toEqual(Array(4).fill("ok\n"));
      const client = await pool.connect();
      await expect(client.request({ params: paramsOf("/much.sh") })).rejects.toThrow("closed");
      await eventually(() => pool.lines.some((line) => JSON.stringify(line).includes("cgi.output_limit")));
    });

    it("has replied once it closes its output; what goes on is ended by request.timeout", async () => {
      const pool = await start(
        { "on.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nall'; exec >&-; exec sleep 600\n` },
        { request: { timeout: "2s", grace: "100ms" } },
      );
      const mark = `QUERY_STRING=goes-on${process.pid}`;
      expect(await pool.text(`/on.sh?goes-on${process.pid}`)).toBe("all");
      expect(processesWith(mark)).toHaveLength(1);
      await eventually(() => processesWith(mark).length === 0);
    });

    it("is not started, and keeps nobody waiting, while its body comes slowly", async () => {
      const pool = await start(
        { "cat.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; cat\n` },
        { cgi: { children: 1 } },
      );
      const slow = await pool.connect();
      slow.begin({ params: { ...paramsOf("/cat.sh"), REQUEST_METHOD: "POST", CONTENT_LENGTH: "4" } });
      slow.send(encodeStdin(1, Buffer.from("sl")));
      await eventually(() => pool.pool.status().workers[0]?.open === 1);
      expect((await post(pool, "/cat.sh", "fast")).body.toString()).toBe("fast");
      slow.send(Buffer.concat([encodeStdin(1, Buffer.from("ow")), encodeStdinEnd(1)]));
      expect((await slow.reply()).body.toString()).toBe("slow");
    });

    it("that is ended by a signal, cannot be started or says nothing costs a 500", async () => {
      const pool = await start({
        "killed.sh": "#!/bin/sh\nkill -9 $$\n",
        "broken.sh": "#!/no/such/interpreter\n",
        "silent.sh": "#!/bin/sh\n",
      });
      for (const name of ["killed.sh", "broken.sh", "silent.sh"]) {
        expect([name, (await pool.get(`/${name}`)).status]).toEqual([name, 500]);
      }
      expect(pool.pool.status().workersLost).toBe(0);
    });

    it("that is a Node script by its first line runs in the worker", async () => {
      const pool = await start({
        "node.cgi": `#!/usr/bin/env node\n${PLAIN} console.log(require("worker_threads").isMainThread);`,
      });
      expect(await pool.text("/node.cgi")).toBe("false\n");
    });
  });
});

/** Has it run the programs of its folder `cgi`. */
function runsPrograms(holdfast: Started, pool: string): void {
  const scripts = join(holdfast.dir.path, "cgi");
  for (const name of readdirSync(scripts)) chmodSync(join(scripts, name), 0o755);
  holdfast.configure({ pool: `kind = "cgi"\n${pool}` });
  const written = readFileSync(holdfast.config, "utf8");
  holdfast.dir.write("holdfast.toml", written.replace(/^app = .*$/m, 'root = "./cgi"'));
}

describe("a program whose worker is lost", () => {
  const program = startedPrograms();

  it("is killed, and what it started with it", async () => {
    const holdfast = program();
    holdfast.dir.write("cgi/spin.js", "for (;;);");
    holdfast.dir.write(
      "cgi/waits.sh",
      "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nbegun'; sleep 600 & exec sleep 600\n",
    );
    runsPrograms(holdfast, '[pools.www.request]\ntimeout = "2s"\ngrace = "100ms"');
    const launched = await holdfast.start();
    const client = await holdfast.connect();
    client.request({ params: paramsOf(`/waits.sh?left${process.pid}`) }).catch(() => {});
    await client.event(({ kind }) => kind === "stdout");
    const mark = `QUERY_STRING=left${process.pid}`;
    expect(processesWith(mark)).toHaveLength(2);
    expect((await holdfast.get("/spin.js")).status).toBeGreaterThanOrEqual(502);
    await eventually(() => processesWith(mark).length === 0);
    await client.close();
    launched.signal("SIGTERM");
    await launched.gone;
  }, 30_000);
});

describeWithApache("the same programs under mod_cgid and under Holdfast", () => {
  const program = startedPrograms();
  const REQUESTS: readonly (readonly [path: string, options?: Ask])[] = [
    ["/variables.js?a=b%20c&d"],
    ["/variables.js/path%20info/x?q=", { headers: { "X-Foo-Bar": "1", Cookie: "c=d", Proxy: "evil" } }],
    ["/variables.js", { method: "POST", body: "some body", headers: { "Content-Type": "text/plain" } }],
    ["/status.js?status=404%20Nowhere"],
    ["/status.js?status=201%20Created", { method: "POST", body: "shout" }],
    ["/status.js?location=http://example.org/x"],
    ["/module.mjs?q"],
    ["/shell.sh/info?q", { method: "POST", body: "posted" }],
    ["/hello.pl/p"],
    ["/missing.js"],
  ];

  it("answer alike", async () => {
    const holdfast = program();
    const scripts = join(holdfast.dir.path, "cgi");
    cpSync(FIXTURES, scripts, { recursive: true });
    runsPrograms(holdfast, `mount = "/cgi"`);
    await holdfast.start();
    const apache = await holdfast.behindApache([
      "LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so",
      `ScriptSock ${holdfast.dir.path}/cgid.sock`,
      `ScriptAlias /plain/ ${scripts}/`,
      `<Directory "${scripts}">`,
      "Require all granted",
      "</Directory>",
    ]);
    try {
      for (const [path, options] of REQUESTS) {
        const [theirs, ours] = [
          await ask(apache.url, `/plain${path}`, options),
          await ask(apache.url, `/cgi${path}`, options),
        ];
        expect([path, shown(ours)]).toEqual([path, shown(theirs)]);
      }
    } finally {
      await apache.stop();
    }
  }, 60_000);

  function shown({ status, headers, text }: Awaited<ReturnType<typeof ask>>): unknown {
    const { "content-type": type, "x-custom": custom, "set-cookie": cookies, location } = headers;
    // Of what no program answered each server has a page of its own.
    if (status === 302 || text.includes("<html") || text === "Not Found\n") return { status, location };
    return { status, type, custom, cookies, location, body: text.replaceAll("/plain", "/cgi") };
  }
});
