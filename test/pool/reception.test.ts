import { Fault } from "../../src/base/fault.ts";
import { encodeNameValues } from "../../src/fastcgi/name-values.ts";
import { Counters } from "../../src/pool/counters.ts";
import type { Exchange } from "../../src/pool/exchange.ts";
import { Latencies } from "../../src/pool/latencies.ts";
import { ownPathFinder, ownReply } from "../../src/pool/own-paths.ts";
import { Reception } from "../../src/pool/reception.ts";
import { answerWith } from "../../src/pool/roomy-reply.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakePeer } from "../support/fake-peer.ts";

const BODY_LIMIT_BYTES = 1000;

describe("a pool's reception", () => {
  let counters: Counters;
  let submitted: Exchange[];
  let said: string[];
  let watched: string[];
  let proofs: number;
  let reception: Reception;

  beforeEach(() => {
    const clock = new FakeClock();
    counters = new Counters(new Latencies(clock));
    [submitted, said, watched, proofs] = [[], [], [], 0];
    reception = new Reception({
      clock,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      ownReply: ownPathFinder({
        "/-/ping": () => ownReply({ type: "text/plain", body: "pong" }),
        "/-/live": () => (exchange) => answerWith(exchange, "Status: 200 OK\r\n\r\n", "changed"),
      }),
      dispatcher: { submit: (exchange) => submitted.push(exchange), arrived() {}, forget() {} },
      turns: { opened() {}, stirred() {} },
      counters,
      says: { refused: ({ code }) => said.push(code), connectionEnded: ({ code }) => said.push(code) },
      access: {
        watch: (params, peer) => {
          watched.push(params.toString());
          return Object.assign(peer as FakePeer, { closed: () => watched.push("closed") }) as never;
        },
      },
      proven: () => {
        proofs++;
      },
    });
  });

  function open(uri: string, more: Readonly<Record<string, string>> = {}): { exchange: Exchange; peer: FakePeer } {
    const peer = new FakePeer();
    const params = encodeNameValues(Object.entries({ REQUEST_METHOD: "GET", REQUEST_URI: uri, ...more }));
    return { exchange: reception.open({ role: "responder", params, peer }), peer };
  }

  it("gives a request to the dispatcher", () => {
    const { exchange } = open("/");
    expect(submitted).toEqual([exchange]);
    expect(counters.accepted).toBe(1);
  });

  it("answers the pool's own paths itself, whatever the workers do", () => {
    const { exchange } = open("/-/ping");
    expect([exchange.closed, exchange.own, submitted]).toEqual([true, true, []]);
    expect(counters.own).toBe(1);
  });

  it.each([
    ["is longer than request.body_limit", String(BODY_LIMIT_BYTES + 1), "LIMIT"],
    ["is no number", "many", "REQUEST"],
  ])("refuses at once a body whose CONTENT_LENGTH %s", (_, length, code) => {
    const { exchange } = open("/", { CONTENT_LENGTH: length });
    expect([exchange.closed, submitted, said]).toEqual([true, [], [code]]);
    expect([counters.refused, counters.accepted]).toEqual([1, 1]);
  });

  it("lets a body in that is as long as request.body_limit", () => {
    open("/", { CONTENT_LENGTH: String(BODY_LIMIT_BYTES) });
    expect(submitted).toHaveLength(1);
  });

  it("counts requests that were refused before they were one", () => {
    reception.refused(new Fault("LIMIT", "too many params"));
    expect([counters.accepted, counters.refused, said]).toEqual([1, 1, ["LIMIT"]]);
  });

  it("says once that the app has answered; the pool's own answers prove nothing", () => {
    open("/-/ping");
    expect(proofs).toBe(0);
    for (const { exchange } of [open("/a"), open("/b")]) answerWith(exchange, "Status: 200 OK\r\n\r\n", "ok");
    expect(proofs).toBe(1);
  });

  it("has the access log watch each request, but no page that waits for a change", () => {
    open("/-/live");
    expect(watched).toEqual([]);
    const { exchange } = open("/a");
    answerWith(exchange, "Status: 200 OK\r\n\r\n", "ok");
    expect([watched.length, watched.at(-1)]).toEqual([2, "closed"]);
  });
});
