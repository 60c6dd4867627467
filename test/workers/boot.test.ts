import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import type { WorkerBoot } from "../../src/messages/lane.ts";
import { eventually } from "../support/eventually.ts";
import type { FakeExchangeOptions } from "../support/fake-exchange.ts";
import type { HostWorkerMessage } from "../support/host-worker.ts";
import { tempDirs } from "../support/temp-dir.ts";
import { workerBoot } from "../support/worker-boot.ts";

const newDir = tempDirs();
const workers: Worker[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  for (const server of servers.splice(0)) server.close();
});

type Answer = Extract<HostWorkerMessage, { kind: "answered" }>;

class HostThread {
  readonly booted: Promise<HostWorkerMessage>;
  readonly #worker: Worker;
  #fail = (_error: unknown): void => {};

  constructor(options: Partial<WorkerBoot>) {
    const workerData = workerBoot({ index: ["index"], ...options });
    this.#worker = new Worker(new URL("../support/host-worker.js", import.meta.url), { workerData });
    workers.push(this.#worker);
    this.#worker.on("error", (error) => this.#fail(error));
    this.booted = this.#next();
  }

  async ask(options: FakeExchangeOptions = {}): Promise<Answer> {
    await this.booted;
    const answered = this.#next();
    this.#worker.postMessage(options);
    return (await answered) as Answer;
  }

  #next(): Promise<HostWorkerMessage> {
    return new Promise((resolve, reject) => {
      this.#worker.once("message", resolve);
      this.#fail = reject;
    });
  }
}

describe("a worker boots", () => {
  it("an app of TypeScript, and tells which files it loaded", async () => {
    const dir = newDir();
    const db = dir.write("db.ts", "export const connect = async (): Promise<{ n: number }> => ({ n: 0 });");
    const app = dir.write(
      "app.ts",
      `import { defineHandler } from "holdfast";
       import { connect } from "./db.ts";
       export default defineHandler({
         init: () => connect(),
         fetch: (_request, ctx) => Response.json(++ctx.state.n),
       });`,
    );
    const host = new HostThread({ app });
    expect(await host.booted).toEqual({ kind: "ready", loaded: [app, db] });
    expect([(await host.ask()).text, (await host.ask()).text]).toEqual(["1", "2"]);
  });

  it.each([
    ["throws", 'export const x = 1;\n\nthrow new Error("no config");', "no config", 3],
    ["has no valid syntax", "export default {\n  fetch: ;\n};", "Unexpected token", 2],
    [
      "fails in init",
      "interface A {}\nexport default () => new Response();\nexport function init(): A {\n  throw new Error('no database');\n}",
      "no database",
      4,
    ],
  ])("not an app that %s, and says why with the author's line", async (_how, source, reason, line) => {
    const app = newDir().write("app.ts", source);
    const failed = await new HostThread({ app }).booted;
    expect(failed).toMatchObject({ kind: "failed", message: expect.stringContaining(reason) });
    expect(failed.kind === "failed" ? failed.stack : "").toContain(`${app}:${line}:`);
  });

  it("and names the author's line when a handler throws", async () => {
    const app = newDir().write(
      "app.tsx",
      "type T = {\n  a: 1;\n};\nexport default (): T => {\n  throw new Error('late');\n};",
    );
    expect(await new HostThread({ app }).ask()).toMatchObject({
      status: 500,
      stack: expect.stringContaining(`${app}:5:9`),
    });
  });
});

describe("an app in a worker", () => {
  it("gets Response and Request that are its globals", async () => {
    const app = newDir().write(
      "app.ts",
      `export default async (request: Request) => {
         const copy = new Request("http://other.test/", request);
         return Response.json([request instanceof Request, copy instanceof Request, await copy.text(), new Response() instanceof Response]);
       };`,
    );
    const { text } = await new HostThread({ app }).ask({ method: "POST", body: "sent" });
    expect(JSON.parse(text)).toEqual([true, true, "sent", true]);
  });

  it("may pass its request on with fetch, and the answer back, decoded and said to be so", async () => {
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const piece of request) body += piece;
      const encoded = gzipSync(`${request.method} ${request.headers["x-a"]} ${body}`);
      const headers = { "x-from": "behind", "content-encoding": "gzip", "content-length": encoded.length };
      response.writeHead(202, headers).end(encoded);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const app = newDir().write("app.ts", "export default (request: Request) => fetch(request);");
    const answer = await new HostThread({ app }).ask({
      method: "POST",
      headers: { host: `127.0.0.1:${port}`, "x-a": "1" },
      pieces: ["one", "two"],
    });
    expect(answer).toMatchObject({
      status: 202,
      text: "POST 1 onetwo",
      head: expect.stringContaining("x-from: behind"),
    });
  });
});

describe("a file of a folder", () => {
  it("that did not load is loaded when it, or what it imports, is mended", async () => {
    const dir = newDir();
    dir.write("page.ts", 'import { text } from "./_text.ts"; export default () => new Response(text);');
    const helper = dir.write("_text.ts", "export const text = ;");
    const host = new HostThread({ root: dir.path });
    const broken = await host.ask({ url: "/page" });
    expect(broken).toMatchObject({ status: 500, stack: expect.stringContaining(`${helper}:1:21`) });
    writeFileSync(helper, "export const text: string = 'mended';");
    const mended = await eventually(async () => {
      const answer = await host.ask({ url: "/page" });
      return answer.status === 200 && answer;
    });
    expect(mended.text).toBe("mended");
  });

  it("is loaded once, through whatever URL it is reached", async () => {
    const dir = newDir();
    dir.write("n.ts", "let n = 0; export default () => new Response(String(++n));");
    const host = new HostThread({ root: dir.path });
    const mapped = { SCRIPT_FILENAME: join(dir.path, "n.ts"), SCRIPT_NAME: "/alias" };
    const asks: FakeExchangeOptions[] = [{ url: "/n" }, { url: "/n.ts/info" }, { url: "/alias", variables: mapped }];
    const texts: string[] = [];
    for (const ask of asks) texts.push((await host.ask(ask)).text);
    expect(texts).toEqual(["1", "2", "3"]);
  });
});
