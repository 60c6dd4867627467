// How a Node program is stopped in a worker: as a process manager would, but a thread gets no signals,
// and a worker must not end before others of its apps have. So the listeners of SIGTERM are called, and `process.exit` and
// `process.kill` of this process mean "I have finished" from then on.

import { stopListeners } from "../thread-process.ts";

/** What is to be closed after the program's own listeners; each may be closed already. */
export type Close = () => PromiseLike<unknown>;

export interface ProcessLike {
  readonly pid: number;
  listeners(event: "SIGTERM"): unknown[];
  exit: (code?: number) => never;
  kill: (pid: number, signal?: string | number) => true;
}

const stopped = new WeakMap<ProcessLike, Promise<void>>();

/** Rejects with the first failure of a listener or of `close`. Listeners are called once, for however many programs. */
export async function stopProgram(close: Close, process: ProcessLike = globalThis.process): Promise<void> {
  let signalled = stopped.get(process);
  if (signalled === undefined) {
    signalled = signal(process);
    stopped.set(process, signalled);
  }
  try {
    await signalled;
  } finally {
    await close();
  }
}

function signal(process: ProcessLike): Promise<void> {
  const { kill } = process;
  const exited = new Promise<void>((resolve) => {
    process.exit = (() => resolve()) as (code?: number) => never;
    process.kill = (pid, name) => {
      if (pid !== process.pid && pid !== 0) return kill.call(process, pid, name);
      resolve();
      return true;
    };
  });
  const listeners = stopListeners(process);
  const finished = Promise.all(listeners.map(async (listener) => listener.call(process, "SIGTERM", 15)));
  return Promise.race([exited, finished.then(() => {})]);
}
