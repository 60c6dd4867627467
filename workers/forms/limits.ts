// How much of a form is taken, and the error that tells which limit it passed.

import { Fault, type FaultCode } from "../../src/base/fault.ts";
import { refusalReply } from "../../src/cgi/response.ts";
import type { FormLimits } from "../../src/messages/lane.ts";

/** Fields of FormLimits → the option's name below `[pools.NAME.form]`. */
const OPTIONS: Readonly<Record<keyof FormLimits, string>> = {
  fields: "fields",
  fieldBytes: "field_limit",
  nameBytes: "name_limit",
  files: "files",
  fileBytes: "file_limit",
  memoryBytes: "memory_limit",
};

/** A form that cannot be taken. Uncaught it is answered with its status, and by Hono, too. */
export class FormFault extends Fault {
  constructor(code: FaultCode, message: string, options: { hint?: string; status?: number; cause?: unknown } = {}) {
    super(code, message, options);
  }

  /** What Hono's error handler looks for; others go by `status`. */
  getResponse(): Response {
    const { status, body } = refusalReply(this);
    return new Response(body, { status, headers: { "content-type": "text/html; charset=utf-8" } });
  }
}

/** 413, with the option that decides. `what` is such as "has more than 20 files". */
export function beyond(limit: keyof FormLimits, what: string): FormFault {
  return new FormFault("LIMIT", `the form ${what} (form.${OPTIONS[limit]})`, {
    hint: `Raise ${OPTIONS[limit]} in [pools.NAME.form] if the app wants such forms.`,
  });
}

/** 400: what was sent is no form, or not all of one. */
export function malformed(what: string, cause?: unknown): FormFault {
  return new FormFault("REQUEST", `the form cannot be read: ${what}`, cause === undefined ? {} : { cause });
}
