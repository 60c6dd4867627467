// The head of a Node app's reply, before it is encoded.

import { Fault } from "../../src/base/fault.ts";
import type { ReplyHook } from "../context.ts";

export type HeaderPair = readonly [name: string, value: string];

export interface Head {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly hasBody: boolean;
  /** Bytes of the body, where they are known already. */
  readonly length: number | null;
}

/** The headers as the hooks leave them. */
export async function withHooks(
  { status, headers }: Head,
  hooks: readonly ReplyHook[],
): Promise<readonly HeaderPair[]> {
  const changed = new Headers(headers as [string, string][]);
  for (const hook of hooks) await hook({ status, headers: changed });
  return [...changed];
}

/** Of the body, as the app says. */
export function declaredLength(headers: readonly HeaderPair[]): number | undefined {
  for (const [name, value] of headers) {
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(value);
  }
  return undefined;
}

export function wrongLength(declared: number, actual: number): Fault {
  return new Fault("HANDLER", `the response declares a Content-Length of ${declared} and has ${actual} bytes`, {
    hint: "Leave Content-Length out: it is set where the length is known.",
  });
}
