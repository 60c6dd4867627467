import type { FromPool, ToPool } from "../../src/messages/lifecycle.ts";
import type { GivenConnection } from "../../src/supervisor/handover.ts";
import { PoolChannel } from "../../src/supervisor/pool-channel.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** The supervisor's end of an IPC channel; `arrived` is called when the other end has a message. */
class FakeChild {
  connected = true;
  readonly sent: ToPool[] = [];
  readonly arrived: ((error: Error | null) => void)[] = [];

  send(message: ToPool, ...rest: readonly unknown[]): boolean {
    this.sent.push(message);
    this.arrived.push(rest.at(-1) as (error: Error | null) => void);
    return true;
  }
}

const connection = { handle: {}, used: true, settled() {} } as unknown as GivenConnection;

describe("the channel to a pool process", () => {
  let clock: FakeClock;
  let child: FakeChild;
  let channel: PoolChannel;

  beforeEach(() => {
    clock = new FakeClock();
    child = new FakeChild();
    channel = new PoolChannel(child as unknown as ConstructorParameters<typeof PoolChannel>[0], clock);
  });

  /** Answers the last question. */
  function answer(kind: "pong" | "bequest", more: object = {}): void {
    const question = child.sent.at(-1) as Extract<ToPool, { id: number }>;
    channel.answered({ kind, id: question.id, ...more } as Extract<FromPool, { id: number }>);
  }

  it("measures how long an answer takes", async () => {
    const ping = channel.ping(1000);
    clock.advance(20);
    answer("pong");
    expect(await ping).toBe(20);
    expect(clock.pending).toBe(0);
  });

  it("waits for an answer as long as it is told to", async () => {
    const ping = channel.ping(1000);
    clock.advance(1000);
    expect(await ping).toBeUndefined();
  });

  it("tells answers apart", async () => {
    const first = channel.ping(1000);
    const second = channel.ping(1000);
    answer("pong");
    expect(await second).toBe(0);
    clock.advance(1000);
    expect(await first).toBeUndefined();
  });

  it("asks where what the process leaves is to be had; there may be nothing", async () => {
    const estate = { path: "/run/estate", key: "secret" };
    const left = channel.bequest();
    answer("bequest", { estate });
    const nothing = channel.bequest();
    answer("bequest");
    expect(await Promise.all([left, nothing])).toEqual([estate, undefined]);
  });

  it("says nothing once the process has let go of it", async () => {
    child.connected = false;
    channel.send({ kind: "release-pages" });
    expect(await channel.give(connection)).toBe(false);
    expect(child.sent).toEqual([]);
  });

  it("knows whether a connection has arrived", async () => {
    const arrives = channel.give(connection);
    child.arrived.at(-1)?.(null);
    const fails = channel.give(connection);
    child.arrived.at(-1)?.(new Error("EPIPE"));
    expect(await Promise.all([arrives, fails])).toEqual([true, false]);
  });

  it("keeps nobody waiting for a process that is gone", async () => {
    const [open, ping] = [channel.give(connection), channel.ping(1000)];
    channel.close();
    expect(await Promise.all([open, ping, channel.ping(1000)])).toEqual([false, undefined, undefined]);
    expect(clock.pending).toBe(0);
  });
});
