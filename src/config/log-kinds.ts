// How the options of logs may be written.

import { z } from "zod";
import { JSON_LINES, parseAccessFormat } from "./access-format.ts";
import { type Kind, mistake } from "./kinds.ts";

/** Where lines go. */
export type LogTarget = { readonly kind: "stderr" } | { readonly kind: "file"; readonly path: string };

export const logTarget: Kind<LogTarget> = {
  form: '`"stderr"`, or path of a file, relative to the folder of the file',
  write: (value) => (value.kind === "stderr" ? "stderr" : value.path),
  schema: z
    .string({ error: 'expected "stderr" or a path in quotes' })
    .min(1, { error: "is empty" })
    .transform((written, ctx): LogTarget => {
      if (written === "stderr") return { kind: "stderr" };
      if (written.includes("\0")) return mistake(ctx, "a path cannot hold a NUL");
      if (/^\/dev\/(stderr|stdout|fd\/)/.test(written)) return mistake(ctx, `${written} is no file`, 'write "stderr"');
      return { kind: "file", path: written };
    }),
};

export const accessFormat: Kind<string> = {
  form: '`"json"`, or a line of codes; see [the access log](access-log.md)',
  schema: z
    .string({ error: "expected text in quotes" })
    .min(1, { error: "is empty" })
    .transform((written, ctx) => {
      if (written === JSON_LINES) return written;
      const parts = parseAccessFormat(written);
      return "message" in parts ? mistake(ctx, parts.message, parts.hint) : written;
    }),
};

export const urlPaths: Kind<readonly string[]> = {
  form: "list of paths",
  schema: z.array(
    z.string({ error: "expected text in quotes" }).regex(/^\/[^?#\s]*$/, { error: 'begins with "/" and holds no "?"' }),
    { error: 'expected a list such as ["/-/ping"]' },
  ),
};
