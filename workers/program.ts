// A module that calls `listen()` as it is imported. No port is opened: Apache is in front, and the
// server's 'request' listeners are what it would have answered with. Hooks into node:net only,
// because node:http costs megabytes where no app uses it.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Server } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import { systemClock } from "../src/base/clock.ts";
import { Fault, type LogLevel } from "../src/base/fault.ts";

/** A program may connect to its database first: so long a module without exports is waited for. */
export const LISTEN_WAIT_MS = 10_000;

/** The servers that called `listen()` in one import, and in what it went on to do. */
export class Program {
  readonly #waitMs: number;
  readonly #servers: Server[] = [];
  #listened: (() => void) | undefined;

  /** `waitMs`: how long after its import it may listen. */
  constructor(waitMs = 0) {
    this.#waitMs = waitMs;
  }

  /** The first that still listens. */
  get server(): Server | undefined {
    return this.#servers.find(({ listening }) => listening);
  }

  /** `server`, after a wait for it where the module has loaded node:http at all. */
  async listening(): Promise<Server | undefined> {
    if (this.server === undefined && this.#waitMs > 0 && isHttpLoaded()) {
      await new Promise<void>((resolve) => {
        const cancel = systemClock.at(systemClock.now() + this.#waitMs, resolve);
        this.#listened = () => {
          cancel();
          resolve();
        };
      });
    }
    return this.server;
  }

  /** Returns the server that answers instead, if there is one. */
  add(server: Server): Server | undefined {
    const before = this.server;
    this.#servers.push(server);
    this.#listened?.();
    return before === server ? undefined : before;
  }
}

/** Whose `listen()` it is: set around the import of a module, and followed through what it starts. */
export const importing = new AsyncLocalStorage<Program>();

function isHttpLoaded(): boolean {
  const { moduleLoadList } = process as { readonly moduleLoadList?: readonly string[] };
  return moduleLoadList?.includes("NativeModule http") ?? true;
}

type Listen = (this: NetServer, ...args: unknown[]) => NetServer;

/**
 * Makes `listen()` of HTTP servers open nothing in this thread; other servers are left alone. What it
 * returns undoes that.
 */
export function interceptListening(log: (level: LogLevel, message: string) => void): () => void {
  const prototype = NetServer.prototype as { listen: Listen };
  const { listen } = prototype;
  prototype.listen = function (...args) {
    const kind = protocolOf(this);
    if (kind === undefined || this.listening) return listen.apply(this, args);
    if (kind !== "http") throw notHttp(kind);
    const address = pretend(this as Server, args);
    const other = importing.getStore()?.add(this as Server);
    if (other === undefined) log("debug", `listen(${shown(address)}) opens no port: the web server is in front`);
    // The same port once more is the same app at another of the host's addresses.
    else if (shown(other.address()) !== shown(address)) {
      log("warn", `a second server calls listen(${shown(address)}): only the first one of a program is reached`);
    }
    return this;
  };
  return () => {
    prototype.listen = listen;
  };
}

/** Of a server that speaks HTTP; undefined: of any other. */
function protocolOf(server: NetServer): "http" | "https" | "http2" | undefined {
  if (/^Http2/.test(server.constructor.name)) return "http2";
  if (!("requestTimeout" in server)) return undefined;
  return "setSecureContext" in server ? "https" : "http";
}

function notHttp(kind: "https" | "http2"): Fault {
  return new Fault("BOOT", `a server of node:${kind} calls listen()`, {
    hint: "TLS and HTTP/2 end at the web server: use http.createServer, and leave certificates to Apache.",
  });
}

interface Asked {
  readonly port?: unknown;
  readonly host?: unknown;
  readonly path?: unknown;
  readonly signal?: AbortSignal;
}

/** Node's own `address()`, `listening` and `close()` go by this handle. */
interface PretendedHandle {
  getsockname(out: Partial<AddressInfo>): number;
  close(): void;
  ref(): void;
  unref(): void;
}

function pretend(server: Server, args: readonly unknown[]): AddressInfo | string {
  const { port, host, path, signal } = askedOf(args);
  const callback = args.at(-1);
  if (typeof callback === "function") server.once("listening", callback as () => void);
  const address = { address: typeof host === "string" ? host : "::", port: Number(port ?? 0) };
  const isIPv6 = address.address.includes(":");
  const known: AddressInfo = { ...address, family: isIPv6 ? "IPv6" : "IPv4" };
  const handle: PretendedHandle = {
    getsockname: (out) => {
      Object.assign(out, known);
      return 0;
    },
    close() {},
    ref() {},
    unref() {},
  };
  const internals = server as unknown as { _handle: unknown; _pipeName: unknown };
  internals._handle = typeof path === "string" ? { ...handle, getsockname: undefined } : handle;
  if (typeof path === "string") internals._pipeName = path;
  signal?.addEventListener("abort", () => server.close(), { once: true });
  process.nextTick(() => {
    if (server.listening) server.emit("listening");
  });
  return typeof path === "string" ? path : known;
}

/** The forms of `listen` [node:net]: (port, host), (path), (options); a callback is last in each. */
function askedOf([first, second]: readonly unknown[]): Asked {
  if (typeof first === "object" && first !== null) return first;
  if (typeof first === "string" && !/^\d+$/.test(first)) return { path: first };
  const host = typeof second === "string" ? second : undefined;
  return { port: typeof first === "function" ? 0 : first, host: host === "localhost" ? "127.0.0.1" : host };
}

function shown(address: AddressInfo | string | null): string {
  return typeof address === "string" ? address : String(address?.port ?? 0);
}
