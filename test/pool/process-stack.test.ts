import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { jest } from "@jest/globals";
import { type Seen, WATCH, writeSeen } from "../../src/messages/watch.ts";
import { ProcessStack } from "../../src/pool/process-stack.ts";

describe("the calls of a worker process", () => {
  const seen: Seen = {
    calls: [{ functionName: "f", location: { scriptId: "1", lineNumber: 3, columnNumber: 4 } }],
    scripts: [["1", { url: "file:///a.ts" }]],
  };

  function open() {
    const asked: number[] = [];
    const socket = new Duplex({
      read() {},
      write(bytes: Buffer, _encoding, done) {
        asked.push(...bytes);
        done();
      },
    });
    const broken = jest.fn();
    return { socket, asked, broken, stack: new ProcessStack(socket as Socket, broken) };
  }

  it("are told when they are asked for", async () => {
    const { socket, asked, broken, stack } = open();
    const taken = stack.take(60_000);
    expect(await stack.take(60_000)).toBeUndefined();
    socket.push(writeSeen(seen));
    expect(await taken).toBe("at f (/a.ts:4:5)");
    expect(asked).toEqual([WATCH.LOOK]);
    expect(broken).not.toHaveBeenCalled();
    stack.close();
  });

  it("may come when nobody waits for them any more, and are asked for again then", async () => {
    const { socket, asked, broken, stack } = open();
    expect(await stack.take(1)).toBeUndefined();
    expect(asked).toEqual([WATCH.LOOK, WATCH.GIVE_UP]);
    socket.push(writeSeen(seen));
    await new Promise(setImmediate);
    const taken = stack.take(60_000);
    socket.push(writeSeen(undefined));
    expect(await taken).toBeUndefined();
    expect(broken).not.toHaveBeenCalled();
    stack.close();
  });

  it("are not read where nobody has asked: whoever says them is no watcher of ours", async () => {
    const { socket, broken, stack } = open();
    socket.push(writeSeen(seen));
    await new Promise(setImmediate);
    expect(broken).toHaveBeenCalledWith(new RangeError("calls that nobody asked for"));
    expect(socket.destroyed).toBe(true);
    expect(await stack.take(60_000)).toBeUndefined();
  });
});
