// The control socket: one JSON line in, one out, then it closes. Whoever may open the socket (mode
// 0600) may stop the server; it understands nothing else than src/messages/control.ts.

import { createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../base/clock.ts";
import { Fault, toFaultData } from "../base/fault.ts";
import type { ControlReply, ControlRequest } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import { freeSocketPath } from "./socket-path.ts";

const REQUEST_LIMIT_BYTES = 64 * 1024;
/** For a client to send its line, and to take the answer, ms. */
const IO_TIMEOUT_MS = 5000;
/** For all clients together to take their answers when the supervisor ends, ms. */
const CLOSE_TIMEOUT_MS = 1000;
/** Clients at a time: whoever waits for a reload must not shut out who wants to stop. */
const CLIENTS = 128;

export interface ControlSocket {
  /** Stops listening, and frees the path at once; who has asked already is still answered. */
  release(): void;
  /** Stops listening and resolves when the answers that are due were taken, or their time is over. */
  close(): Promise<void>;
}

/** Listens on `path`. Rejects with LISTEN when a living supervisor has it, or it cannot be made. */
export async function openControl(
  path: string,
  answer: (request: ControlRequest) => Promise<ControlReply>,
  log: Log,
): Promise<ControlSocket> {
  await freeSocketPath(path);
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket);
    socket.on("close", () => clients.delete(socket));
    serve(socket, answer, log);
  });
  server.maxConnections = CLIENTS;
  await listen(server, path);
  return {
    release: () => {
      server.close();
    },
    close: () =>
      new Promise((resolve) => {
        const cancel = systemClock.at(systemClock.now() + CLOSE_TIMEOUT_MS, () => {
          for (const client of clients) client.destroy();
        });
        server.close(() => {
          cancel();
          resolve();
        });
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new Fault("LISTEN", `the control socket ${path} cannot be made: ${cause.message}`, { cause }));
    });
    // A path is bound within the call, so nobody else's file gets this mask.
    const umask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(umask);
    }
  });
}

function serve(socket: Socket, answer: (request: ControlRequest) => Promise<ControlReply>, log: Log): void {
  let received = "";
  socket.setEncoding("utf8");
  socket.setTimeout(IO_TIMEOUT_MS, () => socket.destroy());
  socket.on("error", (error) => log.debug("control: the client left", { message: error.message }));
  const onData = (chunk: string): void => {
    received += chunk;
    const end = received.indexOf("\n");
    if (end < 0 && received.length <= REQUEST_LIMIT_BYTES) return;
    socket.off("data", onData);
    // What follows the line is thrown away, so that the client's end is seen.
    socket.resume();
    // An answer may take as long as a stop takes.
    socket.setTimeout(0);
    void reply(received.slice(0, Math.max(0, end)), answer).then((line) => {
      socket.setTimeout(IO_TIMEOUT_MS, () => socket.destroy());
      socket.end(line);
    });
  };
  socket.on("data", onData);
  socket.on("end", () => {
    if (!received.includes("\n")) socket.destroy();
  });
}

async function reply(line: string, answer: (request: ControlRequest) => Promise<ControlReply>): Promise<string> {
  let reply: ControlReply;
  try {
    reply = await answer(parseRequest(line));
  } catch (error) {
    const { stack, ...fault } = toFaultData(error, "CONFIG");
    // Where an app threw is for its author, who may read this socket; where we did is for nobody.
    reply = { ok: false, fault: fault.code === "BOOT" && stack !== undefined ? { ...fault, stack } : fault };
  }
  return `${JSON.stringify(reply)}\n`;
}

function parseRequest(line: string): ControlRequest {
  const request = parseJson(line);
  if (typeof request === "object" && request !== null && "command" in request) {
    switch (request.command) {
      case "status":
      case "stop":
        return { command: request.command };
      case "reload": {
        const { pool, changed } = request as { pool?: unknown; changed?: unknown };
        if ((pool !== undefined && typeof pool !== "string") || (changed !== undefined && typeof changed !== "boolean"))
          break;
        return {
          command: "reload",
          ...(pool === undefined ? {} : { pool }),
          ...(changed === undefined ? {} : { changed }),
        };
      }
      case "ping":
        if ("pool" in request && typeof request.pool === "string") return { command: "ping", pool: request.pool };
    }
  }
  throw new Fault("USAGE", "the control socket was sent something that is no request", {
    hint: "is this `holdfast` older or newer than the running one?",
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
