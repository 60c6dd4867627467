// What may be wrong with a session, and what to do about it.

import { Fault } from "../../src/base/fault.ts";

export function tooLate(what: string): Fault {
  return new Fault("HANDLER", `${what}: the reply's head, which would carry its cookie, is sent`, {
    hint: "Open the session, and change it, before the handler returns its Response.",
  });
}

export function lost(): Fault {
  return new Fault("OVERLOAD", "the session is another request's by now: its changes were not saved", {
    hint: "The worker stood still for longer than session.lock_lease, or two requests changed the session's id at once.",
  });
}

export function tooLong(bytes: number, maxBytes: number): Fault {
  return new Fault("HANDLER", `the session has ${bytes} bytes; session.max_bytes is ${maxBytes}`, {
    hint: "Keep large things in a database, and their keys in the session.",
  });
}

export function isClosed(): Fault {
  return new Fault("HANDLER", "the session is closed: its request is over, or it was closed before", {
    hint: "Call session.close() after the last change.",
  });
}
