// Who may connect for a bell, and what becomes of a bell whose socket breaks.

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { Bells, STRANGERS_MAX, type ThreadBell } from "../../src/pool/bells.ts";
import { Bell } from "../../workers/bell.ts";
import { eventually } from "../support/eventually.ts";

describe("bells between the pool and its threads", () => {
  let bells: Bells;
  let sockets: Socket[];
  let rings: { pool: number; port: number };

  beforeEach(() => {
    bells = new Bells();
    sockets = [];
    rings = { pool: 0, port: 0 };
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    bells.close();
  });

  const expected = (): ThreadBell => {
    const ours = rings;
    return bells.expect({ rung: () => ours.pool++, ringPort: () => ours.port++ });
  };

  const pathOf = (bell: ThreadBell): string => bell.address?.path ?? "";

  const connectTo = (path: string): Socket => {
    const socket = connect({ path });
    socket.on("error", () => {});
    sockets.push(socket);
    return socket;
  };

  const connected = async (bell: ThreadBell): Promise<Socket> => {
    const socket = connectTo(pathOf(bell));
    socket.write(bell.address?.key ?? "");
    await eventually(() => rings.pool > 0);
    return socket;
  };

  // Its flags tell a socket that listens from those that it has accepted.
  const isListening = (path: string): boolean =>
    readFileSync("/proc/net/unix", "latin1")
      .split("\n")
      .some((line) => line.includes(path.replace("\0", "@")) && line.includes(" 00010000 "));

  it("ring by the port until the thread has connected, and by its socket then", async () => {
    const bell = expected();
    bell.ring();
    expect(rings.port).toBe(1);
    const socket = await connected(bell);
    let heard = 0;
    socket.on("data", (bytes) => {
      heard += bytes.length;
    });
    bell.ring();
    await eventually(() => heard === 1);
    expect(rings.port).toBe(1);
  });

  it("ring the thread by its port when its socket breaks: what was said there last may not have been heard", async () => {
    const bell = expected();
    const socket = await connected(bell);
    bell.ring();
    socket.destroy();
    await eventually(() => rings.port === 1);
    bell.ring();
    expect(rings.port).toBe(2);
  });

  it("ring the pool by the port when the thread's socket breaks", async () => {
    const bell = expected();
    const { port1, port2 } = new MessageChannel();
    let heard = 0;
    port1.on("message", () => heard++);
    const thread = new Bell(port2, bell.address, () => {});
    try {
      await eventually(() => rings.pool > 0);
      expect(heard).toBe(0);
      bell.close();
      await eventually(() => heard === 1);
    } finally {
      thread.close();
      port1.close();
    }
  });

  it("listen only while a thread is expected", async () => {
    const bell = expected();
    const path = pathOf(bell);
    expect(isListening(path)).toBe(true);
    const socket = await connected(bell);
    await eventually(() => !isListening(path));
    bell.ring();
    await new Promise((resolve) => socket.once("data", resolve));
    const next = expected();
    await connected(next);
    next.close();
  });

  it("let go of whoever says no key, and of strangers beyond a bound at once", async () => {
    const bell = expected();
    const liar = connectTo(pathOf(bell));
    liar.write("00000000-0000-0000-0000-000000000000");
    await eventually(() => liar.closed);
    const strangers = Array.from({ length: STRANGERS_MAX + 20 }, () => connectTo(pathOf(bell)));
    await eventually(() => strangers.filter(({ closed }) => closed).length === 20);
    expect(rings.pool).toBe(0);
    for (const stranger of strangers) stranger.destroy();
    await eventually(() => {
      connectTo(pathOf(bell)).write(bell.address?.key ?? "");
      return rings.pool > 0;
    });
  });
});
