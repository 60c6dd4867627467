import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { FCGI_STDOUT } from "../../src/fastcgi/constants.ts";
import { encodeReply, encodeStream } from "../../src/fastcgi/encoder.ts";
import { type HttpFront, startHttpFront } from "../../src/front/http.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { openFolder, removeFolders } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { type Answers, echoParams, type FakeResponder, startFakeResponder } from "../support/fake-responder.ts";
import { type Answer, type Ask, ask as askAt, askHead } from "../support/http.ts";

let front: HttpFront;
let responder: FakeResponder;
let logged: string[];

async function start(
  whole?: Answers["whole"],
  { timeoutMs = 5000, early }: { timeoutMs?: number; early?: Answers["early"] } = {},
): Promise<void> {
  const path = join(openFolder(), "pool.sock");
  responder = await startFakeResponder(path, { ...(whole && { whole }), ...(early && { early }) });
  logged = [];
  const log = createLog("json", "info", (line) => logged.push(line));
  const backend = { kind: "unix", path } as const;
  front = await startHttpFront({ host: "127.0.0.1", port: 0, backend, timeoutMs, documentRoot: "/srv", log });
}

afterEach(async () => {
  await front.close(100);
  await responder.close();
  removeFolders();
});

const url = (): string => `http://127.0.0.1:${front.port}`;
const ask = (path: string, options?: Ask): Promise<Answer> => askAt(url(), path, options);

describe("the built-in HTTP front", () => {
  it("asks the pool and hands its reply over", async () => {
    await start(() => ({
      head: "Status: 201 Created\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n",
      body: Buffer.from("ok"),
    }));
    const answer = await ask("/x?y");
    expect(answer).toMatchObject({ status: 201, text: "ok", headers: { "x-a": "1", "content-length": "2" } });
    expect(responder.requests[0]?.params.get("REQUEST_URI")).toBe("/x?y");
  });

  it("keeps its connection to the pool", async () => {
    await start();
    for (let i = 0; i < 5; i += 1) await ask("/");
    expect(responder.connections()).toBe(1);
    expect(responder.requests.every(({ keepConn }) => keepConn)).toBe(true);
  });

  it("passes several Set-Cookie lines one by one", async () => {
    await start(() => ({ head: "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n" }));
    expect((await ask("/")).headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  it("passes bodies with and without a length", async () => {
    await start();
    const known = await ask("/", { method: "POST", body: "12345" });
    expect(JSON.parse(known.text)).toMatchObject({ bodyLength: 5, params: { CONTENT_LENGTH: "5" } });
    const chunked = await ask("/", { method: "POST", body: Readable.from([Buffer.alloc(70_000), Buffer.alloc(5)]) });
    expect(JSON.parse(chunked.text)).toMatchObject({ bodyLength: 70_005 });
    expect(JSON.parse(chunked.text).params).not.toHaveProperty("CONTENT_LENGTH");
  });

  it("sends no body for HEAD, and the length that it would have", async () => {
    await start(() => ({ head: "Content-Length: 2\r\n\r\n" }));
    expect(await ask("/", { method: "HEAD" })).toMatchObject({
      status: 200,
      text: "",
      headers: { "content-length": "2" },
    });
  });

  it("answers 304 where the client's copy is still good", async () => {
    await start(() => ({
      head: 'ETag: "v1"\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n',
      body: Buffer.from("ok"),
    }));
    const answer = await ask("/", { headers: { "If-None-Match": '"v1"' } });
    expect(answer).toMatchObject({ status: 304, text: "", headers: { etag: '"v1"' } });
    expect(answer.headers).not.toHaveProperty("content-type");
  });

  it("drops headers about its own connection", async () => {
    await start(() => ({ head: "Connection: upgrade\r\nUpgrade: x\r\nKeep-Alive: y\r\nX-A: 1\r\n\r\n" }));
    const { headers } = await ask("/");
    expect(headers).not.toHaveProperty("upgrade");
    expect(headers["x-a"]).toBe("1");
  });

  it("cuts the client off when the pool breaks off in mid-body, so that nothing looks complete", async () => {
    await start(({ socket, id }) => {
      socket.write(encodeStream(FCGI_STDOUT, id, Buffer.from("Content-Type: text/plain\r\n\r\nfirst half")));
      setImmediate(() => socket.destroy());
      return undefined;
    });
    await expect(ask("/")).rejects.toThrow("aborted");
    expect(logged.join("")).toContain("mid-reply");
  });

  it("answers 502 when the pool breaks off before its head, or sends none", async () => {
    await start(({ socket, params, id }) => {
      if (params.get("REQUEST_URI") === "/cut") socket.destroy();
      else socket.write(encodeReply(id, ""));
      return undefined;
    });
    expect(await ask("/cut")).toMatchObject({ status: 502, text: expect.stringContaining("502 Bad Gateway") });
    expect(await ask("/empty")).toMatchObject({ status: 502 });
  });

  it("answers 503 with Retry-After when nobody accepts", async () => {
    await start();
    await responder.close();
    expect(await ask("/")).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  });

  it("answers 504 when the pool says nothing in time", async () => {
    await start(() => undefined, { timeoutMs: 50 });
    expect(await ask("/")).toMatchObject({ status: 504 });
  });

  it("refuses what no file name can be before it asks the pool", async () => {
    await start();
    expect((await ask("/a%00")).status).toBe(404);
    expect((await ask("/../x")).status).toBe(400);
    expect(responder.requests).toHaveLength(0);
  });

  it("lets the pool know when the client goes away in mid-download", async () => {
    const closed = Promise.withResolvers<void>();
    await start(({ socket, id }) => {
      socket.write(encodeStream(FCGI_STDOUT, id, Buffer.from("Content-Type: text/plain\r\n\r\nfirst half")));
      socket.once("close", () => closed.resolve());
      return undefined;
    });
    const response = await askHead(url(), "/");
    response.destroy();
    await closed.promise;
    expect(logged).toEqual([]);
  });

  it("lets the pool know when the client goes away in mid-upload", async () => {
    await start();
    const client = connect(front.port, "127.0.0.1");
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    await eventually(() => responder.connections() === 1);
    client.destroy();
    await eventually(() => responder.open() === 0);
    expect(responder.requests).toHaveLength(0);
  });

  it("stops reading from the pool when the client does not read", async () => {
    let sent = 0;
    await start(({ socket, id }) => {
      socket.write(encodeStream(FCGI_STDOUT, id, Buffer.from("Content-Type: text/plain\r\n\r\n")));
      const piece = encodeStream(FCGI_STDOUT, id, Buffer.alloc(65_535));
      const more = (): void => {
        if (socket.destroyed || sent > 500 * piece.length) return;
        sent += piece.length;
        if (socket.write(piece)) setImmediate(more);
        else socket.once("drain", more);
      };
      more();
      return undefined;
    });
    const response = await askHead(url(), "/");
    response.pause();
    let before = -1;
    await eventually(() => {
      const still = before === sent;
      before = sent;
      return still && sent > 0;
    });
    // What fits into sockets and streams on the way, and not 32 MiB.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    response.destroy();
  });

  it("answers an upload that the pool does not want, and reads on so that the client sees it", async () => {
    const early = () => ({ head: "Status: 413 Content Too Large\r\nContent-Length: 0\r\n\r\n" });
    await start(echoParams, { early });
    const body = Buffer.alloc(2 * 1024 * 1024);
    expect(await ask("/", { method: "POST", body })).toMatchObject({ status: 413 });
  });

  it("serves a hundred requests at once", async () => {
    await start();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`/${i}`)));
    expect(answers.map(({ text }) => JSON.parse(text).params.SCRIPT_NAME)).toEqual(answers.map((_, i) => `/${i}`));
  });

  it("says which port is taken and what to do", async () => {
    await start();
    const { port } = front;
    const options = {
      host: "127.0.0.1",
      port,
      backend: { kind: "unix", path: "/x" },
      timeoutMs: 1,
      documentRoot: "/",
    } as const;
    await expect(startHttpFront({ ...options, log: createLog("json") })).rejects.toMatchObject({
      code: "LISTEN",
      message: `127.0.0.1:${port} is in use by another program`,
      hint: "choose another port with --port",
    });
  });
});
