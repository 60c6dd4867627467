// What every gateway promises, tested through a real socket with a scripted worker behind it. A
// gateway's known deviations are named by the suite that runs this (test/pool/gateway*.test.ts):
// the test of a deviation asserts that it is still there, so the list cannot go stale.

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Fault } from "../../src/base/fault.ts";
import { encodeRecord } from "../../src/fastcgi/encoder.ts";
import {
  encodeAbort,
  encodeGetValues,
  encodeRequest,
  encodeStdin,
  encodeStdinEnd,
} from "../../src/fastcgi/web-server.ts";
import type { Gateway, GatewayOptions } from "../../src/pool/gateway.ts";
import { replyWith } from "../../src/pool/roomy-reply.ts";
import { eventually } from "../support/eventually.ts";
import { connectFastCgi, type FastCgiClient } from "../support/fastcgi-client.ts";
import { type Scripted, ScriptedHost } from "../support/scripted-host.ts";

/** Behaviours in which a gateway may deviate from the contract. */
export type Deviation =
  /** A reply without Status carries one, so Apache cannot answer 304 by itself. */
  "always sends Status";

const TEXT = "Content-Type: text/plain\r\n\r\n";
const GET = { REQUEST_METHOD: "GET", REQUEST_URI: "/", SCRIPT_NAME: "/", SERVER_PROTOCOL: "HTTP/1.1" };

const echo = (request: Scripted): void => {
  replyWith(request.exchange, TEXT, `${request.params.get("REQUEST_URI")} ${request.body().toString("latin1")}`);
};

export function describeGateway(
  name: string,
  make: (options: GatewayOptions) => Gateway,
  deviations: readonly Deviation[] = [],
): void {
  describe(`the gateway ${name}`, () => {
    let folder: string;
    let gateway: Gateway;
    let host: ScriptedHost;
    let clients: FastCgiClient[];

    async function serve(
      handler: (request: Scripted) => void,
      options: { eager?: boolean; receiveTimeoutMs?: number; openRequests?: number; paramsBytes?: number } = {},
    ): Promise<void> {
      host = new ScriptedHost(handler, options);
      gateway = make({
        host,
        allowedClients: [],
        limits: {
          paramsBytes: options.paramsBytes ?? 1024 * 1024,
          paramsCount: 1000,
          openRequests: options.openRequests ?? 8,
          receiveTimeoutMs: options.receiveTimeoutMs ?? 10_000,
          stallTimeoutMs: 10_000,
        },
      });
      await gateway.listen({ path: path.join(folder, "s") }, 4096);
    }

    async function connect(): Promise<FastCgiClient> {
      const client = await connectFastCgi({ path: path.join(folder, "s") });
      clients.push(client);
      return client;
    }

    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), "hf-"));
      clients = [];
    });

    afterEach(async () => {
      await Promise.all(clients.map((client) => client.close()));
      await gateway.close();
      rmSync(folder, { recursive: true });
    });

    it("answers a request and closes without FCGI_KEEP_CONN [FCGI §3.5]", async () => {
      await serve(echo);
      const client = await connect();
      const reply = await client.request({ params: GET, keepConn: false });
      expect([reply.status, reply.body.toString()]).toEqual([200, "/ "]);
      await client.closed;
    });

    it("answers one request after the other on a kept connection [FCGI §3.5]", async () => {
      await serve(echo);
      const client = await connect();
      for (let n = 0; n < 5; n++) {
        const reply = await client.request({ params: { ...GET, REQUEST_URI: `/${n}` }, body: "x".repeat(n) });
        expect(reply.body.toString()).toBe(`/${n} ${"x".repeat(n)}`);
      }
      expect(gateway.connections).toBe(1);
    });

    it("serves several request ids of one connection at once [FCGI §3.3]", async () => {
      const waiting: Scripted[] = [];
      await serve((request) => {
        waiting.push(request);
      });
      const client = await connect();
      const replies = [1, 2, 300].map((id) => client.request({ id, params: { ...GET, REQUEST_URI: `/${id}` } }));
      await eventually(() => waiting.length === 3);
      for (const request of waiting.reverse()) echo(request);
      expect((await Promise.all(replies)).map((reply) => reply.body.toString())).toEqual(["/1 ", "/2 ", "/300 "]);
    });

    it("joins pairs that straddle PARAMS records [FCGI §3.4]", async () => {
      await serve((request) => replyWith(request.exchange, TEXT, request.params.get("HTTP_LONG") ?? ""));
      const client = await connect();
      const long = "abc".repeat(1000);
      const whole = encodeRequest({ id: 1, params: Object.entries({ ...GET, HTTP_LONG: long }) });
      // Cut the one PARAMS record into records of 7 bytes.
      const content = whole.subarray(24, whole.length - 8);
      client.send(whole.subarray(0, 16));
      for (let at = 0; at < content.length; at += 7) client.send(encodeRecord(4, 1, content.subarray(at, at + 7)));
      client.send(Buffer.concat([encodeRecord(4, 1, Buffer.alloc(0)), encodeStdinEnd(1)]));
      expect((await client.reply(1)).body.toString()).toBe(long);
    });

    it("passes bodies of every size byte for byte", async () => {
      await serve((request) => {
        const digest = createHash("sha256").update(request.body()).digest("hex");
        replyWith(request.exchange, TEXT, digest);
      });
      const client = await connect();
      for (const length of [0, 1, 8191, 8192, 65_535, 65_536, 1_000_000]) {
        const body = randomBytes(length);
        const reply = await client.request({ params: { ...GET, CONTENT_LENGTH: String(length) }, body });
        expect(reply.body.toString()).toBe(createHash("sha256").update(body).digest("hex"));
      }
    });

    it("serves authorizers at the end of their params, without a body [FCGI §6.3]", async () => {
      await serve((request) =>
        replyWith(request.exchange, `Status: 200 OK\r\nVariable-WHO: ${request.role}\r\n\r\n`, ""),
      );
      const client = await connect();
      client.begin({ params: GET, role: "authorizer" });
      const reply = await client.reply(1);
      expect([reply.status, reply.header("Variable-WHO")]).toEqual([200, "authorizer"]);
    });

    it("serves filters: FCGI_STDIN, then FCGI_DATA [FCGI §6.4]", async () => {
      await serve((request) => {
        replyWith(request.exchange, TEXT, `${request.role} ${request.body()} ${request.data()}`);
      });
      const client = await connect();
      const reply = await client.request({
        role: "filter",
        params: { ...GET, CONTENT_LENGTH: "2", FCGI_DATA_LAST_MOD: "0", FCGI_DATA_LENGTH: "3" },
        body: "in",
        data: "out",
      });
      expect(reply.body.toString()).toBe("filter in out");
    });

    it("answers FCGI_GET_VALUES, also between the records of a request [FCGI §4.1]", async () => {
      await serve(echo);
      const client = await connect();
      client.begin({ params: GET });
      client.send(encodeGetValues(["FCGI_MPXS_CONNS", "toString", "FCGI_MAX_REQS"]));
      client.send(encodeStdinEnd(1));
      expect((await client.reply(1)).status).toBe(200);
      const values = await client.event((event) => event.kind === "values");
      expect(values.kind === "values" ? [...values.values.keys()].sort() : []).toEqual([
        "FCGI_MAX_REQS",
        "FCGI_MPXS_CONNS",
      ]);
    });

    it("answers FCGI_UNKNOWN_TYPE for a management type it does not know, and goes on [FCGI §4.2]", async () => {
      await serve(echo);
      const client = await connect();
      client.send(encodeRecord(99, 0, Buffer.alloc(3)));
      const event = await client.event((each) => each.kind === "unknown-type");
      expect(event).toMatchObject({ type: 99 });
      expect((await client.request({ params: GET })).status).toBe(200);
    });

    it("answers a role it does not know with FCGI_UNKNOWN_ROLE [FCGI §5.5]", async () => {
      await serve(echo);
      const client = await connect();
      client.send(encodeRecord(1, 1, Buffer.from([0, 77, 1, 0, 0, 0, 0, 0])));
      const end = await client.event((event) => event.kind === "end");
      expect(end).toMatchObject({ protocolStatus: 3 });
    });

    it("answers FCGI_ABORT_REQUEST with END_REQUEST and tells the handler [FCGI §5.4]", async () => {
      await serve(() => {}, { eager: true });
      const client = await connect();
      client.begin({ params: GET });
      await eventually(() => host.requests.length === 1);
      client.send(encodeAbort(1));
      await client.event((event) => event.kind === "end");
      expect(host.requests[0]?.aborts).toEqual(["client-gone"]);
    });

    it("tells the handler when the web server hangs up", async () => {
      await serve(() => {});
      const client = await connect();
      const reply = client.request({ params: GET });
      await eventually(() => host.requests.length === 1);
      client.socket.destroy();
      await expect(reply).rejects.toThrow("closed");
      await eventually(() => host.requests[0]?.aborts[0] === "client-gone");
      const request = host.requests[0];
      if (request !== undefined) echo(request);
      await eventually(() => gateway.connections === 0);
    });

    it("delivers the reply to a peer that closed only its sending half", async () => {
      await serve(() => {});
      const client = await connect();
      const reply = client.request({ params: GET });
      client.endSending();
      await eventually(() => host.requests[0]?.aborts[0] === "client-gone");
      const request = host.requests[0];
      if (request !== undefined) echo(request);
      expect((await reply).body.toString()).toBe("/ ");
    });

    it("takes the end of the connection in mid-body for an abort, not for the end of the body", async () => {
      await serve(() => {}, { eager: true });
      const client = await connect();
      client.begin({ params: { ...GET, CONTENT_LENGTH: "10" } });
      client.send(encodeStdin(1, Buffer.from("half")));
      await eventually(() => host.requests.length === 1);
      client.socket.destroy();
      await eventually(() => host.requests[0]?.outcomes[0] === "aborted");
      expect(host.requests[0]?.exchange.bodyEnded).toBe(false);
      await eventually(() => gateway.connections === 0);
    });

    it("never reads the next request out of a body that nobody read", async () => {
      await serve((request) => replyWith(request.exchange, TEXT, request.params.get("REQUEST_URI") ?? ""), {
        eager: true,
      });
      const client = await connect();
      const smuggled = Buffer.concat([
        encodeRequest({ id: 1, params: Object.entries({ ...GET, REQUEST_URI: "/secret" }) }),
        encodeStdinEnd(1),
      ]);
      const first = await client.request({
        params: { ...GET, CONTENT_LENGTH: String(smuggled.length) },
        body: smuggled,
      });
      const second = await client.request({ params: { ...GET, REQUEST_URI: "/second" } });
      expect([first.body.toString(), second.body.toString()]).toEqual(["/", "/second"]);
      expect(host.requests.map(({ params }) => params.get("REQUEST_URI"))).toEqual(["/", "/second"]);
    });

    it("stops reading while the handler does not take the body, and goes on when it does", async () => {
      await serve(() => {}, { eager: true });
      const client = await connect();
      const length = 4 * 1024 * 1024;
      client.begin({ params: { ...GET, CONTENT_LENGTH: String(length) } });
      client.send(Buffer.concat([encodeStdin(1, Buffer.alloc(length, 97)), encodeStdinEnd(1)]));
      await eventually(() => (host.requests[0]?.body().length ?? 0) > 0);
      await eventually(() => client.socket.writableLength > 0);
      const request = host.requests[0];
      let taken = 0;
      await eventually(() => {
        const here = request?.body().length ?? 0;
        expect(here - taken).toBeLessThan(1024 * 1024);
        request?.exchange.taken(here - taken);
        taken = here;
        return taken === length;
      });
    });

    it("streams a reply, and tells when the web server has taken it", async () => {
      let taken = 0;
      await serve((request) => {
        request.exchange.head(Buffer.from(TEXT));
        for (let n = 0; n < 4; n++)
          request.exchange.chunk(Buffer.alloc(50_000, 98), (bytes) => {
            taken += bytes;
          });
        request.exchange.end();
      });
      const client = await connect();
      const reply = await client.request({ params: GET });
      expect(reply.body.length).toBe(200_000);
      await eventually(() => taken === 200_000);
      expect((await client.request({ params: GET })).body.length).toBe(200_000);
    });

    it("cuts the connection, without END_REQUEST, when a reply fails after its head", async () => {
      await serve((request) => {
        request.exchange.head(Buffer.from(TEXT));
        request.exchange.chunk(Buffer.from("half"), () => request.exchange.fail(new Fault("WORKER_LOST", "gone")));
      });
      const client = await connect();
      await expect(client.request({ params: GET })).rejects.toThrow("closed");
      expect(client.events.some((event) => event.kind === "end")).toBe(false);
    });

    it("writes every refusal as an HTTP status on FCGI_STDOUT", async () => {
      await serve((request) => request.exchange.fail(new Fault("OVERLOAD", "full")));
      const client = await connect();
      const reply = await client.request({ params: GET });
      expect([reply.status, reply.header("Retry-After"), reply.protocolStatus]).toEqual([503, "1", 0]);
      expect((await client.request({ params: GET })).status).toBe(503);
    });

    it("refuses params beyond their limit with 431", async () => {
      await serve(echo, { paramsBytes: 10_000 });
      const client = await connect();
      const reply = await client.request({ params: { ...GET, HTTP_BIG: "x".repeat(20_000) } });
      expect(reply.status).toBe(431);
      expect(host.requests).toEqual([]);
    });

    it("ends a connection whose request does not arrive in time", async () => {
      await serve(echo, { receiveTimeoutMs: 30 });
      const client = await connect();
      client.begin({ params: GET });
      const silent = await connect();
      silent.send(Buffer.from([1, 1, 0]));
      await eventually(() => {
        gateway.sweep();
        return gateway.connections === 1;
      });
      client.send(encodeStdinEnd(1));
      expect((await client.reply(1)).status).toBe(200);
    });

    it("ends only the connection that breaks the protocol", async () => {
      await serve(echo);
      const [good, bad] = [await connect(), await connect()];
      bad.send(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      await bad.closed;
      expect(host.connectionFaults.map((fault) => fault.code)).toEqual(["PROTOCOL"]);
      expect((await good.request({ params: GET })).status).toBe(200);
    });

    it("drains: answers what is open, then ends each connection", async () => {
      await serve(() => {});
      const [idle, busy] = [await connect(), await connect()];
      const reply = busy.request({ params: GET });
      await eventually(() => host.requests.length === 1 && gateway.connections === 2);
      const drained = gateway.drain();
      await idle.closed;
      const request = host.requests[0];
      if (request !== undefined) echo(request);
      expect((await reply).status).toBe(200);
      await busy.closed;
      await drained;
    });

    it("drains: answers the first request of a connection that was accepted before it", async () => {
      await serve(echo);
      const client = await connect();
      await eventually(() => gateway.connections === 1);
      const drained = gateway.drain();
      expect((await client.request({ params: GET })).status).toBe(200);
      await drained;
      await client.closed;
    });

    it(`${deviations.includes("always sends Status") ? "DEVIATES: sends" : "sends no"} Status where the worker sent none`, async () => {
      await serve(echo);
      const client = await connect();
      await client.request({ params: GET });
      const out = client.events.flatMap((event) => (event.kind === "stdout" ? [event.bytes] : []));
      expect(Buffer.concat(out).toString("latin1").includes("Status:")).toBe(
        deviations.includes("always sends Status"),
      );
    });
  });
}
