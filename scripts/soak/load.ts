// A steady mixed load through Apache: clients that keep their connections, each asking at its own pace,
// every reply compared with what its kind of request must bring. Latency counts from when a request
// was due, so a pause hides nobody's wait.

import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { quantile, shuffled, spread } from "../../bench/statistics.ts";
import { echoBody, HELLO, LATER, page, streamed } from "./bodies.ts";

/** Longer than any pause that could be called a wait. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Reasons that are kept; all are counted. */
const REASONS_KEPT = 100;
/** Of the order of the kinds, so that two runs ask for the same. */
const SEED = 20_000;

/** Of so many requests each client makes in a row, how many of which kind; the rest are "hello". */
const PERIOD = 200;
const SHARES = {
  page: 40,
  echo: 24,
  stream: 16,
  later: 10,
  /** A file that Apache itself answers: what the machine costs, whatever the pools do. */
  still: 8,
  /** A connection of its own, closed after the reply. */
  fresh: 2,
  throws: 1,
  /** The client leaves in the middle of the reply. */
  leaves: 1,
} as const;
export type Kind = keyof typeof SHARES | "hello";

const OTHERS = Object.entries(SHARES).flatMap(([kind, share]) => Array<Kind>(share).fill(kind as Kind));
const SCHEDULE = shuffled<Kind>([...OTHERS, ...Array<Kind>(PERIOD - OTHERS.length).fill("hello")], SEED);

/** Kinds whose handlers do not wait on purpose; their latencies are the pools'. */
const TIMED: readonly Kind[] = ["hello", "page", "echo"];

const PAGE = Buffer.from(page());
const STREAMED = streamed();
export const STILL = "still\n";

export interface LoadOptions {
  readonly port: number;
  /** The path of the file that Apache answers. */
  readonly still: string;
  /** Where each client asks, by its number; ends with a slash. */
  readonly base: (client: number) => string;
  readonly clients: number;
  /** Of all clients together. */
  readonly requestsPerSecond: number;
}

/** What happened since the last look. */
export interface Interval {
  readonly requests: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the file that Apache itself answers. */
  readonly stillP99Ms: number;
}

export interface Failure {
  readonly at: string;
  readonly kind: Kind;
  readonly reason: string;
}

export class SoakLoad {
  readonly #options: LoadOptions;
  readonly #runs: readonly Promise<void>[];
  readonly #kinds = new Map<Kind, number>();
  readonly #reasons: Failure[] = [];
  #timed: number[] = [];
  #still: number[] = [];
  #requests = 0;
  #failures = 0;
  #looked = { requests: 0, failures: 0 };
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#runs = Array.from({ length: options.clients }, (_, client) => this.#run(client));
  }

  get requests(): number {
    return this.#requests;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The first of them. */
  get reasons(): readonly Failure[] {
    return this.#reasons;
  }

  get kinds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#kinds);
  }

  /** Ends an interval and begins the next one. */
  look(): Interval {
    const timed = this.#timed.sort((a, b) => a - b);
    const still = this.#still.sort((a, b) => a - b);
    const interval = {
      requests: this.#requests - this.#looked.requests,
      failures: this.#failures - this.#looked.failures,
      p50Ms: spread(timed).median,
      p99Ms: quantile(timed, 0.99),
      maxMs: quantile(timed, 1),
      stillP99Ms: quantile(still, 0.99),
    };
    this.#timed = [];
    this.#still = [];
    this.#looked = { requests: this.#requests, failures: this.#failures };
    return interval;
  }

  /** Lets every client finish what it has asked for; ANSWER_TIMEOUT_MS bounds that. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#runs);
  }

  async #run(client: number): Promise<void> {
    const { clients, requestsPerSecond } = this.#options;
    const everyMs = (1000 * clients) / requestsPerSecond;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let due = performance.now() + (everyMs * client) / clients;
    // Clients begin at different places of the schedule.
    for (let turn = client * Math.floor(PERIOD / clients); !this.#stopping; turn++) {
      const waitMs = due - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const kind = SCHEDULE[turn % PERIOD] ?? "hello";
      this.#requests++;
      this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
      try {
        await this.#ask(kind, client, turn, agent);
        if (TIMED.includes(kind)) this.#timed.push(performance.now() - due);
        if (kind === "still") this.#still.push(performance.now() - due);
      } catch (error) {
        this.#failures++;
        const reason = (error as Error).message;
        if (this.#reasons.length < REASONS_KEPT) this.#reasons.push({ at: new Date().toISOString(), kind, reason });
      }
      due += everyMs;
    }
    agent.destroy();
  }

  async #ask(kind: Kind, client: number, turn: number, agent: Agent): Promise<void> {
    const base = this.#options.base(client);
    switch (kind) {
      case "hello":
        return expect(await this.#get(`${base}hello`, agent), 200, HELLO);
      case "fresh":
        return expect(await this.#get(`${base}hello`, false), 200, HELLO);
      case "page":
        return expect(await this.#get(`${base}page`, agent), 200, PAGE);
      case "stream":
        return expect(await this.#get(`${base}stream`, agent), 200, STREAMED);
      case "later":
        return expect(await this.#get(`${base}later`, agent), 200, LATER);
      case "throws":
        return expect(await this.#get(`${base}throws`, agent), 500);
      case "still":
        return expect(await this.#get(this.#options.still, agent), 200, STILL);
      case "echo": {
        const body = echoBody(client * 1_000_000 + turn);
        return expect(await this.#whole(await this.#begin(`${base}echo`, agent, body)), 200, body);
      }
      case "leaves": {
        const response = await this.#begin(`${base}endless`, agent);
        await once(response, "data");
        response.destroy();
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        return;
      }
    }
  }

  async #get(path: string, agent: Agent | false): Promise<Answer> {
    return this.#whole(await this.#begin(path, agent));
  }

  /** Resolves with the head of the reply. */
  async #begin(path: string, agent: Agent | false, body?: Buffer): Promise<IncomingMessage> {
    const { port } = this.#options;
    const method = body === undefined ? "GET" : "POST";
    const headers = body === undefined ? {} : { "content-length": body.length };
    const asked = request({ host: "127.0.0.1", port, path, agent, method, headers });
    asked.setTimeout(ANSWER_TIMEOUT_MS, () => {
      asked.destroy(new Error(`${path}: silent for ${ANSWER_TIMEOUT_MS} ms`));
    });
    asked.end(body);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return response;
  }

  async #whole(response: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function expect({ status, body }: Answer, wantedStatus: number, wanted?: string | Buffer): void {
  if (status !== wantedStatus) throw new Error(`status ${status}: ${body.toString("latin1").slice(0, 200)}`);
  if (wanted !== undefined && !body.equals(Buffer.from(wanted))) {
    throw new Error(`another body than expected, ${body.length} bytes: ${body.toString("latin1").slice(0, 80)}`);
  }
}
