// Owns the app in this thread: boots it, calls it for each exchange, ends it. The one border where
// the author's errors end: past it there are only replies and lines in the log.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { InitContext, WorkerInfo } from "../src/app/context.ts";
import { installParts, type WorkerParts } from "../src/app/current.ts";
import { systemClock } from "../src/base/clock.ts";
import { type LogLevel, messageOf } from "../src/base/fault.ts";
import { onDemand } from "../src/base/on-demand.ts";
import { requestMethod } from "../src/cgi/variables.ts";
import { openCodeCache } from "../src/loader/cache.ts";
import { installLoader, type Loader } from "../src/loader/hooks.ts";
import type { WorkerBoot } from "../src/messages/lane.ts";
import { Apps } from "./apps.ts";
import { type ReplyHook, RequestContext } from "./context.ts";
import type { Host, WorkerExchange } from "./exchange.ts";
import { replyFailure } from "./failure.ts";
import { type Keys, lazyKeys } from "./keys.ts";
import { kindNamed } from "./kinds/index.ts";
import { followFastify } from "./node/fastify.ts";
import { currentExchange } from "./output.ts";
import { NO_POOL_STATE, type PoolState } from "./pool-state.ts";
import { interceptListening, LISTEN_WAIT_MS } from "./program.ts";
import { REHEARSAL } from "./rehearsal.ts";
import { sendParts, sendResponse } from "./reply.ts";
import { installRequest, lazyRequest } from "./request.ts";
import { installResponse, isResponse, partsOf, type ReplyParts } from "./response.ts";
import { SessionsOnDemand } from "./session/on-demand.ts";
import { cacheOf, lockOf } from "./shared-on-demand.ts";
import { appSite, type Place, type Route, type Site, type SurroundedRoute } from "./site.ts";
import { installProcess } from "./thread-process.ts";
import { traceOf } from "./trace.ts";

export interface HostTools {
  /** A file of the app is about to be loaded. */
  loaded(path: string): void;
  /** A handler has loaded and is initialised. */
  ready?(file: string): void;
  /** What the workers of the pool share. Absent: there is no pool. */
  readonly poolState?: PoolState | undefined;
  /** Where child processes are noted. Absent: nowhere. */
  readonly programs?: SharedArrayBuffer | undefined;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Loads what the pool was told to run. Rejects with Fault BOOT, whose stack is the author's; how long
 * the app may take is the caller's to bound. To be called once per thread: it changes globals.
 */
export async function bootHost(boot: WorkerBoot, tools: HostTools): Promise<Host> {
  installRequest(boot.form);
  installResponse(boot.form);
  installParts(partsFor(tools.poolState ?? NO_POOL_STATE));
  installProcess();
  interceptListening((level, message) => tools.log(level, message));
  followFastify();
  let apps: Apps | undefined;
  const cache = openCodeCache(boot.cacheDir, (reason) => tools.log("warn", `no code cache: ${reason}`));
  const loader = installLoader({
    cache,
    root: boot.root ?? (boot.app === undefined ? undefined : dirname(boot.app)),
    loaded: (path) => {
      apps?.noticed(path);
      tools.loaded(path);
    },
  });
  apps = makeApps(boot, tools, loader);
  return hostFor(boot, tools, apps);
}

/** What code without a context finds of the pool. */
function partsFor(state: PoolState): WorkerParts {
  return {
    currentContext: () => currentExchange.getStore()?.context,
    cache: () => cacheOf(state),
    lock: (name, work, options) => lockOf(state, name, work, options),
  };
}

/** The same with a loader of the caller's, in a thread whose globals are left alone. */
export async function hostFor(boot: WorkerBoot, tools: HostTools, apps: Apps): Promise<Host> {
  const site = await siteFor(boot, tools, apps);
  // A file that is gone is no longer asked for.
  for (const file of boot.live?.handlers ?? []) if (existsSync(file)) await apps.get(file);
  return new WorkerHost(boot, tools, apps, site);
}

/** `listenWaitMs`: how long after its import the one app of a pool may listen. */
export function makeApps(boot: WorkerBoot, tools: HostTools, loader: Loader, listenWaitMs = LISTEN_WAIT_MS): Apps {
  const log: InitContext["log"] = {
    error: (message, fields) => tools.log("error", message, fields),
    warn: (message, fields) => tools.log("warn", message, fields),
    info: (message, fields) => tools.log("info", message, fields),
    debug: (message, fields) => tools.log("debug", message, fields),
  };
  const { worker: id, generation, pool } = boot;
  return new Apps({
    loader,
    kind: kindNamed(boot.kind),
    ready: (file) => tools.ready?.(file),
    ...(boot.cgi === undefined
      ? {}
      : {
          tools: {
            loader,
            mount: boot.mount,
            limits: boot.cgi,
            lineBytes: boot.logLimitBytes,
            programs: tools.programs,
          },
        }),
    init: { id, generation, pool, env: process.env, log },
    // A file of many answers at once that it exports nothing; the one app of a pool may take its time.
    listenWaitMs: boot.app === undefined ? 0 : listenWaitMs,
  });
}

async function siteFor(boot: WorkerBoot, { loaded }: HostTools, apps: Apps): Promise<Site> {
  if (boot.app !== undefined) return appSite(boot.app, apps);
  const { rootSiteFor } = await import("./root-site.ts");
  return rootSiteFor(boot, loaded, apps);
}

function sessionsOf(boot: WorkerBoot, { poolState, log }: HostTools): SessionsOnDemand {
  const { session: options, pool, mount, cookieSecrets, processes, app, root = "." } = boot;
  return new SessionsOnDemand({ options, pool, mount, cookieSecrets, processes, from: app ?? root, poolState, log });
}

// What few handlers need is loaded when one needs it: each worker pays for what is imported above.
const middlewareContent = onDemand(() => import("./middleware/content.ts"));
const rendering = onDemand(() => import("./rendered.ts"));

class WorkerHost implements Host {
  readonly #boot: WorkerBoot;
  readonly #tools: HostTools;
  readonly #apps: Apps;
  readonly #site: Site;
  /** Begun since the worker started. */
  #requests = 0;
  /** Exchanges and `waitUntil` promises that are not finished. */
  #open = 0;
  #idle: (() => void) | undefined;
  readonly #keys: () => Keys;
  readonly #sessions: SessionsOnDemand;
  readonly #waitUntil = (promise: PromiseLike<unknown>, exchange: WorkerExchange): void => {
    this.#track(promise, (error) => {
      exchange.log("error", "a waitUntil promise was rejected", { stack: traceOf(error) });
      return undefined;
    });
  };

  constructor(boot: WorkerBoot, tools: HostTools, apps: Apps, site: Site) {
    this.#boot = boot;
    this.#tools = tools;
    this.#apps = apps;
    this.#site = site;
    this.#keys = lazyKeys(boot.cookieSecrets);
    this.#sessions = sessionsOf(boot, tools);
  }

  handle(exchange: WorkerExchange): void {
    if (exchange.rehearsal !== true) this.#requests += 1;
    let method: string | undefined;
    try {
      method = requestMethod(exchange.params);
      const answered = this.#answer(exchange, method);
      if (answered !== undefined) this.#track(answered, (error) => this.#fail(exchange, error, method));
    } catch (error) {
      const replied = this.#fail(exchange, error, method);
      if (replied !== undefined) this.#track(replied, () => undefined);
    }
  }

  async drain(deadline: number): Promise<void> {
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        // A handler that never settles must not take the time of everybody's dispose.
        const left = deadline - systemClock.now();
        const patience = Math.max(left / 2, left - this.#boot.disposeTimeoutMs);
        const cancel = systemClock.at(systemClock.now() + patience, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    await this.#apps.dispose(deadline, (file, error) => {
      this.#tools.log("error", `dispose of ${file} failed`, { stack: traceOf(error) });
    });
    await this.#sessions.close().catch((error: unknown) => {
      this.#tools.log("warn", "the session store was not closed", { reason: messageOf(error) });
    });
  }

  /** Undefined once it is answered; nothing is awaited that is there already. */
  #answer(exchange: WorkerExchange, method: string): Promise<void> | undefined {
    const route = exchange.rehearsal === true ? REHEARSAL : this.#site.route(exchange, method);
    if (!(route instanceof Promise)) return this.#follow(exchange, method, route);
    return route.then((found) => this.#follow(exchange, method, found));
  }

  #follow(exchange: WorkerExchange, method: string, route: Route): Promise<void> | undefined {
    if (route.kind === "response") return sendResponse(exchange, method, route.response);
    if (route.kind === "surrounded") return this.#followSurrounded(exchange, method, route);
    const { app, corrections } = route;
    const request = lazyRequest(exchange, this.#boot.form);
    const ctx = this.#context(exchange, request, route, app.state);
    if (app.answer !== undefined) return app.answer(exchange, ctx, { method, mount: this.#boot.mount, corrections });
    const returned = app.respond(exchange.role, request, ctx);
    if (isResponse(returned)) return send(exchange, method, returned, ctx);
    return Promise.resolve(returned).then((value) => {
      if (isResponse(value)) return send(exchange, method, value, ctx);
      return rendering()
        .then(({ rendered }) => rendered(app.file, exchange, value))
        .then((response) => send(exchange, method, response, ctx));
    });
  }

  /** Loaded with the first folder that has middleware. */
  async #followSurrounded(exchange: WorkerExchange, method: string, route: SurroundedRoute): Promise<void> {
    const request = lazyRequest(exchange, this.#boot.form);
    const ctx = this.#context(exchange, request, route, undefined);
    const { surroundedResponse } = await middlewareContent();
    const response = await surroundedResponse({ exchange, route, ctx, request, mount: this.#boot.mount });
    await send(exchange, method, response, ctx);
  }

  #context(exchange: WorkerExchange, request: Request, { corrections, params }: Place, state: unknown): RequestContext {
    return new RequestContext({
      exchange,
      request,
      form: this.#boot.form,
      state,
      worker: this.#workerInfo(),
      corrections,
      mount: this.#boot.mount,
      keys: this.#keys,
      params,
      waitUntil: this.#waitUntil,
      poolState: this.#tools.poolState,
      sessions: this.#sessions,
    });
  }

  #workerInfo(): WorkerInfo {
    return { id: this.#boot.worker, generation: this.#boot.generation, requests: this.#requests };
  }

  #track(promise: PromiseLike<unknown>, failed: (error: unknown) => Promise<void> | undefined): void {
    this.#open += 1;
    const done = (): void => {
      this.#open -= 1;
      if (this.#open === 0) this.#idle?.();
    };
    Promise.resolve(promise).then(done, (error: unknown) => {
      const replied = failed(error);
      if (replied === undefined) done();
      else void replied.finally(done);
    });
  }

  #fail(exchange: WorkerExchange, error: unknown, method: string | undefined): Promise<void> | undefined {
    const { showErrors, editor, live } = this.#boot;
    const { context } = exchange;
    const setCookie = context instanceof RequestContext ? context.failureCookie : undefined;
    return replyFailure(exchange, error, { showErrors, editor, live: live !== undefined, method, setCookie });
  }
}

function send(
  exchange: WorkerExchange,
  method: string,
  response: Response,
  ctx: RequestContext,
): Promise<void> | undefined {
  const { replyHooks } = ctx;
  if (replyHooks === undefined) {
    ctx.replying();
    return sendResponse(exchange, method, response);
  }
  return hooked(partsOf(response), replyHooks).then((parts) => {
    ctx.replying();
    return sendParts(exchange, method, parts);
  });
}

/** The Response itself is left alone: a handler may return one of its module's again and again. */
async function hooked(parts: ReplyParts, hooks: readonly ReplyHook[]): Promise<ReplyParts> {
  const headers = new Headers(parts.headers as [string, string][]);
  for (const hook of hooks) await hook({ status: parts.status, headers });
  return { ...parts, headers: [...headers] };
}
