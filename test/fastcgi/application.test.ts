import { Application, type ApplicationEvent, DEFAULT_LIMITS } from "../../src/fastcgi/application.ts";
import { FCGI_PARAMS } from "../../src/fastcgi/constants.ts";
import { encodeBeginRequest, encodeRecord } from "../../src/fastcgi/encoder.ts";
import { encodeNameValues, type NameValue } from "../../src/fastcgi/name-values.ts";
import { encodeAbort, encodeRequest, encodeStdin, encodeStdinEnd } from "../../src/fastcgi/web-server.ts";

// What bytes mean is in the corpus; here is what the gateway may rely on besides.

const PARAMS: readonly NameValue[] = [["REQUEST_METHOD", "GET"]];
const kinds = (events: readonly ApplicationEvent[]) => events.map(({ kind }) => kind);
const get = (id = 1) => Buffer.concat([encodeRequest({ id, keepConn: true, params: PARAMS }), encodeStdinEnd(id)]);

describe("the end of a reply", () => {
  it("makes room under openRequests, and frees the id", () => {
    const application = new Application({ ...DEFAULT_LIMITS, openRequests: 1 });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(kinds(application.receive(get()))).toEqual(["request", "stdin-end"]);
      expect(application.open).toBe(1);
      application.end(1);
      expect(application.open).toBe(0);
    }
  });

  it("of an id that is not open changes nothing", () => {
    const application = new Application();
    application.receive(get());
    application.end(2);
    expect(application.open).toBe(1);
  });

  it("lets the rest of the body go by, however long it is", () => {
    const application = new Application();
    application.receive(encodeRequest({ keepConn: true, params: PARAMS }));
    application.end(1);
    for (let turn = 0; turn < 100; turn += 1) {
      expect(application.receive(encodeStdin(1, Buffer.alloc(65_535)))).toEqual([]);
      expect(application.buffered).toBe(0);
    }
    expect(kinds(application.receive(Buffer.concat([encodeStdinEnd(1), get()])))).toEqual(["request", "stdin-end"]);
  });

  it("is awaited after an abort and after a refusal: until then the id is open", () => {
    const application = new Application({ ...DEFAULT_LIMITS, paramsCount: 0 });
    expect(kinds(application.receive(get()))).toEqual(["refuse"]);
    expect(application.open).toBe(1);
    application.end(1);
    expect(application.open).toBe(0);
  });
});

describe("what is held", () => {
  it("is a copy of parameters whose end is still to come, not the piece that they came in", () => {
    const application = new Application();
    const piece = Buffer.concat([
      encodeBeginRequest(1, 1, true),
      encodeRecord(FCGI_PARAMS, 1, encodeNameValues(PARAMS)),
    ]);
    application.receive(piece);
    piece.fill(0);
    const [event] = application.receive(encodeRecord(FCGI_PARAMS, 1, Buffer.alloc(0)));
    expect(event).toMatchObject({ kind: "request", params: encodeNameValues(PARAMS) });
  });

  it("is not copied when the parameters come in one piece with their end", () => {
    const piece = get();
    const [event] = new Application().receive(piece);
    expect(event?.kind === "request" && event.params.buffer === piece.buffer).toBe(true);
  });

  it("is let go when parameters pass their limit", () => {
    const application = new Application({ ...DEFAULT_LIMITS, paramsBytes: 100_000 });
    application.receive(encodeBeginRequest(1, 1, true));
    const record = encodeRecord(FCGI_PARAMS, 1, Buffer.alloc(60_000));
    expect(application.receive(record)).toEqual([]);
    expect(application.buffered).toBe(60_000);
    expect(kinds(application.receive(record))).toEqual(["refuse"]);
    expect(application.buffered).toBe(0);
  });

  it("is let go at a fault", () => {
    const application = new Application();
    application.receive(encodeBeginRequest(1, 1, true));
    application.receive(encodeRecord(FCGI_PARAMS, 1, Buffer.alloc(1000)));
    expect(kinds(application.receive(Buffer.from("GET / HTTP/1.1\r\n")))).toEqual(["fault"]);
    expect(application.buffered).toBe(0);
    expect(application.receive(get(2))).toEqual([]);
  });
});

describe("a PARAMS stream", () => {
  it("may come in a hundred thousand records of one byte", () => {
    const application = new Application();
    const value = "v".repeat(100_000);
    const stream = encodeNameValues([["A", value]]);
    application.receive(encodeBeginRequest(1, 1, true));
    for (const byte of stream) application.receive(encodeRecord(FCGI_PARAMS, 1, Buffer.of(byte)));
    const [event] = application.receive(encodeRecord(FCGI_PARAMS, 1, Buffer.alloc(0)));
    expect(event?.kind === "request" && event.params.equals(stream)).toBe(true);
  });
});

describe("the default limits", () => {
  it("let through what Apache lets through: 100 fields of 8,190 bytes", () => {
    const params = Array.from({ length: 100 }, (_, at): NameValue => [`HTTP_X_${at}`, "v".repeat(8190)]);
    expect(kinds(new Application().receive(encodeRequest({ params })))).toEqual(["request"]);
  });

  it("stop at 1,000 pairs and at one MiB", () => {
    const pairs = (count: number) => Array.from({ length: count }, (_, at): NameValue => [`N${at}`, ""]);
    expect(kinds(new Application().receive(encodeRequest({ params: pairs(1000) })))).toEqual(["request"]);
    expect(kinds(new Application().receive(encodeRequest({ params: pairs(1001) })))).toEqual(["refuse"]);
    // 1 + 4 bytes of lengths and 1 of the name.
    const value = (bytes: number) => [["A", "v".repeat(bytes)] as const];
    expect(kinds(new Application().receive(encodeRequest({ params: value(1024 * 1024 - 6) })))).toEqual(["request"]);
    expect(kinds(new Application().receive(encodeRequest({ params: value(1024 * 1024 - 5) })))).toEqual(["refuse"]);
  });

  it("open 64 requests on one connection; the next is answered FCGI_OVERLOADED", () => {
    const application = new Application();
    for (let id = 1; id <= 64; id += 1) expect(kinds(application.receive(get(id)))).toEqual(["request", "stdin-end"]);
    expect(kinds(application.receive(get(65)))).toEqual(["send"]);
    expect(application.open).toBe(64);
  });

  it("tell a multiplexing peer no more requests than a connection may open", () => {
    expect(DEFAULT_LIMITS.maxReqs).toBeLessThanOrEqual(DEFAULT_LIMITS.openRequests);
  });
});

describe("an abort between two pieces", () => {
  it("before the parameters end leaves the app alone and the id free", () => {
    const application = new Application();
    application.receive(encodeBeginRequest(1, 1, true));
    expect(kinds(application.receive(encodeAbort(1)))).toEqual(["send"]);
    expect(kinds(application.receive(get()))).toEqual(["request", "stdin-end"]);
  });
});
