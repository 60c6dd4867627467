// Server-sent events through a real Apache: one by one, also where it compresses; ended when the client
// leaves, and before anybody has to cut them.

import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { describeWithApache } from "../support/apache.ts";
import { type BehindApache, startBehindApache } from "../support/behind-apache.ts";
import { Browser, describeWithBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { askHead } from "../support/http.ts";

const EVENTS = `
import { EventEmitter } from "node:events";
import { eventStream } from "holdfast";
const bus = new EventEmitter();
let open = 0;
export const GET = (request) => {
  if (new URL(request.url).searchParams.has("open")) return Response.json(open);
  return eventStream((events) => {
    open += 1;
    const tell = (data) => events.send({ data, event: "tick", id: String(data) });
    if (events.lastEventId !== undefined) events.send({ data: "after " + events.lastEventId });
    bus.on("tick", tell);
    return () => { open -= 1; bus.off("tick", tell); };
  }, { keepAlive: 50 });
};
export const POST = async (request) => { bus.emit("tick", await request.text()); return new Response(null, { status: 204 }); };`;

const COUNT = `
import { eventStream } from "holdfast";
import { setTimeout as delay } from "node:timers/promises";
async function* count(signal) {
  for (let n = 1; !signal.aborted; n++) { yield { data: n }; await delay(20); }
}
export default (request, ctx) => eventStream(count(ctx.signal));`;

/** Numbers from the one after that which the browser has seen last. */
const NUMBERS = `
import { eventStream } from "holdfast";
import { setTimeout as delay } from "node:timers/promises";
async function* numbers(from, signal) {
  for (let n = from; !signal.aborted; n++) { yield { data: n, id: String(n) }; await delay(20); }
}
export default (request, ctx) =>
  eventStream(numbers(Number(request.headers.get("last-event-id") ?? 0) + 1, ctx.signal), { retry: 10 });`;

const PAGE = `
export default () => new Response(
  "<!doctype html><title>numbers</title><script>" +
  "window.seen = []; window.opened = 0;" +
  "const events = new EventSource('/numbers');" +
  "events.onopen = () => { opened += 1; }; events.onmessage = (event) => { seen.push(Number(event.data)); };" +
  "</script>", { headers: { "content-type": "text/html; charset=utf-8" } });`;

const HINTS = `
export default (request, ctx) => {
  ctx.earlyHints("</app.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script");
  return new Response("page");
};`;

let site: BehindApache;
beforeAll(async () => {
  site = await startBehindApache(
    { "events.ts": EVENTS, "hints.ts": HINTS },
    { threads: 1 },
    ["<Location /events>", "SetOutputFilter DEFLATE", "</Location>"],
    ["filter", "deflate"],
  );
}, 30_000);
afterAll(() => site?.stop());

/** Reads a stream as it comes. */
function reading(response: IncomingMessage): { text(): string; isOver(): boolean } {
  let text = "";
  let isOver = false;
  const body = response.headers["content-encoding"] === "gzip" ? response.pipe(createGunzip()) : response;
  body.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  body.on("error", () => {});
  response.on("end", () => {
    isOver = true;
  });
  return { text: () => text, isOver: () => isOver };
}

const open = async (): Promise<number> => Number((await site.ask("/events?open")).text);
const emit = (data: string) => site.ask("/events", { method: "POST", body: data });

describeWithApache("an event stream through Apache", () => {
  it.each([
    ["as it is", {}],
    ["where the client would take it compressed", { "accept-encoding": "gzip" }],
  ])("comes event by event, %s", async (_, headers) => {
    const response = await askHead(site.url, "/events", { headers, deadlineMs: 30_000 });
    expect(response.headers["content-type"]).toBe("text/event-stream");
    const stream = reading(response);
    // Connected before there is any event.
    await eventually(() => stream.text().startsWith(":"));
    await eventually(async () => (await open()) === 1);
    for (const n of ["1", "2", "3"]) {
      await emit(n);
      // The next one is not sent before this one has come.
      await eventually(() => stream.text().includes(`event: tick\nid: ${n}\ndata: ${n}\n\n`));
      expect(stream.isOver()).toBe(false);
    }
    response.destroy();
    // Apache notices by the comments that it cannot deliver.
    await eventually(async () => (await open()) === 0, 10_000);
  });

  it("tells the handler what the browser has seen last", async () => {
    const response = await askHead(site.url, "/events", { headers: { "last-event-id": "7" }, deadlineMs: 30_000 });
    const stream = reading(response);
    await eventually(() => stream.text().includes("data: after 7\n\n"));
    response.destroy();
    await eventually(async () => (await open()) === 0, 10_000);
  });

  it("ends whole, by itself, before its request's time is over", async () => {
    const short = await startBehindApache({ "count.ts": COUNT }, { threads: 1, request: { timeout: "2s" } });
    try {
      // A cut body would reject.
      const { status, text } = await short.ask("/count");
      expect(status).toBe(200);
      expect(text).toContain("data: 1\n\ndata: 2\n\n");
      expect(text.endsWith("\n\n")).toBe(true);
      expect(short.pool.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    } finally {
      await short.stop();
    }
  }, 30_000);
});

describeWithApache("an event stream in Chromium", () => {
  describeWithBrowser("that comes back by itself", () => {
    it("misses nothing and sees nothing twice, while its streams end again and again", async () => {
      const short = await startBehindApache(
        { "numbers.ts": NUMBERS, "page.ts": PAGE },
        { threads: 1, request: { timeout: "600ms" } },
      );
      const browser = await Browser.start();
      try {
        await browser.open(`${short.url}/page`);
        await eventually(async () => (await browser.evaluate<number>("opened")) >= 3, 20_000);
        const seen = await browser.evaluate<number[]>("seen");
        expect(seen.length).toBeGreaterThan(3);
        expect(seen).toEqual(seen.map((_, index) => index + 1));
      } finally {
        await browser.close();
        await short.stop();
      }
    }, 60_000);
  });
});

describeWithApache("early hints through Apache", () => {
  it("are Link headers of the reply", async () => {
    const { headers } = await site.ask("/hints");
    expect(headers.link).toBe("</app.css>; rel=preload; as=style, </app.js>; rel=preload; as=script");
  });
});
