// One Holdfast whose cost is looked at: its processes' memory when it is idle, and what they do meanwhile.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Apache, startApache } from "../apache.ts";
import { ask, poolClient } from "../ask-pool.ts";
import type { Child } from "../child.ts";
import { HttpClients } from "../http-clients.ts";
import { BODY, type Peer } from "../peer.ts";
import { type HoldfastOptions, holdfast } from "../peers/holdfast.ts";
import { cpuMicros, processTree, residentBytes } from "../proc.ts";
import type { Run } from "../surroundings.ts";

const MIB = 1024 * 1024;
/** Between what is done and the look at memory. */
const SETTLE_MS = 2000;
const IDLE_LOOK_MS = 2000;
const LIGHT_PER_SECOND = 100;
const LIGHT_CLIENTS = 4;
const LIGHT_SECONDS = 5;
const ASKED_AT_ONCE = 16;

/** What is found at one place of a curve. */
export interface Point {
  readonly x: number;
  /** Proportional memory (Pss) of all its processes. */
  readonly mib: number;
  /** Of each second, while nobody asks for anything. */
  readonly idleCpuMs: number;
  /** To get there: CPU of the work that was done, in all. */
  readonly workCpuMs: number;
  /** From the start of `holdfast start` to its first reply. */
  readonly firstReplyMs?: number;
  /** Of a light load through Apache meanwhile. */
  readonly p99Ms?: number;
}

export class Subject {
  readonly socket: string;
  readonly firstReplyMs: number;
  readonly #child: Child;

  private constructor(socket: string, child: Child, firstReplyMs: number) {
    this.socket = socket;
    this.#child = child;
    this.firstReplyMs = firstReplyMs;
  }

  /** `probe` is asked once; the subject has served. */
  static async start(run: Run, app: string, options: HoldfastOptions, probe = "/"): Promise<Subject> {
    const socket = join(run.folder, "subject.sock");
    const peer = holdfast(app, options);
    const begun = performance.now();
    const child = await peer.start(run, socket);
    run.own(child);
    const subject = new Subject(socket, child, Number.NaN);
    await subject.askAll([probe]);
    return new Subject(socket, child, performance.now() - begun);
  }

  /** Each of them once, some at a time; every answer must be 200. */
  async askAll(uris: readonly string[]): Promise<void> {
    const client = poolClient(this.socket, ASKED_AT_ONCE);
    let next = 0;
    const asker = async () => {
      while (next < uris.length) await ask(client, uris[next++] ?? "/");
    };
    try {
      await Promise.all(Array.from({ length: ASKED_AT_ONCE }, asker));
    } finally {
      client.close();
    }
  }

  /** Does `work`, waits until it has settled, and looks. */
  async look(x: number, work: () => Promise<void> = async () => {}): Promise<Point> {
    const before = this.#cpuMs();
    await work();
    const workCpuMs = this.#cpuMs() - before;
    await delay(SETTLE_MS);
    const idleFrom = this.#cpuMs();
    await delay(IDLE_LOOK_MS);
    const idleCpuMs = (this.#cpuMs() - idleFrom) / (IDLE_LOOK_MS / 1000);
    return { x, mib: residentBytes(processTree(this.#child.pid)) / MIB, idleCpuMs, workCpuMs };
  }

  #cpuMs(): number {
    return cpuMicros(processTree(this.#child.pid)) / 1000;
  }
}

/** An Apache before `subject`. */
export async function apacheFor(run: Run, { socket }: Subject): Promise<Apache> {
  const peer: Peer = holdfast();

  return run.own(await startApache(run, [{ peer: { ...peer, setHandler: false }, socket }]));
}

/** p99 of small requests at a steady, low rate, in ms. */
export async function lightLoad(port: number): Promise<number> {
  const clients = new HttpClients({
    port,
    path: "/holdfast/hello",
    clients: LIGHT_CLIENTS,
    requestsPerSecond: LIGHT_PER_SECOND,
    body: BODY,
  });
  await delay(LIGHT_SECONDS * 1000);
  const { p99Ms, failures } = await clients.stop();
  if (failures.length > 0) throw new Error(`${failures.length} requests failed: ${failures[0]}`);
  return p99Ms;
}
