// A thread of a worker process that watches its main thread: asked over a socket of its own, it stops that thread for
// a moment and tells which calls it is in, also where its loop never turns. It does nothing else, and loads
// nothing of the app.

import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Inspection, type ScriptParsed } from "../src/base/inspection.ts";
import { type Seen, WATCH, WATCH_FD, writeSeen } from "../src/messages/watch.ts";

/** The main thread is free of an inspection within this, or whoever asks next learns nothing, ms. */
const FREE_MS = 200;

const socket = new Socket({ fd: WATCH_FD, readable: true, writable: true });
/** Until the main thread is free of it, which may be long after somebody asked. */
let current: Inspection | undefined;

async function look(): Promise<Seen | undefined> {
  if (current !== undefined) return undefined;
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  const scripts = new Map<string, ScriptParsed>();
  const inspection = new Inspection({
    say: (id, method, params) => {
      // A thread that is gone takes this one along.
      session.post(method, params).then(
        () => inspection.answered(id),
        () => inspection.end(),
      );
    },
    end: () => session.disconnect(),
  });
  current = inspection;
  inspection.closed.then(() => {
    current = undefined;
  });
  session.on("Debugger.scriptParsed", ({ params: { scriptId, url, sourceMapURL = "" } }) => {
    scripts.set(scriptId, { url, sourceMapURL });
  });
  session.on("Debugger.paused", ({ params }) => inspection.paused(params.callFrames));
  session.on("Debugger.resumed", () => inspection.resumed());
  session.connectToMainThread();
  inspection.begin();
  const calls = await inspection.calls;
  await Promise.race([inspection.closed, delay(FREE_MS)]);
  return calls === undefined ? undefined : seenOf(calls, scripts);
}

function seenOf(calls: Seen["calls"], scripts: ReadonlyMap<string, ScriptParsed>): Seen {
  const ids = new Set(calls.map(({ location }) => location.scriptId));
  return {
    // Paused calls hold the values in them, too.
    calls: calls.map(({ functionName, location }) => ({ functionName, location })),
    scripts: [...ids].flatMap((id) => {
      const script = scripts.get(id);
      return script === undefined ? [] : [[id, script] as const];
    }),
  };
}

socket.on("data", (bytes: Buffer) => {
  for (const said of bytes) {
    if (said === WATCH.GIVE_UP) current?.giveUp();
    else {
      look().then(
        (seen) => socket.write(writeSeen(seen)),
        () => socket.write(writeSeen(undefined)),
      );
    }
  }
});
socket.on("error", () => {}); // the pool is gone
