// What a pool signs and encrypts with: cookies, tokens, session ids. One key for each secret and
// purpose, so that what was signed for one is of no use for another [RFC 5869]. Whatever comes back
// from a client is judged without throwing and, where it is compared, in constant time.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { Fault } from "../src/base/fault.ts";

/** Of one secret and one purpose. */
interface Pair {
  readonly signing: Buffer;
  readonly sealing: Buffer;
}

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** [NIST SP 800-38D §8.2.2] */
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FRONT_BYTES = SALT_BYTES + IV_BYTES;
/** Purposes whose keys are kept; beyond them they are derived anew each time. */
const REMEMBERED_PURPOSES = 256;
/** What is longer was not made by us: nothing that a client keeps is. */
const TOKEN_LIMIT_CHARS = 1024 * 1024;
const MAC_CHARS = 43;

export class Keys {
  readonly #secrets: readonly string[];
  readonly #pairs = new Map<string, readonly Pair[]>();

  /** The first secret signs and encrypts; all of them verify and decrypt. Throws HANDLER without any. */
  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) {
      throw new Fault("HANDLER", "there is no secret to sign or encrypt with", {
        hint: 'Set secrets = ["…"], 32 characters or more, in [pools.NAME.cookies]; `openssl rand -base64 32` makes one.',
      });
    }
    this.#secrets = secrets;
  }

  /** `value`, a dot, and its HMAC-SHA-256 in base64url. Anyone can read it. Throws TypeError for text with lone surrogates. */
  sign(purpose: string, value: string): string {
    if (!value.isWellFormed()) throw new TypeError("text with a lone surrogate cannot be signed");
    return `${value}.${mac(this.#first(purpose).signing, value)}`;
  }

  /** The value that was signed for this purpose with any of the secrets; undefined for everything else. */
  unsign(purpose: string, signed: string): string | undefined {
    if (!isToken(signed)) return undefined;
    const dot = signed.length - MAC_CHARS - 1;
    if (dot < 0 || signed[dot] !== ".") return undefined;
    const value = signed.slice(0, dot);
    if (!value.isWellFormed()) return undefined;
    const claimed = Buffer.from(signed.slice(dot + 1));
    let genuine = false;
    // Every key is tried, so that the time does not tell which one it was.
    for (const { signing } of this.#of(purpose)) {
      const right = Buffer.from(mac(signing, value));
      if (right.length === claimed.length && timingSafeEqual(right, claimed)) genuine = true;
    }
    return genuine ? value : undefined;
  }

  /**
   * `text` encrypted with AES-256-GCM, in base64url; two calls never give the same. Each message has a key of its
   * own, so that random nonces never run out [NIST SP 800-38D §8.3]. Throws TypeError for text with lone surrogates.
   */
  seal(purpose: string, text: string): string {
    if (!text.isWellFormed()) throw new TypeError("text with a lone surrogate cannot be encrypted");
    const front = randomBytes(FRONT_BYTES);
    const cipher = createCipheriv("aes-256-gcm", messageKey(this.#first(purpose), front), front.subarray(SALT_BYTES));
    return Buffer.concat([front, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
      "base64url",
    );
  }

  /** The text that was sealed for this purpose with any of the secrets; undefined for everything else. */
  unseal(purpose: string, sealed: string): string | undefined {
    if (!isToken(sealed)) return undefined;
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length < FRONT_BYTES + TAG_BYTES) return undefined;
    // Only one way to write it: the decoder would pass over what does not belong there.
    if (bytes.toString("base64url") !== sealed) return undefined;
    for (const pair of this.#of(purpose)) {
      const text = open(pair, bytes);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  #first(purpose: string): Pair {
    return this.#of(purpose)[0] as Pair;
  }

  #of(purpose: string): readonly Pair[] {
    const known = this.#pairs.get(purpose);
    if (known !== undefined) return known;
    const pairs = this.#secrets.map((secret) => ({
      signing: derive(secret, `sign ${purpose}`),
      sealing: derive(secret, `seal ${purpose}`),
    }));
    if (this.#pairs.size < REMEMBERED_PURPOSES) this.#pairs.set(purpose, pairs);
    return pairs;
  }
}

/** The keys of a pool, made when they are first asked for: an app without cookies needs no secret. */
export function lazyKeys(secrets: readonly string[]): () => Keys {
  let keys: Keys | undefined;
  return () => {
    keys ??= new Keys(secrets);
    return keys;
  };
}

/** [RFC 5869] */
function derive(secret: string, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "holdfast", Buffer.from(sha256(info)), KEY_BYTES));
}

/** HKDF's info is bounded, and a purpose may hold a cookie's name of any length. */
function sha256(text: string): Buffer {
  return createHmac("sha256", "purpose").update(text, "utf16le").digest();
}

function mac(key: Buffer, value: string): string {
  return createHmac("sha256", key).update(value).digest("base64url");
}

function messageKey({ sealing }: Pair, front: Buffer): Buffer {
  return createHmac("sha256", sealing).update(front.subarray(0, SALT_BYTES)).digest();
}

function open(pair: Pair, bytes: Buffer): string | undefined {
  const decipher = createDecipheriv("aes-256-gcm", messageKey(pair, bytes), bytes.subarray(SALT_BYTES, FRONT_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const text = decipher.update(bytes.subarray(FRONT_BYTES, bytes.length - TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch {
    return undefined; // another key, or somebody changed it
  }
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.length <= TOKEN_LIMIT_CHARS;
}
