// What a handler returned that is no Response: JSX becomes one, anything else is its author's mistake.

import { Fault } from "../src/base/fault.ts";
import type { WorkerExchange } from "./exchange.ts";

/** Rejects with HANDLER for what is neither. */
export async function rendered(file: string, exchange: WorkerExchange, value: unknown): Promise<Response> {
  if (typeof value !== "object" || value === null) throw noResponse(file, exchange, value);
  const { renderNode } = await import("../src/app/jsx/render.ts");
  const response = await renderNode(value);
  if (response === undefined) throw noResponse(file, exchange, value);
  return response;
}

function noResponse(file: string, { role }: WorkerExchange, value: unknown): Fault {
  return new Fault("HANDLER", `the handler of ${file} (${role}) returned ${nameOf(value)} instead of a Response`, {
    hint: 'Return new Response(…), or a promise of one; a thrown Response is an error. A (req, res) function is exported as `node`, or mounted with kind = "node".',
  });
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "Object" ? `an object (${name})` : "a plain object";
}
