// Session ids: what a visitor holds, and under what the session is kept. A store never sees an id, only its
// digest, so that no name from the wire becomes a path or a key, and what leaks from a store opens no session.

import { createHash, randomBytes } from "node:crypto";

const ID_BYTES = 32;
/** As `newId` writes it. The last of 43 characters holds four bits: one way to write each id. */
const ID = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** 256 random bits, base64url. */
export function newId(): string {
  return randomBytes(ID_BYTES).toString("base64url");
}

export function isId(text: string): boolean {
  return ID.test(text);
}

/** 64 hexadecimal digits. */
export function keyOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
