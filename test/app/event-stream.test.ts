import fc from "fast-check";
import type { Context } from "../../src/app/context.ts";
import { installParts } from "../../src/app/current.ts";
import { type EventMessage, type EventSink, eventStream, formatEvent } from "../../src/app/event-stream.ts";
import { installResponse, partsOf } from "../../workers/response.ts";
import { eventually } from "../support/eventually.ts";

installResponse();

/** What the reply asks for its pieces. */
function iteratorOf(response: Response): AsyncIterator<string> {
  const { body } = partsOf(response);
  if (body.kind !== "iterable") throw new Error(`a body of kind ${body.kind}`);
  const iterator = body.iterable[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return {
    async next() {
      const { done, value } = await iterator.next();
      return done === true ? { done, value: undefined } : { done: false, value: Buffer.from(value).toString() };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}

async function textOf(response: Response): Promise<string> {
  const iterator = iteratorOf(response);
  let text = "";
  for (let piece = await iterator.next(); piece.done !== true; piece = await iterator.next()) text += piece.value;
  return text;
}

async function* of<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** As the HTML standard reads a stream [HTML §9.2.6]. */
function parsed(stream: string): unknown[] {
  const events: unknown[] = [];
  let data: string[] = [];
  let event: string | undefined;
  let id: string | undefined;
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (line === "") {
      if (data.length > 0) events.push({ data: data.join("\n"), event, id });
      data = [];
      event = undefined;
      continue;
    }
    const [field = "", value = ""] = line.split(/: ?(.*)/s);
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id") id = value;
  }
  return events;
}

describe("an event on the wire [HTML §9.2.5]", () => {
  it.each<[EventMessage | string, string]>([
    ["hello", "data: hello\n\n"],
    ["", "data: \n\n"],
    ["one\ntwo\r\nthree\rfour\n", "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"],
    [{ data: { a: [1] } }, 'data: {"a":[1]}\n\n'],
    [{ data: 0 }, "data: 0\n\n"],
    [{ data: null }, "data: null\n\n"],
    [{ event: "tick", id: "7", retry: 500, data: "x" }, "event: tick\nid: 7\nretry: 500\ndata: x\n\n"],
    [{ id: "" }, "id: \n\n"],
    [{ comment: "a\nb" }, ": a\n: b\n\n"],
  ])("%j", (message, expected) => {
    expect(formatEvent(message)).toBe(expected);
  });

  it.each<EventMessage>([{ event: "a\ndata: forged" }, { id: "1\r2" }, { id: "1\0" }, { retry: -1 }, { retry: 1.5 }])(
    "%j is refused",
    (message) => {
      expect(() => formatEvent(message)).toThrow(TypeError);
    },
  );

  it("is read back as it was, with every line of its data", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (data) => {
        expect(parsed(formatEvent({ data, event: "e", id: "1" }))).toEqual([
          { data: data.replace(/\r\n|\r/g, "\n"), event: "e", id: "1" },
        ]);
      }),
    );
  });
});

describe("an event stream", () => {
  it("has the headers that keep others from gathering or compressing it", () => {
    const { headers, status } = eventStream(of(), { headers: { "x-own": "1" } });
    expect([status, ...headers]).toEqual([
      200,
      ["cache-control", "no-cache, no-transform"],
      ["content-type", "text/event-stream"],
      ["x-own", "1"],
    ]);
  });

  it("begins with a byte at once, and has what the source yields", async () => {
    expect(await textOf(eventStream(of<EventMessage | string>("a", { data: 1, id: "1" })))).toBe(
      ":\n\ndata: a\n\nid: 1\ndata: 1\n\n",
    );
    expect(await textOf(eventStream(of("a"), { retry: 100 }))).toBe("retry: 100\n\ndata: a\n\n");
  });

  it("asks its source for one at a time, and not before someone reads", async () => {
    let asked = 0;
    async function* source(): AsyncGenerator<string> {
      for (;;) yield String(++asked);
    }
    const iterator = iteratorOf(eventStream(source()));
    await iterator.next();
    expect(asked).toBe(0);
    await iterator.next();
    expect(asked).toBe(1);
    await iterator.return?.();
  });

  it("sends a comment in a silence, and goes on with what it waited for", async () => {
    const later = Promise.withResolvers<string>();
    async function* source(): AsyncGenerator<string> {
      yield await later.promise;
    }
    const iterator = iteratorOf(eventStream(source(), { keepAlive: 5 }));
    const pieces = [await iterator.next(), await iterator.next(), await iterator.next()];
    expect(pieces.map(({ value }) => value)).toEqual([":\n\n", ":\n\n", ":\n\n"]);
    later.resolve("at last");
    const texts: unknown[] = [];
    for (let piece = await iterator.next(); piece.done !== true; piece = await iterator.next()) texts.push(piece.value);
    expect(texts.filter((text) => text !== ":\n\n")).toEqual(["data: at last\n\n"]);
  });

  it("ends its source when the client leaves, also while it waits", async () => {
    let cleaned = false;
    async function* source(): AsyncGenerator<string> {
      try {
        yield "a";
      } finally {
        cleaned = true;
      }
    }
    const iterator = iteratorOf(eventStream(source()));
    await iterator.next();
    await iterator.next();
    await iterator.return?.();
    expect([cleaned, (await iterator.next()).done]).toEqual([true, true]);

    const waiting = iteratorOf(
      eventStream({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }, { keepAlive: 0 }),
    );
    await waiting.next();
    const pending = waiting.next();
    await waiting.return?.();
    expect((await pending).done).toBe(true);
  });

  it("fails with what its source throws", async () => {
    const failing = iteratorOf(eventStream(of<EventMessage | string>("a", { retry: -1 })));
    await failing.next();
    await failing.next();
    await expect(failing.next()).rejects.toThrow("retry is whole milliseconds");
  });

  it("ends by itself before the request's time is over", async () => {
    const ctx = { deadline: performance.now() + 200, env: {} } as unknown as Context;
    installParts({ currentContext: () => ctx } as unknown as Parameters<typeof installParts>[0]);
    try {
      const iterator = iteratorOf(
        eventStream({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
      );
      await iterator.next();
      expect((await iterator.next()).done).toBe(true);
      expect(performance.now()).toBeLessThan(ctx.deadline + 5000);
    } finally {
      installParts({ currentContext: () => undefined } as unknown as Parameters<typeof installParts>[0]);
    }
  });
});

describe("an event stream that always has something", () => {
  it("ends before the request's time is over as well", async () => {
    const ctx = { deadline: performance.now() + 100, env: {} } as unknown as Context;
    installParts({ currentContext: () => ctx } as unknown as Parameters<typeof installParts>[0]);
    async function* source(): AsyncGenerator<string> {
      for (;;) {
        yield "x";
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    try {
      expect((await textOf(eventStream(source()))).endsWith("data: x\n\n")).toBe(true);
    } finally {
      installParts({ currentContext: () => undefined } as unknown as Parameters<typeof installParts>[0]);
    }
  });
});

describe("an event stream from a function", () => {
  it("has what the function sends, and ends when it closes", async () => {
    const response = eventStream((events) => {
      events.send("a");
      setImmediate(() => {
        expect(events.send({ data: "b", event: "e" })).toBe(true);
        events.close();
        expect(events.send("c")).toBe(false);
      });
    });
    expect(await textOf(response)).toBe(":\n\ndata: a\n\nevent: e\ndata: b\n\n");
  });

  it("does not begin before someone reads, and not for HEAD", async () => {
    let started = false;
    const iterator = iteratorOf(
      eventStream(() => {
        started = true;
      }),
    );
    await iterator.return?.();
    expect(started).toBe(false);
  });

  it("cleans up once, and tells by its signal, when the client leaves or it closes", async () => {
    const sinks: EventSink[] = [];
    let cleaned = 0;
    const open = () =>
      iteratorOf(
        eventStream(async (events) => {
          sinks.push(events);
          return () => {
            cleaned += 1;
          };
        }),
      );
    const left = open();
    await left.next();
    const pending = left.next();
    await eventually(() => sinks.length === 1);
    await left.return?.();
    expect([(await pending).done, cleaned, sinks[0]?.signal.aborted]).toEqual([true, 1, true]);
    const closed = open();
    await closed.next();
    const last = closed.next();
    await eventually(() => sinks.length === 2);
    sinks[1]?.close();
    sinks[1]?.close();
    expect([(await last).done, cleaned]).toEqual([true, 2]);
  });

  it.each<[string, () => void]>([
    [
      "throws",
      () => {
        throw new Error("not mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("not mine"))],
  ])("logs that its clean-up %s; who sends is not told", async (_what, cleanUp) => {
    const warned: string[] = [];
    const log = { warn: (message: string) => warned.push(message) };
    const ctx = { deadline: Number.POSITIVE_INFINITY, env: {}, log } as unknown as Context;
    installParts({ currentContext: () => ctx } as unknown as Parameters<typeof installParts>[0]);
    try {
      let sink: EventSink | undefined;
      const iterator = iteratorOf(
        eventStream(
          (events) => {
            sink = events;
            return cleanUp;
          },
          { buffer: 10 },
        ),
      );
      await iterator.next();
      const last = iterator.next();
      await new Promise((resolve) => setImmediate(resolve));
      expect(sink?.send("x".repeat(100))).toBe(false);
      expect((await last).done).toBe(true);
      await eventually(() => warned.length === 1);
      expect(warned[0]).toContain("clean-up failed: Error: not mine");
    } finally {
      installParts({ currentContext: () => undefined } as unknown as Parameters<typeof installParts>[0]);
    }
  });

  it("fails with what the function throws", async () => {
    const iterator = iteratorOf(
      eventStream(async () => {
        throw new Error("no such topic");
      }),
    );
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow("no such topic");
  });

  it("ends where a slow client lets too much wait, after what was sent before", async () => {
    const iterator = iteratorOf(
      eventStream(
        (events) => {
          while (events.send("x".repeat(100)));
        },
        { buffer: 1000 },
      ),
    );
    let events = 0;
    for (let piece = await iterator.next(); piece.done !== true; piece = await iterator.next()) events += 1;
    expect(events).toBe(1 + Math.floor(1000 / "data: \n\n".concat("x".repeat(100)).length));
  });
});
