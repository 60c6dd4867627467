// A FastCGI responder that answers with what a function says: the other side of Apache and of the
// built-in front where a test needs no pool.

import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { Application } from "../../src/fastcgi/application.ts";
import { encodeReply } from "../../src/fastcgi/encoder.ts";
import { Params } from "../../src/fastcgi/name-values.ts";

export interface FakeRequest {
  readonly params: Params;
  readonly body: Buffer;
  /** Counts connections from 1. */
  readonly connection: number;
  readonly keepConn: boolean;
  /** For answers that break the rules. */
  readonly socket: Socket;
  readonly id: number;
}

export interface FakeReply {
  readonly head: string;
  readonly body?: Uint8Array;
}

export interface FakeResponder {
  /** Requests that were answered or left unanswered, in order. */
  readonly requests: readonly FakeRequest[];
  /** Connections so far. */
  connections(): number;
  /** Connections that are open. */
  open(): number;
  close(): Promise<void>;
}

export interface Answers {
  /** Called with the whole request. Undefined leaves the reply to the test. */
  readonly whole?: (request: FakeRequest) => FakeReply | undefined;
  /** Called before the body is there. Undefined waits for it. */
  readonly early?: (request: FakeRequest) => FakeReply | undefined;
}

/** The variables as JSON: what most tests want to know. */
export function echoParams({ params, body }: FakeRequest): FakeReply {
  const json = JSON.stringify({ params: Object.fromEntries(params.entries()), bodyLength: body.length });
  const head = `Content-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n`;
  return { head, body: Buffer.from(json, "latin1") };
}

export async function startFakeResponder(
  path: string,
  { whole = echoParams, early = () => undefined }: Answers = {},
): Promise<FakeResponder> {
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const heard = (request: FakeRequest): FakeReply | undefined => {
      requests.push(request);
      return whole(request);
    };
    serve(socket, connections, { whole: heard, early });
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o666);
  return {
    requests,
    connections: () => connections,
    open: () => sockets.size,
    async close() {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function serve(socket: Socket, connection: number, { whole, early }: Required<Answers>): void {
  const application = new Application();
  let request: FakeRequest | undefined;
  let body: Buffer[] = [];
  const answer = (reply: FakeReply | undefined): void => {
    if (reply === undefined || request === undefined) return;
    application.end(request.id);
    socket.write(encodeReply(request.id, reply.head, reply.body));
    if (!request.keepConn) socket.end();
  };
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    for (const event of application.receive(Buffer.from(chunk))) {
      if (event.kind === "request") {
        const { id, keepConn } = event;
        body = [];
        request = { params: new Params(event.params), body: Buffer.alloc(0), connection, keepConn, socket, id };
        answer(early(request));
      } else if (event.kind === "stdin") {
        body.push(event.bytes);
      } else if (event.kind === "stdin-end" && request !== undefined) {
        application.end(event.id);
        answer(whole({ ...request, body: Buffer.concat(body) }));
      }
    }
  });
}
