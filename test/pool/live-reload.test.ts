import { encodeNameValues } from "../../src/fastcgi/name-values.ts";
import type { Exchange } from "../../src/pool/exchange.ts";
import { HOLD_MS, LiveReload, PAGES_MAX } from "../../src/pool/live-reload.ts";
import { ownPathFinder } from "../../src/pool/own-paths.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakePeer } from "../support/fake-peer.ts";

interface State {
  readonly version: string;
  readonly seen: number;
  readonly assets: number;
  readonly fault: Record<string, unknown> | null;
  readonly pauseMs: number;
}

function setUp(mount = "") {
  const clock = new FakeClock();
  let generation = 1;
  const live = new LiveReload({ mount, editor: "edit://{file}:{line}:{column}", clock, generation: () => generation });
  const find = ownPathFinder(live.pages);
  const reply = (uri: string) =>
    find(Buffer.from(encodeNameValues(Object.entries({ REQUEST_METHOD: "GET", REQUEST_URI: uri }))));
  const ask = (query: string): { readonly state: () => State | undefined } => {
    const peer = new FakePeer();
    const later = reply(`${mount}/-/holdfast/live?${query}`);
    if (typeof later !== "function") throw new Error("answered by itself");
    later(peer as unknown as Exchange);
    return {
      state: () => (peer.calls[0] === undefined ? undefined : JSON.parse(peer.calls[0].split("\r\n\r\n")[1] ?? "")),
    };
  };
  const upToDate = (): string => {
    const { version, seen } = ask("").state() as State;
    return `page=${version}&seen=${seen}`;
  };
  const renew = (): void => {
    generation++;
    live.reloaded();
  };
  return { clock, live, reply, ask, upToDate, renew };
}

const FAULT = {
  code: "BOOT",
  message: "/srv/app.ts did not load",
  hint: "look there",
  stack: "SyntaxError: x\n    at /srv/a b.ts:3:7",
} as const;

describe("a page that waits for a change", () => {
  it("is told at once where it is not what the workers would answer now", () => {
    const { ask, live } = setUp();
    const state = ask("page=other-1&seen=1").state();
    expect(state).toMatchObject({ version: live.boot(1).version, seen: 1, assets: 0, fault: null, pauseMs: 0 });
    expect(live.boot(2).version).not.toBe(state?.version);
  });

  it("is told when new workers serve", () => {
    const { ask, upToDate, renew, live } = setUp();
    const page = ask(upToDate());
    expect(page.state()).toBeUndefined();
    renew();
    expect(page.state()).toMatchObject({ version: live.boot(2).version, fault: null });
  });

  it("is told why a change does not load, where, and when it is mended", () => {
    const { ask, upToDate, renew, live } = setUp();
    const page = ask(upToDate());
    live.failed("/srv/app.ts", FAULT);
    const { version, fault } = page.state() as State;
    expect(version).toBe(live.boot(1).version);
    expect(fault).toEqual({
      changed: "/srv/app.ts",
      message: FAULT.message,
      hint: FAULT.hint,
      stack: FAULT.stack,
      place: "/srv/a b.ts:3:7",
      link: "edit:///srv/a%20b.ts:3:7",
    });
    const next = ask(upToDate());
    expect(next.state()).toBeUndefined();
    renew();
    expect(next.state()).toMatchObject({ version: live.boot(2).version, fault: null });
  });

  it("has new workers try the handlers that have loaded before", () => {
    const { live } = setUp();
    expect(live.boot(1).handlers).toEqual([]);
    for (const file of ["/srv/a.ts", "/srv/b.tsp", "/srv/a.ts"]) live.handlerLoaded(file);
    expect(live.boot(2).handlers).toEqual(["/srv/a.ts", "/srv/b.tsp"]);
    for (let n = 0; n < 1000; n++) live.handlerLoaded(`/srv/${n}.ts`);
    expect(live.boot(2).handlers.length).toBeLessThan(300);
  });

  it("is told of a file that only browsers load", () => {
    const { ask, upToDate, live } = setUp();
    const page = ask(upToDate());
    live.assetChanged();
    expect(page.state()).toMatchObject({ version: live.boot(1).version, assets: 1 });
  });

  it("is told after a while that nothing has changed", () => {
    const { ask, upToDate, clock } = setUp();
    const page = ask(upToDate());
    clock.advance(HOLD_MS - 1);
    expect(page.state()).toBeUndefined();
    clock.advance(1);
    expect(page.state()).toMatchObject({ seen: 1, fault: null });
    expect(clock.pending).toBe(0);
  });

  it(`is told before its time where more than ${PAGES_MAX} wait`, () => {
    const { ask, upToDate } = setUp();
    const [first, ...others] = Array.from({ length: PAGES_MAX + 1 }, () => ask(upToDate()));
    expect(first?.state()).toBeDefined();
    expect(others.filter((page) => page.state() !== undefined)).toEqual([]);
  });

  it("does not keep a pool from leaving, and then asks with a pause", () => {
    const { ask, upToDate, live, clock } = setUp();
    const page = ask(upToDate());
    live.leave();
    expect(page.state()).toMatchObject({ pauseMs: 1000 });
    expect(ask(upToDate()).state()).toMatchObject({ pauseMs: 1000 });
    expect(clock.pending).toBe(0);
  });

  it("asks below the pool's mount, where its script lies as well", () => {
    const { live, reply } = setUp("/shop");
    expect(live.boot(1).path).toBe("/shop/-/holdfast/live");
    const script = reply("/shop/-/holdfast/live.js?page=x");
    const peer = new FakePeer();
    if (typeof script === "function") script(peer as unknown as Exchange);
    expect(peer.calls.join()).toMatch(/Content-Type: text\/javascript[\s\S]*location\.reload\(\)/);
    expect(reply("/-/holdfast/live")).toBeUndefined();
  });
});
