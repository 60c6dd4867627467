// Secrets in a configuration: written in it, or in files of their own. They are never printed.

import { readFileSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import type { Findings } from "./checks.ts";
import type { Kind } from "./kinds.ts";
import type { Written } from "./table.ts";

/** Shorter ones can be guessed from what they signed, at leisure. */
export const SECRET_CHARS = 32;
/** Each is tried on what the first one does not fit. */
const SECRETS = 16;
const FILE_LIMIT_BYTES = 64 * 1024;
const SHORT = `must have at least ${SECRET_CHARS} characters; \`openssl rand -base64 32\` makes one`;
/** Stands for a secret wherever a configuration is shown; too short to be taken for one. */
const NOT_SHOWN = "<not shown>";

export interface Secret {
  /** Where it was read; absent: it was written in the configuration. */
  readonly file?: string;
  /** "" until `readSecrets` has read the file. */
  readonly text: string;
}

const written = z.string({ error: "expected text in quotes, or { file = … }" });
const inFile = z.strictObject({ file: z.string({ error: "expected a path in quotes" }).min(1, { error: "is empty" }) });

export const secrets: Kind<readonly Secret[]> = {
  form: 'list of texts of at least 32 characters, or of files that hold one: `{ file = "/etc/holdfast/secret" }`',
  schema: z
    .array(
      z
        .union([written.min(SECRET_CHARS, { error: SHORT }), inFile], { error: SHORT })
        .transform((one): Secret => (typeof one === "string" ? { text: one } : { file: one.file, text: "" })),
      { error: 'expected a list such as [{ file = "/etc/holdfast/secret" }]' },
    )
    .max(SECRETS, { error: `holds more than ${SECRETS} secrets` }),
  write: (value): Written => value.map(({ file }) => (file === undefined ? NOT_SHOWN : { file })),
};

/** The address of a database, which may hold a password: that is not shown. */
export const serverUrl: Kind<string> = {
  form: "URL",
  schema: z.string({ error: "expected a URL in quotes" }).refine((text) => URL.canParse(text), {
    error: 'is no URL, such as "redis://127.0.0.1:6379" or "postgres://user@127.0.0.1/name"',
  }),
  write: (value): Written => {
    const url = new URL(value);
    if (url.password !== "") url.password = NOT_SHOWN;
    // Drivers take them from there, too.
    for (const name of [...url.searchParams.keys()]) {
      if (/pass|secret|token/i.test(name)) url.searchParams.set(name, NOT_SHOWN);
    }
    return url.href;
  },
};

/** Where secrets were listed. */
interface Place {
  /** Need not exist. */
  readonly file: string;
  /** What relative paths are relative to. */
  readonly folder: string;
}

/** The same with every file read; line breaks at its end do not count. What cannot be read is reported. */
export function readSecrets(
  listed: readonly Secret[],
  { file: by, folder }: Place,
  findings: Findings,
): readonly Secret[] {
  if (listed.some(({ file }) => file === undefined) && isReadByAll(statSync(by, { throwIfNoEntry: false }))) {
    findings.warning(
      ["cookies", "secrets"],
      `anyone may read ${by}`,
      "chmod o-r it, or keep the secret in a file of its own",
    );
  }
  return listed.map((secret, index) => {
    if (secret.file === undefined) return secret;
    const file = resolve(folder, secret.file);
    const at = ["cookies", "secrets", index];
    try {
      const stats = statSync(file);
      if (stats.size > FILE_LIMIT_BYTES) findings.error(at, `${file} is larger than ${FILE_LIMIT_BYTES} bytes`);
      else {
        if (isReadByAll(stats)) findings.warning(at, `anyone may read ${file}`, "chmod o-r it");
        const text = readFileSync(file, "utf8").replace(/[\r\n]+$/, "");
        if (text.length >= SECRET_CHARS) return { file, text };
        findings.error(at, `the secret in ${file} ${SHORT}`);
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      findings.error(at, code === "ENOENT" ? `there is no ${file}` : `${file} cannot be read (${code})`);
    }
    return { file, text: "" };
  });
}

const isReadByAll = (stats: Stats | undefined): boolean => stats !== undefined && (stats.mode & 0o004) !== 0;
