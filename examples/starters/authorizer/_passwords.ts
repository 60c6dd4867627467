import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** Name → "salt:hash", both hexadecimal. No prototype. */
export type Accounts = Readonly<Record<string, string>>;

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const HASH_BYTES = 32;
/** As good as anybody's, so that a name which does not exist takes as long as one that does. */
const NOBODY = `${"0".repeat(32)}:${"0".repeat(2 * HASH_BYTES)}`;

export async function hashOf(password: string, salt = randomBytes(16)): Promise<string> {
  return `${salt.toString("hex")}:${(await derive(password, salt, HASH_BYTES)).toString("hex")}`;
}

export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [salt = "", hash = ""] = (stored ?? NOBODY).split(":");
  const derived = await derive(password, Buffer.from(salt, "hex"), HASH_BYTES);
  const known = Buffer.from(hash, "hex");
  return known.length === derived.length && timingSafeEqual(derived, known) && stored !== undefined;
}
