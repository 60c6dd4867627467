// What the windows of bodies must keep to, or both sides would wait for each other.

import { BODY_WINDOW_BYTES, REPLY_WINDOW_BYTES, WINDOW_STEP_BYTES } from "../../src/messages/lane.ts";

describe("the window of a body", () => {
  it.each([BODY_WINDOW_BYTES, REPLY_WINDOW_BYTES])(
    "of %s bytes leaves leave for half of it while less than a step is untold",
    (window) => {
      expect(2 * WINDOW_STEP_BYTES).toBeLessThanOrEqual(window);
    },
  );
});
