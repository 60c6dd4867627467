// The only file that reads the wall clock: the end of a session is kept for longer than any process lives,
// and by several machines. Deadlines are monotonic (src/base/clock.ts).

/** Milliseconds since 1970, UTC. */
export type WallTime = number;

export type WallClock = () => WallTime;

export const wallClock: WallClock = () => Date.now();
