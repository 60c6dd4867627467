// Bytes → records, whatever pieces the bytes come in. It knows the header's layout and nothing of
// types, ids or requests. It copies only what a piece leaves incomplete, so it holds at most one
// unfinished record, and its work is linear in the bytes however small the pieces are.

import { Fault } from "../base/fault.ts";
import { FCGI_HEADER_LEN, FCGI_VERSION_1 } from "./constants.ts";
import type { FcgiRecord } from "./record.ts";

/** A record's declared length is believed only this far ahead of the bytes that are there. */
const FIRST_ALLOCATION_BYTES = 1024;

const NOTHING = Buffer.alloc(0);

/**
 * Push a piece, then take records until there is none, then push the next piece.
 * `next` throws Fault PROTOCOL when the peer is not speaking version 1, and from then on always.
 */
export class Decoder {
  #chunk: Buffer = NOTHING;
  #at = 0;
  #state: "padding" | "header" | "content" = "header";
  /** The record at hand, from its header. */
  #type = 0;
  #id = 0;
  #contentLength = 0;
  #paddingLeft = 0;
  /** A header that began in an earlier piece. */
  readonly #header = Buffer.alloc(FCGI_HEADER_LEN);
  #headerFilled = 0;
  /** Content that began in an earlier piece; grows by doubling. */
  #content: Buffer = NOTHING;
  #contentFilled = 0;
  #fault: Fault | undefined;

  /** Contents of records may be views of `chunk`: it must not be changed while they are in use. */
  push(chunk: Buffer): void {
    if (this.#at < this.#chunk.length) chunk = Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next whole record; its padding may still be on the way. Undefined: push more. */
  next(): FcgiRecord | undefined {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#state === "padding" && !this.#skipPadding()) return this.#release();
    if (this.#state === "header" && !this.#readHeader()) return this.#release();
    const content = this.#readContent();
    if (content === undefined) return this.#release();
    this.#state = "padding";
    return { type: this.#type, id: this.#id, content };
  }

  /** Bytes of the unfinished record that are held, and of pieces not yet taken with `next`. */
  get buffered(): number {
    return this.#headerFilled + this.#contentFilled + this.#chunk.length - this.#at;
  }

  /** Whether all that was pushed is whole records: the next byte begins another. */
  get atBoundary(): boolean {
    if (this.#at < this.#chunk.length) return false;
    if (this.#state === "padding") return this.#paddingLeft === 0;
    return this.#state === "header" && this.#headerFilled === 0;
  }

  /** False while more padding is to come; it is never kept. */
  #skipPadding(): boolean {
    const skipped = Math.min(this.#paddingLeft, this.#chunk.length - this.#at);
    this.#paddingLeft -= skipped;
    this.#at += skipped;
    if (this.#paddingLeft > 0) return false;
    this.#state = "header";
    return true;
  }

  #readHeader(): boolean {
    const available = this.#chunk.length - this.#at;
    if (this.#headerFilled === 0 && available >= FCGI_HEADER_LEN) {
      this.#parseHeader(this.#chunk, this.#at);
      this.#at += FCGI_HEADER_LEN;
    } else {
      const taken = Math.min(available, FCGI_HEADER_LEN - this.#headerFilled);
      this.#chunk.copy(this.#header, this.#headerFilled, this.#at, this.#at + taken);
      this.#headerFilled += taken;
      this.#at += taken;
      // The version comes first: a wrong one is told before the rest of the header is there.
      if (this.#headerFilled > 0) this.#checkVersion(this.#header[0]);
      if (this.#headerFilled < FCGI_HEADER_LEN) return false;
      this.#parseHeader(this.#header, 0);
      this.#headerFilled = 0;
    }
    this.#state = "content";
    return true;
  }

  #parseHeader(bytes: Buffer, at: number): void {
    this.#checkVersion(bytes[at]);
    this.#type = bytes[at + 1] as number;
    this.#id = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    this.#contentLength = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
    this.#paddingLeft = bytes[at + 6] as number;
  }

  #readContent(): Buffer | undefined {
    if (this.#contentLength === 0) return NOTHING;
    const available = this.#chunk.length - this.#at;
    if (this.#contentFilled === 0 && available >= this.#contentLength) {
      const start = this.#at;
      this.#at += this.#contentLength;
      return this.#chunk.subarray(start, this.#at);
    }
    const taken = Math.min(available, this.#contentLength - this.#contentFilled);
    this.#reserve(this.#contentFilled + taken);
    this.#chunk.copy(this.#content, this.#contentFilled, this.#at, this.#at + taken);
    this.#contentFilled += taken;
    this.#at += taken;
    if (this.#contentFilled < this.#contentLength) return undefined;
    const content = this.#content;
    this.#content = NOTHING;
    this.#contentFilled = 0;
    return content;
  }

  /** Grows towards the declared length only as bytes arrive: a header alone must not cost 64 KiB. */
  #reserve(bytes: number): void {
    if (this.#content.length >= bytes) return;
    const wanted = Math.max(bytes, 2 * this.#content.length, FIRST_ALLOCATION_BYTES);
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, this.#contentLength));
    this.#content.copy(grown, 0, 0, this.#contentFilled);
    this.#content = grown;
  }

  /** The piece is used up: an idle connection holds on to none. */
  #release(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  #checkVersion(version: number | undefined): void {
    if (version === FCGI_VERSION_1) return;
    this.#release();
    this.#headerFilled = 0;
    this.#fault = new Fault("PROTOCOL", `a record of FastCGI version ${version}; only version 1 exists`, {
      hint: hintFor(version ?? 0),
    });
    throw this.#fault;
  }
}

/** The first byte tells the usual mistakes apart: a TLS handshake is 0x16, HTTP begins with a letter. */
function hintFor(version: number): string {
  if (version === 0x16) return "This looks like TLS. FastCGI is spoken in the clear: use fcgi:// in the web server.";
  if (version >= 0x20 && version < 0x7f) {
    return "This looks like HTTP or another text protocol. Use fcgi://, not http://, in the web server.";
  }
  return "Check that only a web server speaking FastCGI connects to this socket.";
}
