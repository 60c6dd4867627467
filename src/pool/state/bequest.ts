// The end of a process that leaves: gives what its workers share to the process that takes its place, in pieces
// that hold nobody up, and then what changes until it is gone. The name of its socket can be read by every user
// of the system, so whoever connects has to know a key; it came by way of the supervisor.

import { randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import type { EstateAddress } from "../../messages/lifecycle.ts";
import { encodeRecord, markRecord, RECORD_COMPLETE, RECORD_ENTRY, RECORD_GONE } from "./estate.ts";
import type { Store } from "./store.ts";

/** The heir connects and says the key within this, ms. */
const CLAIM_MS = 10_000;
const STRANGERS_MAX = 8;
/** So much is written in one turn of the event loop. */
const SLICE_BYTES = 256 * 1024;
/** An heir that takes nothing for so long gets nothing more, ms. */
const STALL_MS = 10_000;
/** So many keys may have changed that the heir was not told of. */
const CHANGED_MAX = 100_000;

export class Bequest {
  readonly #clock: Clock;
  readonly #spaces: Map<string, Store>;
  readonly #key = randomUUID();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #heir: Socket | undefined;
  #everything: Iterator<Buffer>;
  /** Spaces that were walked to their end: what comes into them from the process before is a change as any other. */
  readonly #walked = new Set<string>();
  readonly #changed = new Set<string>();
  #isWalked = false;
  #due = false;
  #blocked = false;
  #emptied: (() => void) | undefined;
  #cancelClaim: () => void;

  constructor(clock: Clock, spaces: Iterable<readonly [string, Store]>) {
    this.#clock = clock;
    this.#spaces = new Map(spaces);
    this.#everything = this.#walk();
    this.#server = createServer({ highWaterMark: SLICE_BYTES }, (socket) => this.#knock(socket));
    this.#server.on("error", () => this.close());
    this.#server.unref();
    this.#cancelClaim = clock.at(clock.now() + CLAIM_MS, () => {
      if (this.#heir === undefined) this.close();
    });
  }

  /** Resolves with where the heir finds it. Rejects where there are no sockets without a file. */
  open(): Promise<EstateAddress> {
    // The NUL makes it a name of Linux's abstract namespace (unix(7)).
    const path = `\0holdfast-${randomUUID()}`;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, () => resolve({ path, key: this.#key }));
    });
  }

  /** A space that nobody had used before. */
  add(name: string, store: Store): void {
    this.#spaces.set(name, store);
    // Where all have been walked, this one is not any more.
    if (this.#isWalked) this.#walked.add(name);
    if (this.#heir?.destroyed === false) this.#follow(this.#heir, name, store);
  }

  /** Resolves when the heir was told all that has changed, or there is none, or after `withinMs`. */
  finish(withinMs: number): Promise<void> {
    const heir = this.#heir;
    if (heir === undefined || heir.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.at(this.#clock.now() + withinMs, resolve);
      const over = (): void => {
        cancel();
        resolve();
      };
      heir.once("close", over);
      this.#emptied = () => heir.end(over);
      this.#pumpSoon();
    });
  }

  close(): void {
    this.#cancelClaim();
    for (const store of this.#spaces.values()) store.changed = undefined;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #knock(socket: Socket): void {
    if (this.#sockets.size >= STRANGERS_MAX || this.#heir !== undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.unref();
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {}); // "close" follows
    socket.setTimeout(CLAIM_MS, () => socket.destroy());
    socket.once("data", (said: Buffer) => {
      const key = Buffer.from(this.#key);
      if (this.#heir === undefined && said.length === key.length && timingSafeEqual(said, key)) this.#begin(socket);
      else socket.destroy();
    });
  }

  #begin(heir: Socket): void {
    this.#heir = heir;
    this.#server.close();
    this.#cancelClaim();
    heir.setTimeout(0);
    heir.on("close", () => this.close());
    heir.on("drain", () => {
      this.#blocked = false;
      heir.setTimeout(0);
      this.#pump();
    });
    heir.on("timeout", () => heir.destroy());
    for (const [name, store] of this.#spaces) this.#follow(heir, name, store);
    this.#pump();
  }

  #follow(heir: Socket, name: string, store: Store): void {
    store.changed = (key, isNews) => {
      // It may be very much.
      if (isNews && !this.#walked.has(name)) return;
      this.#changed.add(`${name}\0${key}`);
      if (this.#changed.size > CHANGED_MAX) heir.destroy();
      else this.#pumpSoon();
    };
  }

  #pumpSoon(): void {
    if (this.#due || this.#blocked) return;
    this.#due = true;
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    this.#due = false;
    const heir = this.#heir;
    if (heir === undefined || heir.destroyed || this.#blocked) return;
    // One write for many short records.
    heir.cork();
    const more = this.#write(heir);
    heir.uncork();
    if (more) this.#pumpSoon();
    else if (!this.#blocked) this.#emptied?.();
  }

  /** False: there is no more, or the heir has to take some first. */
  #write(heir: Socket): boolean {
    for (let bytes = 0; bytes < SLICE_BYTES; ) {
      const record = this.#next();
      if (record === undefined) return false;
      bytes += record.length;
      if (heir.write(record)) continue;
      this.#blocked = true;
      heir.setTimeout(STALL_MS);
      return false;
    }
    return true;
  }

  #next(): Buffer | undefined {
    const { value, done } = this.#everything.next();
    if (done !== true) return value;
    const [changed] = this.#changed;
    if (changed === undefined) return undefined;
    this.#changed.delete(changed);
    const at = changed.indexOf("\0");
    const [space, key] = [changed.slice(0, at), changed.slice(at + 1)];
    const entry = this.#spaces.get(space)?.entry(key);
    return entry === undefined
      ? markRecord(RECORD_GONE, space, key)
      : encodeRecord({ kind: RECORD_ENTRY, space, ...entry });
  }

  *#walk(): Generator<Buffer, undefined> {
    for (const [space, store] of this.#spaces) {
      for (const entry of store.entries()) yield encodeRecord({ kind: RECORD_ENTRY, space, ...entry });
      this.#walked.add(space);
    }
    this.#isWalked = true;
    yield markRecord(RECORD_COMPLETE);
  }
}
