// A connection leaves one gateway between two requests and goes on in another: the web server notices nothing.

import { FCGI_GET_VALUES } from "../../src/fastcgi/constants.ts";
import { encodeRecord } from "../../src/fastcgi/encoder.ts";
import { encodeRequest, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import { HoldfastGateway } from "../../src/pool/gateway-holdfast.ts";
import { replyWith } from "../../src/pool/roomy-reply.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connectFastCgi, type FastCgiClient } from "../support/fastcgi-client.ts";
import { replyAtLength } from "../support/long-reply.ts";
import { type Scripted, ScriptedHost } from "../support/scripted-host.ts";
import { tempDirs } from "../support/temp-dir.ts";

const TEXT = "Content-Type: text/plain\r\n\r\n";
const GET = { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/" };
const RECEIVE_TIMEOUT_MS = 30_000;

describe("a connection that is handed over", () => {
  const dirs = tempDirs();
  let clock: FakeClock;
  let path: string;
  let clients: FastCgiClient[];
  let gateways: HoldfastGateway[];
  /** What the old one is to answer; nothing: it keeps them open. */
  let answers: (request: Scripted) => void;
  let before: ScriptedHost;
  let after: ScriptedHost;
  let old: HoldfastGateway;
  let fresh: HoldfastGateway;
  let given: { used: boolean }[];

  const answer =
    (text: string) =>
    ({ exchange }: Scripted): void =>
      replyWith(exchange, TEXT, text);

  const gatewayOf = (host: ScriptedHost): HoldfastGateway => {
    const gateway = new HoldfastGateway({
      allowedClients: [],
      limits: {
        paramsBytes: 100_000,
        paramsCount: 100,
        openRequests: 64,
        receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
        stallTimeoutMs: 60_000,
      },
      host: {
        clock,
        open: (request) => host.open(request),
        refused: (fault) => host.refused(fault),
        connectionFault: (fault) => host.connectionFault(fault),
      },
    });
    gateways.push(gateway);
    return gateway;
  };

  beforeEach(async () => {
    clock = new FakeClock();
    path = `${dirs().path}/s`;
    clients = [];
    gateways = [];
    given = [];
    answers = answer("old");
    before = new ScriptedHost((request) => answers(request));
    after = new ScriptedHost(answer("new"));
    old = gatewayOf(before);
    fresh = gatewayOf(after);
    await old.listen({ path }, 64);
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    for (const gateway of gateways) await gateway.close();
  });

  const connect = async (): Promise<FastCgiClient> => {
    const client = await connectFastCgi({ path });
    clients.push(client);
    await eventually(() => old.connections === clients.length);
    return client;
  };

  const ask = async (client: FastCgiClient): Promise<string> => {
    client.forget();
    return (await client.request({ params: GET })).body.toString();
  };

  const handOver = (): Promise<void> =>
    old.drain(async (handle, connection) => {
      given.push(connection);
      fresh.adopt(handle, connection);
    });

  const request = (id: number, keepConn = true): Buffer =>
    Buffer.concat([encodeRequest({ id, keepConn, params: Object.entries(GET) }), encodeStdinEnd(id)]);

  it("is answered by the new one from the next request on", async () => {
    const client = await connect();
    expect(await ask(client)).toBe("old");
    await handOver();
    expect([await ask(client), await ask(client)]).toEqual(["new", "new"]);
    expect([old.connections, fresh.connections]).toEqual([0, 1]);
  });

  it("goes when its turn comes, a few at a time: until then it is answered where it is", async () => {
    for (let n = 0; n < 8; n++) expect(await ask(await connect())).toBe("old");
    const arrived = Promise.withResolvers<void>();
    const drained = old.drain(async (handle, connection) => {
      given.push(connection);
      await arrived.promise; // the other process is slow
      fresh.adopt(handle, connection);
    });
    await eventually(() => given.length > 0);
    const [stays] = clients.slice(-1);
    if (stays === undefined) throw new Error("no client");
    expect(await ask(stays)).toBe("old");
    expect(given.length).toBeLessThan(8);
    arrived.resolve();
    await drained;
    expect([given.length, await ask(stays)]).toEqual([8, "new"]);
  });

  it("goes when its turn comes, all of them spread over the given time: who takes them is new at it", async () => {
    for (let n = 0; n < 4; n++) await connect();
    const drained = old.drain(async (handle, connection) => {
      given.push(connection);
      fresh.adopt(handle, connection);
    }, 400);
    const counts: number[] = [];
    for (const ms of [0, 99, 1, 100, 100]) {
      clock.advance(ms);
      // Whatever is on its way arrives, and what may follow it does.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      counts.push(given.length);
    }
    expect(counts).toEqual([1, 1, 2, 3, 4]);
    await drained;
    expect(clock.pending).toBe(0);
  });

  it("goes with what the web server has already sent of the next request, unread", async () => {
    const client = await connect();
    await ask(client);
    client.forget();
    const drained = handOver();
    client.send(request(1));
    await drained;
    expect((await client.reply(1)).body.toString()).toBe("new");
  });

  it("stays until an open request is answered", async () => {
    answers = () => {};
    const client = await connect();
    const reply = client.request({ params: GET });
    await eventually(() => before.requests.length === 1);
    const drained = handOver();
    expect(given).toEqual([]);
    const [open] = before.requests;
    if (open !== undefined) answer("old")(open);
    expect((await reply).body.toString()).toBe("old");
    await drained;
    expect(await ask(client)).toBe("new");
  });

  it.each([4, 8, 16, 24, 40])(
    "stays when %i bytes of a request have arrived, until that is answered",
    async (bytes) => {
      const client = await connect();
      client.send(request(1).subarray(0, bytes));
      await eventually(() => client.socket.writableLength === 0);
      await new Promise((resolve) => setImmediate(resolve));
      const drained = handOver();
      client.send(request(1).subarray(bytes));
      const by = (await client.reply(1)).body.toString();
      // What had not been read yet is the new one's.
      expect(by).toBe(given[0]?.used === false ? "new" : "old");
      await drained;
      expect(await ask(client)).toBe("new");
    },
  );

  it("stays while the padding of a record is not complete", async () => {
    const client = await connect();
    const values = encodeRecord(FCGI_GET_VALUES, 0, Buffer.alloc(0));
    const padded = Buffer.concat([values.subarray(0, 6), Buffer.from([8, 0]), Buffer.alloc(8)]);
    client.send(padded.subarray(0, 12));
    await client.event((event) => event.kind === "values");
    const drained = handOver();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual([]);
    client.send(padded.subarray(12));
    await drained;
    expect(await ask(client)).toBe("new");
  });

  it("stays until every request of several that came together is answered", async () => {
    answers = () => {};
    const client = await connect();
    client.send(Buffer.concat([request(1), request(2)]));
    await eventually(() => before.requests.length === 2);
    const drained = handOver();
    before.requests.forEach((open, index) => {
      answer(`old ${index + 1}`)(open);
    });
    expect((await client.reply(1)).body.toString()).toBe("old 1");
    expect((await client.reply(2)).body.toString()).toBe("old 2");
    await drained;
    expect(await ask(client)).toBe("new");
  });

  it("stays until the web server has taken a long reply", async () => {
    const length = 4 * 1024 * 1024;
    answers = ({ exchange }) => replyAtLength(exchange, TEXT, length);
    const client = await connect();
    client.socket.pause();
    client.send(request(1));
    await eventually(() => before.requests.length === 1);
    const drained = handOver();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual([]);
    client.socket.resume();
    expect((await client.reply(1)).body.length).toBe(length);
    await drained;
    expect(await ask(client)).toBe("new");
  });

  it("goes also when a reply was given before its body had come: the rest means nothing to the new one", async () => {
    const client = await connect();
    client.begin({ params: { ...GET, REQUEST_METHOD: "POST", CONTENT_LENGTH: "5" } });
    await eventually(() => before.requests.length === 1);
    const [open] = before.requests;
    if (open !== undefined) answer("old")(open);
    expect((await client.reply(1)).body.toString()).toBe("old");
    await handOver();
    client.send(encodeStdinEnd(1));
    expect(await ask(client)).toBe("new");
  });

  it("ends as ever when the web server did not want it kept", async () => {
    answers = () => {};
    const client = await connect();
    client.send(request(1, false));
    await eventually(() => before.requests.length === 1);
    const drained = handOver();
    const [open] = before.requests;
    if (open !== undefined) answer("old")(open);
    expect((await client.reply(1)).body.toString()).toBe("old");
    await client.closed;
    await drained;
    expect(given).toEqual([]);
  });

  it("may idle in the new one for as long as it likes, once it has carried a request", async () => {
    const client = await connect();
    await ask(client);
    await handOver();
    clock.advance(2 * RECEIVE_TIMEOUT_MS);
    fresh.sweep();
    expect(await ask(client)).toBe("new");
  });

  it("must still send its first request in time, if it has sent none", async () => {
    const client = await connect();
    await handOver();
    clock.advance(RECEIVE_TIMEOUT_MS);
    fresh.sweep();
    await client.closed;
    expect(after.connectionFaults.length).toBe(1);
  });

  it("ends instead when there is nobody any more who takes it", async () => {
    answers = () => {};
    const client = await connect();
    client.send(request(1));
    await eventually(() => before.requests.length === 1);
    const drained = handOver();
    void old.drain();
    const [open] = before.requests;
    if (open !== undefined) answer("old")(open);
    await client.closed;
    await drained;
    expect(given).toEqual([]);
  });

  it("is given on at once by one that drains itself by the time it comes", async () => {
    const client = await connect();
    const last = gatewayOf(new ScriptedHost(answer("last")));
    void fresh.drain(async (handle, connection) => last.adopt(handle, connection));
    await handOver();
    expect(await ask(client)).toBe("last");
  });

  it("of which there are hundreds all arrive", async () => {
    const all: FastCgiClient[] = [];
    for (let n = 0; n < 200; n++) all.push(await connect());
    await handOver();
    expect(new Set(await Promise.all(all.map(ask)))).toEqual(new Set(["new"]));
    expect(fresh.connections).toBe(200);
  });
});
