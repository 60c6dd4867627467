import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { Application, type ApplicationEvent, DEFAULT_LIMITS } from "../../src/fastcgi/application.ts";
import { FCGI_STDIN } from "../../src/fastcgi/constants.ts";
import { Decoder } from "../../src/fastcgi/decoder.ts";
import { encodeRecord, encodeReply, encodeStream } from "../../src/fastcgi/encoder.ts";
import { encodeNameValues, inspectNameValues, Params } from "../../src/fastcgi/name-values.ts";
import type { FcgiRecord } from "../../src/fastcgi/record.ts";
import {
  encodeData,
  encodeDataEnd,
  encodeRequest,
  encodeStdin,
  encodeStdinEnd,
  ResponseDecoder,
} from "../../src/fastcgi/web-server.ts";
import { meaningOf } from "../support/fastcgi-corpus.ts";

const LIMITS = {
  ...DEFAULT_LIMITS,
  paramsBytes: 200,
  paramsCount: 5,
  openRequests: 2,
  strayRecords: 3,
  emptyRecords: 5,
};
const LARGEST_RECORD_BYTES = 8 + 65_535 + 255;

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** Records that look right more often than not: few ids, known types, bodies that parse. */
const record = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 4 }), fc.boolean()).map(([id, role, keep]) => {
    return encodeRecord(1, id, Buffer.from([0, role, keep ? 1 : 0, 0, 0, 0, 0, 0]));
  }),
  fc
    .tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.string({ maxLength: 140 })), { maxLength: 3 }),
    )
    .map(([id, pairs]) => encodeRecord(4, id, encodeNameValues(pairs))),
  fc
    .tuple(
      fc.constantFrom(2, 4, 4, 5, 5, 8, 9, 12),
      fc.integer({ min: 0, max: 3 }),
      bytes(40),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([type, id, content, padding]) => encodeRecord(type, id, content, padding)),
  fc
    .tuple(fc.constantFrom(2, 4, 4, 5, 5, 8), fc.integer({ min: 1, max: 2 }))
    .map(([type, id]) => encodeRecord(type, id, Buffer.alloc(0))),
);
const wire = fc.oneof(
  { weight: 4, arbitrary: fc.array(record, { maxLength: 20 }).map((records) => Buffer.concat(records)) },
  { weight: 1, arbitrary: bytes(300) },
);
const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });

/** Cuts `whole` into pieces whose lengths repeat `lengths`. */
function* pieces(whole: Buffer, lengths: readonly number[]) {
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    yield Buffer.from(whole.subarray(at, at + length));
    at += length;
  }
}

function receiveAll(application: Application, chunks: Iterable<Buffer>): ApplicationEvent[] {
  return Array.from(chunks, (chunk) => application.receive(chunk)).flat();
}

describe("any bytes at all", () => {
  it("mean the same however they are cut", () => {
    fc.assert(
      fc.property(wire, cuts, (sent, lengths) => {
        const whole = meaningOf(new Application(LIMITS).receive(Buffer.from(sent)));
        expect(meaningOf(receiveAll(new Application(LIMITS), pieces(sent, lengths)))).toEqual(whole);
        expect(meaningOf(receiveAll(new Application(LIMITS), pieces(sent, [1])))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it("become events, or one PROTOCOL or LIMIT fault after which nothing comes", () => {
    fc.assert(
      fc.property(wire, wire, cuts, (sent, more, lengths) => {
        const application = new Application(LIMITS);
        const events = receiveAll(application, pieces(sent, lengths));
        const over = events.findIndex((event) => event.kind === "fault" || (event.kind === "refuse" && event.fatal));
        for (const event of events) {
          if (event.kind === "fault") expect(event.fault.code).toBe("PROTOCOL");
          if (event.kind === "refuse") expect(event.fault.code).toBe(event.fatal ? "PROTOCOL" : "LIMIT");
        }
        if (over < 0) return;
        expect(over).toBe(events.length - 1);
        expect(application.receive(more)).toEqual([]);
        expect(application.buffered).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("are held in bounded memory: one unfinished record, and parameters within their limit", () => {
    fc.assert(
      fc.property(wire, cuts, (sent, lengths) => {
        const application = new Application(LIMITS);
        for (const piece of pieces(sent, lengths)) {
          application.receive(piece);
          expect(application.open).toBeLessThanOrEqual(LIMITS.openRequests);
          expect(application.buffered).toBeLessThanOrEqual(
            LARGEST_RECORD_BYTES + LIMITS.openRequests * LIMITS.paramsBytes,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it("give an id events only between its request and its end, in the order of its streams", () => {
    const order = ["request", "stdin", "stdin-end", "data", "data-end", "abort"];
    fc.assert(
      fc.property(wire, cuts, (sent, lengths) => {
        const seen = new Map<number, number>();
        const application = new Application(LIMITS);
        for (const event of receiveAll(application, pieces(sent, lengths))) {
          if (event.kind === "send" || event.kind === "fault" || event.kind === "refuse") continue;
          const place = order.indexOf(event.kind);
          const last = seen.get(event.id) ?? -1;
          if (last < 0) expect(event.kind).toBe("request");
          else expect(place).toBeGreaterThanOrEqual(last);
          seen.set(event.id, place);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("records", () => {
  const records = fc.array(
    fc.record({
      type: fc.integer({ min: 0, max: 255 }),
      id: fc.integer({ min: 0, max: 65_535 }),
      content: fc.oneof(
        bytes(50),
        fc.integer({ min: 60_000, max: 65_535 }).map((length) => Buffer.alloc(length, 7)),
      ),
      padding: fc.integer({ min: 0, max: 255 }),
    }),
    { maxLength: 6 },
  );

  it("are what was encoded, however they are cut, and at most one is held", () => {
    const lengths = fc.array(fc.integer({ min: 100, max: 40_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(records, lengths, (sent, cutAt) => {
        const decoder = new Decoder();
        const got: FcgiRecord[] = [];
        let held = 0;
        const whole = sent.map(({ type, id, content, padding }) => encodeRecord(type, id, content, padding));
        for (const piece of pieces(Buffer.concat(whole), cutAt)) {
          decoder.push(piece);
          for (let next = decoder.next(); next !== undefined; next = decoder.next()) got.push(next);
          held = Math.max(held, decoder.buffered);
        }
        expect(held).toBeLessThanOrEqual(LARGEST_RECORD_BYTES);
        expect(decoder.buffered).toBe(0);
        expect(got.map(({ type, id }) => ({ type, id }))).toEqual(sent.map(({ type, id }) => ({ type, id })));
        expect(got.every(({ content }, at) => sent[at]?.content.equals(content))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("of a stream join to the stream", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), (length) => {
        const stream = Buffer.alloc(length, "stream");
        const decoder = new Decoder();
        decoder.push(encodeStream(FCGI_STDIN, 9, stream));
        const contents: Buffer[] = [];
        for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
          expect(next.content.length).toBeGreaterThan(0);
          contents.push(next.content);
        }
        expect(Buffer.concat(contents).equals(stream)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe("name-value pairs", () => {
  const name = fc.string({ unit: "grapheme-ascii", maxLength: 200 });
  const pairs = fc.array(fc.tuple(name, bytes(300)), { maxLength: 12 });

  it("are what was encoded", () => {
    fc.assert(
      fc.property(pairs, (sent) => {
        const encoded = encodeNameValues(sent);
        expect(inspectNameValues(encoded, sent.length)).toBe(sent.length);
        const params = new Params(encoded);
        expect([...params.entries()]).toEqual(sent.map(([key, value]) => [key, value.toString("latin1")]));
        const last = new Map(sent);
        for (const [key, value] of last) expect(params.getBytes(key)).toEqual(value);
      }),
    );
  });

  it("cost any bytes either a count or a PROTOCOL or LIMIT fault", () => {
    fc.assert(
      fc.property(bytes(100), (any) => {
        try {
          const count = inspectNameValues(any, 10);
          expect([...new Params(any).entries()]).toHaveLength(count);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(["PROTOCOL", "LIMIT"]).toContain((error as Fault).code);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("cannot be cut anywhere but between pairs", () => {
    fc.assert(
      fc.property(pairs, fc.nat(), (sent, at) => {
        const encoded = encodeNameValues(sent);
        const borders = new Set(
          sent.map((_, count) => encodeNameValues(sent.slice(0, count)).length).concat(encoded.length),
        );
        const cut = at % (encoded.length + 1);
        const inspect = () => inspectNameValues(encoded.subarray(0, cut), 1000);
        if (borders.has(cut)) expect(inspect()).toBeLessThanOrEqual(sent.length);
        else expect(inspect).toThrow("runs past the end");
      }),
    );
  });
});

describe("a whole request", () => {
  const body = bytes(500);
  const request = fc.record({
    id: fc.integer({ min: 1, max: 65_535 }),
    role: fc.constantFrom("responder", "filter"),
    keepConn: fc.boolean(),
    params: fc.array(
      fc.tuple(
        fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
        fc.string({ unit: "grapheme-ascii", maxLength: 150 }),
      ),
    ),
    stdin: body,
    data: body,
  } as const);

  it("arrives as it was sent", () => {
    fc.assert(
      fc.property(request, cuts, ({ id, role, keepConn, params, stdin, data }, lengths) => {
        const isFilter = role === "filter";
        const sent = Buffer.concat([
          encodeRequest({ id, role, keepConn, params }),
          encodeStdin(id, stdin),
          encodeStdinEnd(id),
          ...(isFilter ? [encodeData(id, data), encodeDataEnd(id)] : []),
        ]);
        const stream = (kind: string, content: Buffer) =>
          content.length === 0 ? [] : [{ kind, id, bytes: content.toString("latin1") }];
        expect(meaningOf(receiveAll(new Application(), pieces(sent, lengths)))).toEqual([
          { kind: "request", id, role, keepConn, params },
          ...stream("stdin", stdin),
          { kind: "stdin-end", id },
          ...(isFilter ? [...stream("data", data), { kind: "data-end", id }] : []),
        ]);
      }),
    );
  });

  it("is not begun by what is in the body of another, read or unread", () => {
    const smuggled = Buffer.concat([
      encodeRequest({ id: 1, keepConn: true, params: [["SCRIPT_FILENAME", "/secret.ts"]] }),
      encodeStdinEnd(1),
    ]);
    fc.assert(
      fc.property(body, body, fc.nat(1000), cuts, (before, after, answeredAt, lengths) => {
        const application = new Application();
        const stdin = Buffer.concat([before, smuggled, after]);
        const first = Buffer.concat([
          encodeRequest({ keepConn: true, params: [["N", "first"]] }),
          encodeStdin(1, stdin),
          encodeStdinEnd(1),
        ]);
        const second = Buffer.concat([encodeRequest({ keepConn: true, params: [["N", "second"]] }), encodeStdinEnd(1)]);
        let received = 0;
        let answered = false;
        const begun: string[] = [];
        for (const piece of pieces(Buffer.concat([first, second]), lengths)) {
          for (const event of application.receive(piece)) {
            if (event.kind === "request") begun.push(new Params(event.params).get("N") ?? "another");
          }
          received += piece.length;
          // The handler answers somewhere in the middle, without reading on; at the latest when all is there.
          if (answered || begun.length === 0 || received < Math.min(answeredAt, first.length - 60)) continue;
          application.end(1);
          answered = true;
        }
        expect(begun).toEqual(["first", "second"]);
      }),
    );
  });
});

describe("a whole reply", () => {
  it("arrives as it was sent", () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 65_400, max: 200_000 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), length, cuts, (id, bodyLength, lengths) => {
        const head = "Content-Type: text/plain\r\n\r\n";
        const body = Buffer.alloc(bodyLength, "body");
        const decoder = new ResponseDecoder();
        const sent = encodeReply(id, head, body);
        const events = Array.from(
          pieces(
            sent,
            lengths.map((cut) => cut * 500),
          ),
          (piece) => decoder.receive(piece),
        ).flat();
        expect(events.at(-1)).toEqual({ kind: "end", id, appStatus: 0, protocolStatus: 0 });
        const stdout = events
          .slice(0, -1)
          .map((event) => (event.kind === "stdout" ? event.bytes : Buffer.from(event.kind)));
        expect(Buffer.concat(stdout).equals(Buffer.concat([Buffer.from(head), body]))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
