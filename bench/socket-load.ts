// FastCGI load without Apache, by load.c, which looks at every reply itself.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BODY } from "./peer.ts";
import type { Load } from "./sample.ts";

export interface SocketLoad {
  readonly program: string;
  readonly socket: string;
  readonly connections: number;
  readonly seconds: number;
  readonly kind: "kept" | "fresh";
}

interface Summary extends Omit<Load, "errors"> {
  readonly errors: number;
  readonly firstError: string;
  readonly reconnects: number;
}

export async function socketLoad({ program, socket, connections, seconds, kind }: SocketLoad): Promise<Load> {
  const { stdout } = await promisify(execFile)(
    program,
    [`unix:${socket}`, String(connections), String(seconds), kind, BODY],
    { timeout: (seconds + 30) * 1000 },
  );
  const { errors, firstError, reconnects, ...load } = JSON.parse(stdout) as Summary;
  return {
    ...load,
    errors: [
      ...(load.requests > 0 ? [] : ["no request was answered"]),
      ...(errors > 0 ? [`${errors} × ${firstError}`] : []),
      ...(reconnects > 0 ? [`${reconnects} × closed a connection that was to be kept`] : []),
    ],
  };
}
