// What people have left on the wall. All workers of the pool share it; it is gone when the pool ends, so what
// must stay belongs into a database.

import type { Cache } from "holdfast";

const KEY = "wall";
const KEPT = 50;
export const NOTE_CHARS = 200;

export async function notes(cache: Cache): Promise<readonly string[]> {
  return (await cache.get<string[]>(KEY)) ?? [];
}

export async function addNote(cache: Cache, text: string): Promise<void> {
  for (;;) {
    const before = await cache.get<string[]>(KEY);
    const after = [text, ...(before ?? [])].slice(0, KEPT);
    // Somebody else may have written meanwhile: then once more.
    if (await cache.compareAndSet(KEY, before, after)) return;
  }
}
