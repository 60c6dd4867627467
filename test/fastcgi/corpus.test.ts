import { Application, type ApplicationEvent } from "../../src/fastcgi/application.ts";
import { type CorpusCase, type Meaning, meaningOf, readCorpus } from "../support/fastcgi-corpus.ts";

/** Five bytes of the header of one more STDIN record: they mean nothing yet. */
const TAIL = Buffer.from("0105000100", "hex");

function deliver(given: CorpusCase, pieceBytes: number, tail = Buffer.alloc(0)) {
  const application = new Application(given.limits);
  const events: ApplicationEvent[] = [];
  const send = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      // A copy, overwritten afterwards: nothing may look at a piece again once it was received.
      const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
      events.push(...application.receive(piece).map(detach));
      piece.fill(0xee);
    }
  };
  for (const step of given.steps) {
    if ("bytes" in step) send(step.bytes);
    else application.end(step.end);
  }
  send(tail);
  return { meanings: meaningOf(events), buffered: application.buffered, open: application.open };
}

function detach(event: ApplicationEvent): ApplicationEvent {
  if (event.kind === "request") return { ...event, params: Buffer.from(event.params) };
  return event.kind === "stdin" || event.kind === "data" ? { ...event, bytes: Buffer.from(event.bytes) } : event;
}

function expectMeaning(meanings: readonly Meaning[], expected: readonly Meaning[]) {
  expect(meanings).toEqual(
    expected.map((event) =>
      "says" in event ? { ...event, says: expect.stringContaining(String(event.says)) } : event,
    ),
  );
}

describe.each(["valid", "invalid"] as const)("FastCGI corpus: %s", (folder) => {
  const cases = readCorpus(folder);

  it.each(cases.map((given) => [`${given.name}: ${given.about}`, given] as const))("%s", (_title, given) => {
    for (const pieceBytes of [Number.POSITIVE_INFINITY, 1]) {
      const { meanings, buffered, open } = deliver(given, pieceBytes);
      expectMeaning(meanings, given.events);
      expect(buffered).toBe(given.buffered);
      expect(open).toBe(given.open ?? open);
    }
    const isOver = given.events.some((event) => event.kind === "fault" || event.fatal === true);
    if (given.midRecord || isOver) return;
    const withTail = deliver(given, Number.POSITIVE_INFINITY, TAIL);
    expectMeaning(withTail.meanings, given.events);
    expect(withTail.buffered).toBe(given.buffered + TAIL.length);
  });
});

describe("the corpus itself", () => {
  it("holds at least eighty cases, valid and invalid", () => {
    const valid = readCorpus("valid");
    const invalid = readCorpus("invalid");
    expect(valid.length + invalid.length).toBeGreaterThanOrEqual(80);
    expect(valid.length).toBeGreaterThanOrEqual(40);
    expect(invalid.length).toBeGreaterThanOrEqual(40);
  });

  it("has a refusal or a fault in every invalid case and in no valid one", () => {
    const breaks = (given: CorpusCase) => given.events.some(({ kind }) => kind === "fault" || kind === "refuse");
    expect(readCorpus("valid").filter(breaks)).toEqual([]);
    expect(readCorpus("invalid").filter((given) => !breaks(given))).toEqual([]);
  });
});
