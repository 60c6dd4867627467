// Throws broken FastCGI at the application's side, in this process: `node dist/scripts/fuzz.js
// [count] [seed]`. Lists of records, from the corpus and made up, are mutated as records and as
// bytes, cut anywhere, and answered at any time. One line of JSON at the end; status 1 after the
// first input that breaks a promise, with the bytes that did it.

import { Application, type ApplicationEvent, DEFAULT_LIMITS } from "../src/fastcgi/application.ts";
import { encodeNameValues } from "../src/fastcgi/name-values.ts";
import { meaningOf, readCorpus } from "../test/support/fastcgi-corpus.ts";

const LIMITS = { ...DEFAULT_LIMITS, paramsBytes: 4096, paramsCount: 20, openRequests: 3, emptyRecords: 20 };
const LARGEST_RECORD_BYTES = 8 + 65_535 + 255;
const BOUND_BYTES = LARGEST_RECORD_BYTES + LIMITS.openRequests * LIMITS.paramsBytes;
const PROGRESS_EVERY = 100_000;

/** A record as a mutation sees it: any field may lie. */
interface Draft {
  readonly version: number;
  readonly type: number;
  readonly id: number;
  readonly content: Buffer;
  readonly padding: number;
  /** What the header says, if not the truth. */
  readonly declared?: number;
}

type Random = (below: number) => number;

/** Mulberry32: the same seed gives the same run on every machine. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[random(from.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}

function assemble(drafts: readonly Draft[]): Buffer {
  return Buffer.concat(
    drafts.flatMap(({ version, type, id, content, padding, declared = content.length }) => [
      Buffer.of(version, type, id >> 8, id, declared >> 8, declared, padding, 0),
      content,
      Buffer.alloc(padding),
    ]),
  );
}

/** The plainest reading there is, as the judge of the real one: stops where the bytes end or go wrong. */
function disassemble(bytes: Buffer): Draft[] {
  const drafts: Draft[] = [];
  let at = 0;
  while (at + 8 <= bytes.length && bytes[at] === 1) {
    const start = at + 8;
    const end = start + bytes.readUInt16BE(at + 4);
    const padding = bytes.readUInt8(at + 6);
    if (end > bytes.length) break;
    const content = bytes.subarray(start, end);
    drafts.push({ version: 1, type: bytes.readUInt8(at + 1), id: bytes.readUInt16BE(at + 2), content, padding });
    at = end + padding;
  }
  return drafts;
}

function makeUp(random: Random): Draft[] {
  const id = 1 + random(3);
  const record = (type: number, content: Buffer = Buffer.alloc(0)): Draft => ({
    version: 1,
    type,
    id,
    content,
    padding: random(9),
  });
  const role = 1 + random(3);
  const pairs = Array.from({ length: random(8) }, (_, at) => [`NAME_${at}`, "v".repeat(random(200))] as const);
  const params = encodeNameValues(pairs);
  const cut = random(params.length + 1);
  const drafts = [record(1, Buffer.from([0, role, random(2), 0, 0, 0, 0, 0]))];
  for (const part of [params.subarray(0, cut), params.subarray(cut)]) if (part.length > 0) drafts.push(record(4, part));
  drafts.push(record(4));
  for (let left = random(3); left > 0; left -= 1) drafts.push(record(5, Buffer.alloc(1 + random(300), "stdin")));
  drafts.push(record(5));
  if (role === 3) drafts.push(record(8, Buffer.from("data")), record(8));
  return drafts;
}

const MUTATIONS: readonly ((drafts: Draft[], random: Random, seeds: readonly Draft[][]) => void)[] = [
  // drop, duplicate, swap
  (drafts, random) => drafts.splice(random(drafts.length), 1),
  (drafts, random) => drafts.splice(random(drafts.length), 0, pick(random, drafts)),
  (drafts, random) => {
    const at = random(drafts.length);
    drafts.push(...drafts.splice(at, 1));
  },
  // another type, another id, another version, another padding
  (drafts, random) => change(drafts, random, { type: pick(random, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255]) }),
  (drafts, random) => change(drafts, random, { id: pick(random, [0, 1, 2, 3, 256, 65_535]) }),
  (drafts, random) => change(drafts, random, { version: pick(random, [0, 1, 1, 2, 255]) }),
  (drafts, random) => change(drafts, random, { padding: pick(random, [0, 1, 8, 255]) }),
  // a length that lies
  (drafts, random) => {
    const at = random(drafts.length);
    const length = drafts[at]?.content.length ?? 0;
    change(drafts, () => at, {
      declared: pick(random, [0, Math.max(0, length - 1), (length + 1) & 0xffff, 0x7f, 0x80, 65_535]),
    });
  },
  // content: emptied, flipped, cut, or with boundary bytes in it
  (drafts, random) => change(drafts, random, { content: Buffer.alloc(0) }),
  (drafts, random) =>
    edit(drafts, random, (content) => {
      const at = random(content.length);
      content[at] = (content[at] ?? 0) ^ (1 << random(8));
    }),
  (drafts, random) =>
    edit(drafts, random, (content) => (content[random(content.length)] = pick(random, [0, 0x7f, 0x80, 0xff]))),
  (drafts, random) => {
    const at = random(drafts.length);
    const content = drafts[at]?.content ?? Buffer.alloc(0);
    change(drafts, () => at, { content: content.subarray(0, random(content.length + 1)) });
  },
  // another request among these records, or inside of one
  (drafts, random, seeds) => drafts.splice(random(drafts.length), 0, ...pick(random, seeds)),
  (drafts, random, seeds) => change(drafts, random, { content: assemble(pick(random, seeds)).subarray(0, 60_000) }),
];

function change(drafts: Draft[], random: Random, fields: Partial<Draft>): void {
  const at = random(drafts.length);
  const draft = drafts[at];
  if (draft !== undefined) drafts[at] = { ...draft, ...fields };
}

function edit(drafts: Draft[], random: Random, write: (content: Buffer) => void): void {
  const at = random(drafts.length);
  const content = Buffer.from(drafts[at]?.content ?? []);
  if (content.length > 0) write(content);
  change(drafts, () => at, { content });
}

function mutate(seeds: readonly Draft[][], random: Random): Buffer {
  const drafts = random(2) === 0 ? makeUp(random) : [...pick(random, seeds)];
  if (random(3) === 0) drafts.push(...makeUp(random));
  for (let left = random(5); left > 0 && drafts.length > 0; left -= 1) pick(random, MUTATIONS)(drafts, random, seeds);
  const bytes = assemble(drafts);
  if (random(20) === 0) return bytes.subarray(0, random(bytes.length + 1));
  for (let left = random(8) === 0 ? random(4) : 0; left > 0 && bytes.length > 0; left -= 1)
    bytes[random(bytes.length)] = random(256);
  return bytes;
}

interface Outcome {
  readonly events: ApplicationEvent[];
  readonly peakBytes: number;
}

/** Delivers in pieces, answers at random if `random` is given, and watches what is held. */
function deliver(bytes: Buffer, pieceBytes: number, random?: Random): Outcome {
  const application = new Application(LIMITS);
  const events: ApplicationEvent[] = [];
  let peakBytes = 0;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    events.push(...application.receive(bytes.subarray(at, at + pieceBytes)));
    peakBytes = Math.max(peakBytes, application.buffered);
    if (application.open > LIMITS.openRequests) throw new Error(`${application.open} requests are open`);
    if (random !== undefined && random(3) === 0) application.end(1 + random(3));
  }
  return { events, peakBytes };
}

/** Throws if the events say what the bytes did not. */
function judge(bytes: Buffer, events: readonly ApplicationEvent[]): void {
  const streams = new Map<number, Buffer[]>();
  const complete: { id: number; params: Buffer }[] = [];
  for (const { type, id, content } of disassemble(bytes)) {
    if (type === 1) streams.set(id, []);
    if (type !== 4) continue;
    const stream = streams.get(id);
    if (content.length > 0) stream?.push(content);
    else if (stream !== undefined) complete.push({ id, params: Buffer.concat(stream) });
  }
  let isOver = false;
  for (const event of events) {
    if (isOver) throw new Error(`${event.kind} after the end`);
    if (event.kind === "fault" && event.fault.code !== "PROTOCOL") throw new Error(`fault ${event.fault.code}`);
    if (event.kind === "refuse" && event.fault.code !== (event.fatal ? "PROTOCOL" : "LIMIT")) {
      throw new Error(`refused with ${event.fault.code}, fatal ${event.fatal}`);
    }
    if (event.kind === "request") {
      const found = complete.findIndex(({ id, params }) => id === event.id && params.equals(event.params));
      if (found < 0) throw new Error(`parameters of request ${event.id} that were never sent`);
      complete.splice(0, found + 1);
    }
    isOver = event.kind === "fault" || (event.kind === "refuse" && event.fatal);
  }
}

function main(count: number, seed: number): number {
  const random = createRandom(seed);
  const seeds = [...readCorpus("valid"), ...readCorpus("invalid")]
    .map(({ steps }) => disassemble(Buffer.concat(steps.flatMap((step) => ("bytes" in step ? [step.bytes] : [])))))
    .filter((drafts) => drafts.length > 0 && assemble(drafts).length < 2000);
  const kinds = new Map<string, number>();
  let peakBytes = 0;
  let bytesTotal = 0;
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;

  for (let turn = 1; turn <= count; turn += 1) {
    const bytes = mutate(seeds, random);
    try {
      const whole = deliver(bytes, Math.max(1, bytes.length));
      judge(bytes, whole.events);
      const pieceBytes = 1 + random(64);
      if (JSON.stringify(meaningOf(whole.events)) !== JSON.stringify(meaningOf(deliver(bytes, pieceBytes).events))) {
        throw new Error(`pieces of ${pieceBytes} bytes mean something else`);
      }
      const answered = deliver(bytes, pieceBytes, random);
      judge(bytes, answered.events);
      peakBytes = Math.max(peakBytes, whole.peakBytes, answered.peakBytes);
      if (peakBytes > BOUND_BYTES) throw new Error(`${peakBytes} bytes are held; the bound is ${BOUND_BYTES}`);
      for (const { kind } of answered.events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    } catch (error) {
      console.error(`input ${turn} of seed ${seed}:`, error);
      console.error(bytes.toString("hex"));
      return 1;
    }
    bytesTotal += bytes.length;
    if (turn % PROGRESS_EVERY === 0)
      console.error(`${turn} inputs, ${Math.round(turn / seconds())}/s, at most ${peakBytes} bytes held`);
  }
  const perSecond = Math.round(count / seconds());
  const summary = {
    inputs: count,
    seed,
    violations: 0,
    perSecond,
    bytes: bytesTotal,
    peakBytes,
    boundBytes: BOUND_BYTES,
  };
  console.log(JSON.stringify({ ...summary, events: Object.fromEntries([...kinds].sort()) }));
  return 0;
}

const [count = "100000", seed = String(Date.now() % 2 ** 32)] = process.argv.slice(2);
process.exitCode = main(Number(count), Number(seed));
