// What a script has started and not finished, so that its end is known: a process ends when nothing keeps
// its event loop, and here many scripts share one. Follows what is created in each call, as Node tells
// it (async_hooks); only pools of CGI scripts pay for that.

import { createHook } from "node:async_hooks";
import { currentCall, type ScriptCall } from "./current-call.ts";

/** Types of Node's that keep a process, until they are finished or no longer referenced. */
const HOLDING =
  /^(?:Timeout|Immediate|FSREQ\w+|FILEHANDLECLOSEREQ|GET(?:ADDR|NAME)INFOREQWRAP|QUERYWRAP|TCP(?:CONNECT)?WRAP|PIPE(?:CONNECT)?WRAP|PROCESSWRAP|UDP(?:SEND)?WRAP|WORKER|MESSAGEPORT|[A-Z0-9]+REQUEST|STATWATCHER|FSEVENTWRAP|SIGNALWRAP)$/;
/** Types that tell that something is not finished, but that would not keep a process. */
const TELLING = /^(?:PROMISE|ZLIB)$/;

interface Referenced {
  hasRef?(): boolean;
}

export class Pending {
  readonly #holding = new Map<number, Referenced>();
  readonly #telling = new Set<number>();

  /** Something keeps it: a timer, a file being read, a connection. */
  get isHeld(): boolean {
    for (const resource of this.#holding.values()) if (resource.hasRef?.() !== false) return true;
    return false;
  }

  /** A promise of its is not settled. */
  get isPromised(): boolean {
    return this.#telling.size > 0;
  }

  begun(id: number, type: string, resource: object): void {
    if (HOLDING.test(type)) this.#holding.set(id, resource as Referenced);
    else if (TELLING.test(type)) this.#telling.add(id);
  }

  finished(id: number): boolean {
    this.#telling.delete(id);
    return this.#holding.delete(id);
  }

  /** Code that waited for it has run: of what V8 makes for each `await`, nothing more is ever heard. */
  continued(id: number): void {
    this.#telling.delete(id);
  }

  /** Its timers never fire: the process that they are of has ended. */
  stop(): void {
    for (const resource of this.#holding.values()) {
      const name = resource.constructor?.name;
      if (name === "Timeout") clearTimeout(resource as NodeJS.Timeout);
      else if (name === "Immediate") clearImmediate(resource as NodeJS.Immediate);
    }
    this.#holding.clear();
    this.#telling.clear();
  }
}

let following = false;

/** To be called before the first call; once is enough. */
export function followCalls(): void {
  if (following) return;
  following = true;
  const owners = new Map<number, ScriptCall>();
  const finished = (id: number): void => {
    const call = owners.get(id);
    if (call === undefined) return;
    owners.delete(id);
    if (call.pending.finished(id)) call.look();
  };
  createHook({
    init(id, type, _trigger, resource) {
      const call = currentCall.getStore();
      if (call === undefined || call.isOver) return;
      owners.set(id, call);
      call.pending.begun(id, type, resource);
    },
    after: (id) => owners.get(id)?.pending.continued(id),
    destroy: finished,
    promiseResolve: finished,
  }).enable();
}
