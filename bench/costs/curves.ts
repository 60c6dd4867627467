// What a pool costs against what there is of it: workers, connections, waiting requests, sessions, pages.

import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeRequest, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";
import { type Run, withRun } from "../surroundings.ts";
import { apacheFor, lightLoad, type Point, Subject } from "./subject.ts";

export interface Curve {
  readonly id: string;
  readonly title: string;
  readonly points: readonly Point[];
}

interface Recipe {
  readonly id: string;
  readonly title: string;
  readonly at: readonly number[];
  /** All of them in `run`, or each in a run of its own. */
  measure(run: Run, at: readonly number[]): Promise<Point[]>;
}

const HELLO = "bench/apps/hello.ts";
/** Until the workers have given back what their start left behind (workers/tidying.ts). */
const TIDIED_MS = 10_000;
const CONNECT_TIMEOUT_MS = 20_000;
const RECONNECT_MS = 20;
const CONNECTED_AT_ONCE = 100;

export const RECIPES: readonly Recipe[] = [
  {
    id: "workers",
    title: "worker threads",
    at: [1, 2, 4, 8, 16],
    async measure(_run, at) {
      const points: Point[] = [];
      for (const threads of at) {
        points.push(
          await withRun(async (run) => {
            const subject = await Subject.start(run, HELLO, { threads });
            return { ...(await subject.look(threads, () => delay(TIDIED_MS))), firstReplyMs: subject.firstReplyMs };
          }),
        );
      }
      return points;
    },
  },
  {
    id: "connections",
    title: "idle connections",
    at: [0, 100, 1000, 5000, 10_000],
    async measure(run, at) {
      const subject = await Subject.start(run, HELLO, {});
      const { port } = await apacheFor(run, subject);
      await lightLoad(port);
      return withSockets(async (open) => {
        const points: Point[] = [];
        for (const count of at) {
          // As Apache keeps them: each has been asked. One that never is ends at request.receive_timeout.
          const point = await subject.look(count, () => open(subject.socket, count, request("/hello")));
          points.push({ ...point, p99Ms: await lightLoad(port) });
        }
        return points;
      });
    },
  },
  {
    id: "queue",
    title: "requests that wait for a worker",
    at: [0, 100, 1000, 5000],
    async measure(run, at) {
      const settings = ["concurrency = 1", "queue.max = 10000", 'queue.timeout = "10m"'];
      const subject = await Subject.start(run, "bench/apps/hold.ts", { threads: 1, settings });
      // The one that the worker has does not wait.
      return withSockets((open) =>
        inOrder(at, (count) => subject.look(count, () => open(subject.socket, count + 1, request("/hold")))),
      );
    },
  },
  {
    id: "sessions",
    title: "sessions in memory",
    at: [0, 1000, 10_000, 50_000],
    async measure(run, at) {
      const subject = await Subject.start(run, "bench/apps/model/session.js", {
        settings: ['session.store = "memory"'],
      });
      let made = 1;
      return inOrder(at, (count) =>
        subject.look(count, async () => {
          const wanted = Math.max(0, count - made);
          await subject.askAll(Array.from({ length: wanted }, () => "/write"));
          made += wanted;
        }),
      );
    },
  },
  {
    id: "pages",
    title: "pages that were asked for",
    at: [0, 10, 100, 500],
    async measure(run, at) {
      const root = join(run.folder, "pages");
      mkdirSync(root, { mode: 0o755 });
      const page = (name: string) =>
        writeFileSync(join(root, `${name}.tsp`), `<p><%= ${JSON.stringify(name)} %></p>\n`);
      page("index");
      for (let index = 0; index < Math.max(...at); index++) page(`page${index}`);
      const subject = await Subject.start(run, HELLO, { root });
      let asked = 0;
      return inOrder(at, (count) =>
        subject.look(count, async () => {
          await subject.askAll(Array.from({ length: count - asked }, (_, index) => `/page${asked + index}`));
          asked = count;
        }),
      );
    },
  },
];

async function inOrder<T>(at: readonly number[], look: (count: number) => Promise<T>): Promise<T[]> {
  const points: T[] = [];
  for (const count of at) points.push(await look(count));
  return points;
}

function request(uri: string): Buffer {
  const params = [
    ["REQUEST_METHOD", "GET"],
    ["REQUEST_URI", uri],
    ["SCRIPT_NAME", uri],
  ] as const;
  return Buffer.concat([encodeRequest({ keepConn: true, params }), encodeStdinEnd(1)]);
}

/** `open` brings the connections to a pool up to `count`, each of which says `greeting` first. */
type Open = (path: string, count: number, greeting: Buffer) => Promise<void>;

async function withSockets<T>(use: (open: Open) => Promise<T>): Promise<T> {
  const sockets: Socket[] = [];
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const open: Open = async (path, count, greeting) => {
    while (sockets.length < count) {
      const more = Math.min(CONNECTED_AT_ONCE, count - sockets.length);
      const opened = await Promise.all(Array.from({ length: more }, () => connected(path)));
      for (const socket of opened) {
        socket.once("close", () =>
          ended.reject(new Error(`the pool closed one of ${sockets.length} connections that were to stay`)),
        );
        socket.write(greeting);
        sockets.push(socket);
      }
    }
  };
  try {
    return await Promise.race([use(open), ended.promise]);
  } finally {
    for (const socket of sockets) socket.removeAllListeners("close").destroy();
  }
}

/** Where more connect than the pool has accepted yet, the kernel says EAGAIN at once: then again, a little later. */
async function connected(path: string): Promise<Socket> {
  const deadline = performance.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    try {
      return await connectOnce(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > deadline) throw error;
      await delay(RECONNECT_MS);
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error(`${path}: no connection`)));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.resume();
      resolve(socket);
    });
  });
}
