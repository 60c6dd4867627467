// The child processes of a worker thread, as both sides see them: one word of shared memory each, 0 or the
// id. The process that they are children of is the pool's, and a thread that is lost leaves them to it.

/** Of a worker that may have so many at once. */
export function programsMemory(most: number): SharedArrayBuffer {
  return new SharedArrayBuffer(most * Int32Array.BYTES_PER_ELEMENT);
}

/** Notes one; returns what takes it back. */
export function noteProgram(memory: SharedArrayBuffer, pid: number): () => void {
  const words = new Int32Array(memory);
  for (let at = 0; at < words.length; at++) {
    if (Atomics.compareExchange(words, at, 0, pid) === 0) return () => void Atomics.compareExchange(words, at, pid, 0);
  }
  return () => {}; // more than there may be: nobody is told of it
}

export function notedPrograms(memory: SharedArrayBuffer): readonly number[] {
  return [...new Int32Array(memory)].filter((pid) => pid !== 0);
}
