// What the windows of bodies must keep to, or both sides would wait for each other.

import { frameBytes } from "../../src/messages/batch.ts";
import {
  BODY_WINDOW_BYTES,
  CHUNK_BYTES,
  FROM_WORKER,
  REPLY_WINDOW_BYTES,
  RING_BYTES,
  WINDOW_STEP_BYTES,
} from "../../src/messages/lane.ts";
import { RingReader, RingWriter, ringMemory } from "../../src/messages/ring.ts";

describe("the window of a body", () => {
  it.each([BODY_WINDOW_BYTES, REPLY_WINDOW_BYTES])(
    "of %s bytes leaves leave for half of it while less than a step is untold",
    (window) => {
      expect(2 * WINDOW_STEP_BYTES).toBeLessThanOrEqual(window);
    },
  );

  it("has room in a ring, wherever in it the body begins", () => {
    const memory = ringMemory(RING_BYTES);
    let posts = 0;
    const writer = new RingWriter(memory, () => posts++);
    const reader = new RingReader(
      memory,
      () => {},
      () => undefined,
    );
    for (let at = 0; at < RING_BYTES; at += 8192 + frameBytes(0)) {
      writer.bytes(FROM_WORKER.CHUNK, 1, Buffer.alloc(8192));
      writer.flush();
      reader.take();
      for (let sent = 0; sent < REPLY_WINDOW_BYTES; sent += CHUNK_BYTES) {
        writer.bytes(FROM_WORKER.CHUNK, 1, Buffer.alloc(Math.min(CHUNK_BYTES, REPLY_WINDOW_BYTES - sent)));
      }
      writer.flush();
      reader.take();
    }
    expect(posts).toBe(0);
  });
});
