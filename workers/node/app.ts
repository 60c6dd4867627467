// A Node app as the host sees one: whatever it is made with, in the end a listener of requests.

import type { Server } from "node:http";
import type { InitContext } from "../../src/app/context.ts";
import { Fault } from "../../src/base/fault.ts";
import type { Params } from "../../src/fastcgi/name-values.ts";
import type { App, Place } from "../kinds/app.ts";
import { type Answer, call, followStrayErrors } from "./call.ts";
import { instanceOf } from "./fastify.ts";
import { declaredShape, type NodeShape } from "./shapes.ts";
import type { RequestSocket } from "./socket.ts";
import { type Close, stopProgram } from "./stopping.ts";
import { type FilePlace, targetOf } from "./target.ts";

export interface NodeHooks {
  readonly init: ((worker: InitContext) => unknown) | undefined;
  /** Called with the state, after the app is closed. */
  readonly dispose: (state: unknown) => unknown;
}

interface Ready {
  readonly answer: Answer;
  readonly close: Close;
  readonly serverTimedOut?: (socket: RequestSocket) => boolean;
}

const NOTHING_TO_CLOSE: Close = async () => {};

let followsStrayErrors = false;

/** Rejects with what the framework's own start, or the author's `init`, threw. */
export async function nodeApp(shape: NodeShape, init: InitContext, hooks: NodeHooks): Promise<App> {
  if (!followsStrayErrors) followStrayErrors();
  followsStrayErrors = true;
  const state: unknown = await hooks.init?.(init);
  const { answer, close, ...rest } = await readyOf(shape, init.file);
  return {
    file: init.file,
    state,
    answer(exchange, ctx, { method, mount, corrections, isWrapped }) {
      const target = targetOf(exchange.params, mount, placeOf(corrections, exchange.params));
      const hooks = isWrapped === true ? undefined : ctx;
      return call({ exchange, hooks, method, target, ...rest }, answer);
    },
    respond() {
      throw new Fault("HANDLER", `${init.file} is a Node app: it answers by itself and returns no Response`, {
        hint: "Ask it with answer(); captured.ts makes a Response of what it replies.",
      });
    },
    async dispose() {
      try {
        await stopProgram(close);
      } finally {
        await hooks.dispose(state);
      }
    },
  };
}

async function readyOf(shape: NodeShape, file: string): Promise<Ready> {
  switch (shape.kind) {
    case "listener":
      return { answer: shape.listener, close: NOTHING_TO_CLOSE };
    case "koa":
      return { answer: shape.app.callback(), close: NOTHING_TO_CLOSE };
    case "fastify": {
      const { app } = shape;
      await app.ready();
      return { answer: (req, res) => app.routing(req, res), close: () => app.close() };
    }
    case "nest": {
      const { app } = shape;
      await app.init();
      const inner = declaredShape(app.getHttpAdapter().getInstance());
      if (inner === undefined) throw new Fault("BOOT", `${file}: this adapter of Nest is not known`);
      return { answer: (await readyOf(inner, file)).answer, close: () => app.close() };
    }
    case "server":
      return serverReady(shape.server);
  }
}

/** A server answers as it would have: with whatever listens to its events. */
function serverReady(server: Server): Ready {
  return {
    answer(req, res) {
      // The web server has sent "100 Continue" already; who decides about bodies decides all the same.
      const isChecked = req.headers.expect !== undefined && server.listenerCount("checkContinue") > 0;
      if (server.emit(isChecked ? "checkContinue" : "request", req, res)) return;
      throw new Fault("HANDLER", "the http.Server has no listener of 'request'");
    },
    close: async () => {
      await instanceOf(server)?.close();
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
    serverTimedOut: (socket) => server.emit("timeout", socket),
  };
}

/** As the file's resolution, or else the web server, says it. */
function placeOf(corrections: Place["corrections"], params: Params): FilePlace | undefined {
  if (corrections === undefined) return undefined;
  return {
    scriptName: corrections.SCRIPT_NAME ?? params.getUtf8("SCRIPT_NAME") ?? "",
    pathInfo: corrections.PATH_INFO ?? params.getUtf8("PATH_INFO") ?? "",
  };
}
