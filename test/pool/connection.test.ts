// One socket of the web server: what it may keep us holding, and when it is ended.

import { encodeRecord } from "../../src/fastcgi/encoder.ts";
import { encodeRequest, encodeStdin, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import { LINGER_MS, QUIET_LINGER_MS } from "../../src/pool/gateway.ts";
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
const STALL_TIMEOUT_MS = 60_000;
const RECEIVE_TIMEOUT_MS = 30_000;

describe("a connection", () => {
  const dirs = tempDirs();
  let clock: FakeClock;
  let gateway: HoldfastGateway;
  let host: ScriptedHost;
  let clients: FastCgiClient[];
  let path: string;

  const serve = async (handler: (request: Scripted) => void, eager = false): Promise<void> => {
    clock = new FakeClock();
    host = new ScriptedHost(handler, { eager });
    path = `${dirs().path}/s`;
    clients = [];
    gateway = new HoldfastGateway({
      allowedClients: [],
      limits: {
        paramsBytes: 100_000,
        paramsCount: 100,
        openRequests: 64,
        receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
        stallTimeoutMs: STALL_TIMEOUT_MS,
      },
      host: {
        clock,
        open: (request) => host.open(request),
        refused: (fault) => host.refused(fault),
        connectionFault: (fault) => host.connectionFault(fault),
      },
    });
    await gateway.listen({ path }, 64);
  };

  const connect = async (): Promise<FastCgiClient> => {
    const client = await connectFastCgi({ path });
    clients.push(client);
    return client;
  };

  /** Lets time pass, with the gateway looking at its deadlines. */
  const pass = (ms: number): void => {
    clock.advance(ms);
    gateway.sweep();
  };

  const request = (id: number, keepConn = true): Buffer =>
    Buffer.concat([encodeRequest({ id, keepConn, params: Object.entries(GET) }), encodeStdinEnd(id)]);

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await gateway.close();
  });

  it("answers what is open before it closes for a role that it does not know [FCGI §5.5]", async () => {
    await serve(() => {});
    const client = await connect();
    const reply = client.request({ params: GET });
    await eventually(() => host.requests.length === 1);
    client.send(encodeRecord(1, 2, Buffer.from([0, 77, 0, 0, 0, 0, 0, 0]))); // no FCGI_KEEP_CONN
    await client.event((event) => event.kind === "end" && event.id === 2);
    const first = host.requests[0];
    if (first !== undefined) replyWith(first.exchange, TEXT, "answered");
    expect((await reply).body.toString()).toBe("answered");
    await client.closed;
  });

  it("answers a request that has begun to arrive before it closes for another [FCGI §3.5]", async () => {
    await serve((each) => replyWith(each.exchange, TEXT, "ok"));
    const client = await connect();
    const second = request(2);
    client.send(second.subarray(0, 16));
    client.send(request(1, false));
    expect((await client.reply(1)).status).toBe(200);
    client.send(second.subarray(16));
    expect((await client.reply(2)).status).toBe(200);
    await client.closed;
  });

  it("lets a slow web server take a whole reply, however long after its end", async () => {
    const length = 4 * 1024 * 1024;
    await serve(({ exchange }) => replyAtLength(exchange, TEXT, length));
    const client = await connect();
    client.socket.pause();
    client.send(request(1, false));
    await eventually(() => host.requests.length === 1);
    pass(2 * LINGER_MS);
    expect(gateway.connections).toBe(1);
    client.socket.resume();
    expect((await client.reply(1)).body.length).toBe(length);
    await client.closed;
  });

  it("that is kept and idle holds up a stop for a moment only, although the web server does not look at it", async () => {
    await serve((each) => replyWith(each.exchange, TEXT, "ok"));
    const client = await connect();
    await client.request({ params: GET });
    client.socket.pause();
    const drained = gateway.drain();
    // What is written leaves, and then the time counts.
    await eventually(() => {
      pass(QUIET_LINGER_MS / 10);
      return gateway.connections === 0;
    });
    await drained;
    expect(clock.now()).toBeLessThan(LINGER_MS);
  });

  it("is read from during a stop for as long as the rest of an answered request comes", async () => {
    await serve((each) => replyWith(each.exchange, TEXT, "ok"));
    const client = await connect();
    client.socket.pause();
    client.send(encodeRequest({ id: 1, keepConn: true, params: Object.entries({ ...GET, CONTENT_LENGTH: "9" }) }));
    await eventually(() => host.requests.length === 1);
    void gateway.drain();
    for (let sent = 0; sent < 4; sent++) {
      await new Promise((resolve) => setTimeout(resolve, 5)); // the gateway reads
      pass(QUIET_LINGER_MS / 2);
      client.send(encodeStdin(1, Buffer.from("x")));
    }
    expect(gateway.connections).toBe(1);
  });

  it("is ended when the web server takes nothing of what is left of a reply for request.stall_timeout", async () => {
    await serve(({ exchange }) => {
      exchange.head(Buffer.from(TEXT));
      for (let n = 0; n < 64; n++) exchange.chunk(Buffer.alloc(65_528), () => {});
      exchange.end();
    });
    const client = await connect();
    client.socket.pause();
    client.send(request(1));
    await eventually(() => host.requests.length === 1);
    pass(1);
    pass(STALL_TIMEOUT_MS - 1);
    expect(gateway.connections).toBe(1);
    pass(1);
    await eventually(() => gateway.connections === 0);
  });

  it("reads no further request while the replies before it are not taken", async () => {
    await serve((each) => replyWith(each.exchange, TEXT, "x".repeat(60_000)));
    const client = await connect();
    client.socket.pause();
    const many = 60;
    for (let id = 1; id <= many; id++) {
      client.send(request(id));
      if (id <= 15) await eventually(() => host.requests.length === id);
      else await new Promise((resolve) => setTimeout(resolve, 1)); // each in a read of its own
    }
    expect(host.requests.length).toBeLessThan(many / 2);
    client.socket.resume();
    await eventually(() => host.requests.length === many);
  });

  it("is not ended for a record of a body that takes long to arrive", async () => {
    await serve(() => {}, true);
    const client = await connect();
    client.begin({ params: { ...GET, CONTENT_LENGTH: "10" } });
    await eventually(() => host.requests.length === 1);
    const body = encodeStdin(1, Buffer.alloc(10));
    client.send(body.subarray(0, 12));
    // Answered after what was sent before it was read.
    await eventually(() => client.socket.writableLength === 0);
    await new Promise((resolve) => setImmediate(resolve));
    pass(RECEIVE_TIMEOUT_MS + 1);
    client.send(body.subarray(12));
    await eventually(() => host.requests[0]?.body().length === 10);
  });
});
