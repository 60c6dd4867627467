// Everything at once: a client, Apache, a supervisor, a pool and its workers; every way of mounting,
// with and without kept connections, over both kinds of socket.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { resolveConfig } from "../../src/config/load.ts";
import type { PoolConfig } from "../../src/config/schema.ts";
import { renderApache } from "../../src/deploy/apache.ts";
import { section } from "../../src/deploy/directives.ts";
import { type RunningSupervisor, startSupervisor } from "../../src/supervisor/main.ts";
import { createLog } from "../../src/telemetry/log.ts";
import {
  describeWithApache,
  freePorts,
  openFolder,
  removeFolders,
  startTestApache,
  type TestApache,
} from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, type Ask, ask as askAt, askHead } from "../support/http.ts";

const ROOT = fileURLToPath(new URL("../../../test/fixtures/stack", import.meta.url));
const MOUNTS = ["SetHandler", "ProxyPass"] as const;
const SITES = (["unix", "tcp"] as const).flatMap((socket) =>
  MOUNTS.flatMap((mount) => [true, false].map((reuse) => ({ socket, mount, reuse }))),
);
const MIB = 1024 * 1024;

let folder: string;
let apache: TestApache;
let supervisor: RunningSupervisor;
let ports: readonly number[];
let narrowPort: number;
const logged: string[] = [];

function rendered(pool: PoolConfig, { mount, reuse }: { mount: (typeof MOUNTS)[number]; reuse: boolean }): string {
  const text = renderApache([pool], { layout: mount === "SetHandler" ? "files" : "prefix" });
  return reuse ? text : text.replace("enablereuse=on", "enablereuse=off");
}

beforeAll(async () => {
  folder = openFolder();
  const common = {
    root: ROOT,
    allow_root: true,
    threads: 2,
    env: { MARKS: folder },
  };
  const { config } = resolveConfig(
    {
      // Handlers fail here on purpose: what the pools say of it is not for the terminal.
      supervisor: { control: "./control.sock", stop_timeout: "5s", log: "./holdfast.log" },
      pools: {
        unix: { ...common, listen: "./unix.sock", listen_mode: "0666" },
        tcp: { ...common, listen: "127.0.0.1:0" },
        narrow: {
          ...common,
          listen: "./narrow.sock",
          listen_mode: "0666",
          threads: 1,
          concurrency: 1,
          queue: { max: 1 },
        },
      },
    },
    folder,
  );
  supervisor = await startSupervisor(config, { log: createLog("json", "info", (line) => logged.push(line)) });
  await supervisor.ready;
  const [...all] = await freePorts(SITES.length + 1);
  narrowPort = all.pop() ?? 0;
  ports = all;
  const poolOf = (name: string): PoolConfig => {
    const pool = config.pools.find((other) => other.name === name);
    const listen = supervisor.addresses.get(name);
    if (pool === undefined || listen === undefined) throw new Error(`no pool ${name}`);
    return { ...pool, listen };
  };
  const hosts = SITES.map((site, index) => ({ port: ports[index], text: rendered(poolOf(site.socket), site) }));
  hosts.push({ port: narrowPort, text: rendered(poolOf("narrow"), { mount: "ProxyPass", reuse: true }) });
  apache = await startTestApache(
    folder,
    hosts.flatMap(({ port, text }) => [
      `Listen 127.0.0.1:${port}`,
      ...section("VirtualHost", `127.0.0.1:${port}`, text),
    ]),
  );
}, 30_000);

afterAll(async () => {
  await apache?.stop();
  await supervisor?.stop("end of tests");
  removeFolders();
});

const mark = (name: string): string => join(folder, name);

describeWithApache("real Apache before a real pool", () => {
  describe.each(SITES)("$mount over $socket, kept connections: $reuse", (site) => {
    const index = SITES.indexOf(site);
    const url = (): string => `http://127.0.0.1:${ports[index]}`;
    const ask = (path: string, options?: Ask): Promise<Answer> => askAt(url(), path, options);
    const isThorough = index === 0 || index === SITES.length - 1;

    it.each([0, 1, 8191, 16_384, 65_535, 65_536, MIB, ...(isThorough ? [64 * MIB] : [])])(
      "passes bodies of %i bytes both ways, byte for byte",
      async (bytes) => {
        const sha256 = digestOf(bytes);
        const headers = { "Content-Length": String(bytes) };
        const up = await ask("/digest.ts", { method: "POST", headers, body: streamOf(bytes) });
        expect(JSON.parse(up.text)).toEqual({ bytes, sha256, announced: String(bytes) });
        const down = await ask(`/bytes.ts?bytes=${bytes}`);
        expect(down.headers["content-length"]).toBe(String(bytes));
        expect([down.bytes.length, createHash("sha256").update(down.bytes).digest("hex")]).toEqual([bytes, sha256]);
      },
    );

    it("passes bodies whose length nobody announced", async () => {
      const bytes = 200_000;
      const up = await ask("/digest.ts", { method: "POST", body: streamOf(bytes) });
      expect(JSON.parse(up.text)).toEqual({ bytes, sha256: digestOf(bytes), announced: null });
      const down = await ask(`/bytes.ts?bytes=${bytes}&chunked`);
      expect(down.headers["transfer-encoding"]).toBe("chunked");
      expect(createHash("sha256").update(down.bytes).digest("hex")).toBe(digestOf(bytes));
    });

    it("answers a hundred requests at once, each with its own reply", async () => {
      const paths = Array.from({ length: 100 }, (_, i) => `/kinds.ts?as=echo&i=${i}`);
      const answers = await Promise.all(paths.map((path) => ask(path)));
      expect(answers.map(({ text }) => JSON.parse(text).url)).toEqual(paths.map((path) => url() + path));
    });

    it("passes redirects as they are", async () => {
      expect(await ask("/kinds.ts?as=redirect")).toMatchObject({
        status: 303,
        headers: { location: "/elsewhere?x=1" },
      });
      expect(await ask("/kinds.ts?as=moved")).toMatchObject({
        status: 301,
        headers: { location: "http://other.example/" },
      });
    });

    it("passes several cookies one by one", async () => {
      expect((await ask("/kinds.ts?as=cookies")).headers["set-cookie"]).toEqual([
        "a=1; Path=/",
        "b=2; Expires=Thu, 01 Jan 2032 00:00:00 GMT",
      ]);
    });

    it("passes Authorization to the handler", async () => {
      const { text } = await ask("/kinds.ts", { headers: { Authorization: "Bearer t" } });
      expect(JSON.parse(text)).toMatchObject({ auth: "Bearer t" });
    });

    it("answers HEAD as GET without its body", async () => {
      const get = await ask("/kinds.ts?as=tagged");
      const head = await ask("/kinds.ts?as=tagged", { method: "HEAD" });
      expect([head.status, head.text, head.headers["content-length"]]).toEqual([
        200,
        "",
        get.headers["content-length"],
      ]);
    });

    it("answers 304 when the client has the same ETag", async () => {
      const headers = { "If-None-Match": '"v1"' };
      expect(await ask("/kinds.ts?as=tagged", { headers })).toMatchObject({ status: 304, text: "" });
    });

    it("passes statuses with and without a body", async () => {
      expect(await ask("/kinds.ts?as=empty")).toMatchObject({ status: 204, text: "" });
      expect(await ask("/kinds.ts?as=teapot")).toMatchObject({ status: 418, text: "short and stout" });
    });

    it("answers 500 without internals when a handler throws or returns nothing", async () => {
      for (const as of ["throws", "nothing"]) {
        const { status, text } = await ask(`/kinds.ts?as=${as}`);
        expect(status).toBe(500);
        expect(text).not.toMatch(/mistake|kinds\.ts/);
      }
    });

    it("answers 404 for what is not there and 405 with Allow for a method that is not", async () => {
      expect((await ask("/missing.ts")).status).toBe(404);
      expect((await ask("/missing")).status).toBe(404);
      const refused = await ask("/methods.ts", { method: "PUT", body: "x" });
      expect(refused.status).toBe(405);
      expect(refused.headers.allow).toContain("POST");
    });

    it("finds a handler without its extension, and passes what follows it", async () => {
      const { text } = await ask("/kinds/more?as=echo");
      expect(JSON.parse(text).url).toBe(`${url()}/kinds/more?as=echo`);
    });

    it.each([
      "/kinds.ts%3Fx.ts",
      "/kinds.ts%00",
      "/kinds.ts%00.html",
      "/kinds.ts%2fx",
      "/KINDS.TS",
      "/kinds.ts;x",
      "/kinds.ts%20",
      "/kinds.ts.",
      "/kinds.ts~",
      "/_pattern.ts",
      "/_pattern",
      "/./_pattern.ts",
      "/x/../_pattern.ts",
      "/%5fpattern.ts",
      "/%2e%2e/stack/_pattern.ts",
      "/..%2fstack%2f_pattern.ts",
      "/../../../package.json",
      "/%2e%2e/%2e%2e/%2e%2e/package.json",
      "/bytes.ts/..%5c_pattern.ts",
    ])("neither runs nor shows a file at %s", async (path) => {
      const { status, text } = await ask(path);
      expect([400, 403, 404]).toContain(status);
      expect(text).not.toMatch(/import |export |"version"/);
    });

    it("tells the handler that the client went away in mid-download", async () => {
      const response = await askHead(url(), `/marks.ts?mark=down${index}`);
      await eventually(() => existsSync(mark(`down${index}.begun`)));
      response.destroy();
      // The file is there before its text is.
      await eventually(
        () => existsSync(mark(`down${index}.aborted`)) && readFileSync(mark(`down${index}.aborted`), "utf8") !== "",
      );
      expect(readFileSync(mark(`down${index}.aborted`), "utf8")).toBe("client-gone");
    });

    it("tells the handler that the client went away in mid-upload, and never shows the part as the whole", async () => {
      const client = connect(ports[index] ?? 0, "127.0.0.1");
      client.write(
        `POST /marks.ts?mark=up${index} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${"x".repeat(50_000)}`,
      );
      await eventually(() => existsSync(mark(`up${index}.begun`)));
      client.destroy();
      await eventually(() => existsSync(mark(`up${index}.broken`)));
      expect(existsSync(mark(`up${index}.whole`))).toBe(false);
    });

    it("answers 502 when the worker dies before it has replied, and goes on with another", async () => {
      expect((await ask("/dies.ts")).status).toBe(502);
      expect((await ask("/kinds.ts")).status).toBe(200);
    });

    it("cuts a reply whose worker dies in the middle, so that the client sees that it is not whole", async () => {
      await expect(ask("/dies.ts?late")).rejects.toThrow("aborted");
      expect((await ask("/kinds.ts")).status).toBe(200);
    });
  });

  it("answers 503 with Retry-After beyond the queue, and serves those that waited", async () => {
    const url = `http://127.0.0.1:${narrowPort}`;
    const asked = Array.from({ length: 4 }, () => askAt(url, "/waits.ts?until=opened"));
    const early: Awaited<(typeof asked)[number]>[] = [];
    for (const each of asked) void each.then((answer) => early.push(answer)).catch(() => {});
    await eventually(() => early.length === 2);
    const refused = { status: 503, headers: { "retry-after": expect.stringMatching(/^\d+$/) } };
    expect(early).toMatchObject([refused, refused]);
    writeFileSync(mark("opened"), "");
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 503, 503]);
  });
});

/** The pattern that the handlers know, as a stream without a length. */
function streamOf(bytes: number): Readable {
  return Readable.from(piecesOf(bytes));
}

function digestOf(bytes: number): string {
  const hash = createHash("sha256");
  for (const piece of piecesOf(bytes)) hash.update(piece);
  return hash.digest("hex");
}

const PERIOD = 65_521;
const PATTERN = (() => {
  const bytes = Buffer.alloc(PERIOD);
  let state = 1;
  for (let at = 0; at < PERIOD; at += 1) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[at] = state & 0xff;
  }
  return bytes;
})();

function* piecesOf(bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += PERIOD) yield PATTERN.subarray(0, Math.min(PERIOD, bytes - at));
}
