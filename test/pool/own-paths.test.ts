import { encodeNameValues } from "../../src/fastcgi/name-values.ts";
import type { Exchange } from "../../src/pool/exchange.ts";
import { ownPathFinder, ownReply } from "../../src/pool/own-paths.ts";
import { answerWith } from "../../src/pool/roomy-reply.ts";
import { FakePeer } from "../support/fake-peer.ts";

function asked(uri: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.from(encodeNameValues(Object.entries({ REQUEST_METHOD: "GET", REQUEST_URI: uri, ...more })));
}

const bodyOf = (reply: ReturnType<ReturnType<typeof ownPathFinder>>): string | undefined =>
  typeof reply === "function" ? "later" : reply?.body;

const named = (name: string) => () => ownReply({ type: "text/plain", body: name });

describe("the pool's own paths", () => {
  const find = ownPathFinder({ "/-/ping": named("ping"), "/-/status": named("status") });

  it.each([
    ["/-/ping", "ping"],
    ["/-/ping?x", "ping"],
    ["/-/status?json&full", "status"],
    ["/-/statu", undefined],
    ["/-/status/", undefined],
    ["/other?next=/-/ping", undefined],
    ["/", undefined],
  ])("%s: %s", (uri, body) => {
    expect(bodyOf(find(asked(uri)))).toBe(body);
  });

  it("need not begin alike", () => {
    const either = ownPathFinder({ "/health": named("health"), "/metrics": named("metrics") });
    expect(["/health", "/metrics", "/h"].map((path) => bodyOf(either(asked(path))))).toEqual([
      "health",
      "metrics",
      undefined,
    ]);
  });

  it("may be none at all", () => {
    expect(ownPathFinder({})(asked("/"))).toBeUndefined();
  });

  it("are told the query and what the client accepts", () => {
    const seen: unknown[] = [];
    const finder = ownPathFinder({
      "/s": ({ query, accept }) => {
        seen.push([...query.keys()], accept);
        return ownReply({ type: "text/plain", body: "" });
      },
    });
    finder(asked("/s?json&full", { HTTP_ACCEPT: "Text/HTML" }));
    expect(seen).toEqual([["json", "full"], "text/html"]);
  });

  it("answer with more than one record can hold in several", () => {
    const peer = new FakePeer();
    answerWith(peer as unknown as Exchange, "Status: 200 OK\r\n\r\n", "x".repeat(150_000));
    expect(peer.calls).toEqual(["head Status: 200 OK\r\n\r\n", "chunk 65528", "chunk 65528", "chunk 18944", "end"]);
  });

  it("answer with a length in bytes, and are never kept", () => {
    const { head } = ownReply({ status: "404 Not Found", type: "text/plain", body: "–", headers: [["X-A", "1"]] });
    expect(head).toBe(
      "Status: 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-A: 1\r\n\r\n",
    );
  });
});
