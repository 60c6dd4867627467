// The configuration that is in effect, and the reloads that put another one in its place, one at a time. The new
// processes themselves are started as all others are: plan.ts says when, and whether the reload may go on.

import type { Clock } from "../base/clock.ts";
import type { Fault } from "../base/fault.ts";
import type { Config } from "../config/schema.ts";
import type { ReloadReport } from "../messages/control.ts";
import type { Log } from "../telemetry/log.ts";
import type { AddressBook } from "./address-book.ts";
import type { Fleet } from "./fleet.ts";
import type { Notifier } from "./notify.ts";
import type { PoolRecord } from "./pool-record.ts";
import { type Changes, changesOf, type ReloadScope } from "./reload-scope.ts";
import { Reloading } from "./reloading.ts";
import { makeRevision, type Revision } from "./revision.ts";
import { afterReload } from "./settings.ts";
import { longestStartMs } from "./start-pace.ts";

export interface ReloadsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly addresses: AddressBook;
  readonly notifier: Pick<Notifier, "reloading" | "extend">;
  /** The pool of that name, made if there is none. */
  readonly record: (name: string) => PoolRecord;
  /** Throws when everything is ending. */
  readonly mustNotEnd: () => void;
  /** There may be something to do. */
  readonly changed: () => void;
  /** A reload is over, whether it succeeded or not. */
  readonly over: () => void;
}

export class Reloads {
  readonly #options: ReloadsOptions;
  #config: Config;
  #underWay: Reloading | undefined;

  constructor(config: Config, options: ReloadsOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** What is in effect. */
  get config(): Config {
    return this.#config;
  }

  /** The reload that waits for its processes. */
  get underWay(): Reloading | undefined {
    return this.#underWay;
  }

  /**
   * Renews pools: a new generation of each boots beside the old one, and takes its place when all of
   * them could serve. Resolves when they do. Rejects with USAGE, CONFIG, LISTEN or BOOT; then nothing
   * has changed. One at a time.
   */
  async run(scope: ReloadScope, configured: Config): Promise<ReloadReport> {
    const { log, clock, notifier, addresses, mustNotEnd, changed, over } = this.#options;
    const startedAt = clock.now();
    mustNotEnd();
    const before = this.#config;
    const changes = changesOf(scope, before.pools, configured.pools);
    notifier.reloading();
    notifier.extend(longestStartMs(changes.pools));
    let reload: Reloading;
    try {
      reload = await this.#prepare(changes);
      log.info("reloading", { renewed: [...changes.renewed].join(", "), removed: changes.removed.join(", ") });
      this.#underWay = reload;
      changed();
      await reload.settled;
    } finally {
      await addresses.keepOnly(this.#config.pools);
      over();
    }
    const { settings, waiting } = afterReload(before, configured);
    this.#config = { ...this.#config, supervisor: settings };
    const ms = Math.round(clock.now() - startedAt);
    const report = reload.report();
    log.info("reloaded", { pools: report.pools.map(({ name }) => name).join(", "), ms });
    const warnings = waiting.map((name) => `${name} has changed: it takes effect when Holdfast is started anew`);
    for (const warning of warnings) log.warn(warning);
    return { ...report, ms, warnings };
  }

  /** All new processes have booted: they take the place of the former ones. */
  promote(): void {
    const reload = this.#underWay;
    if (reload === undefined) return;
    reload.promote();
    this.#config = { ...this.#config, pools: reload.changes.pools };
    this.endIfComplete();
  }

  /** One of them cannot: nothing has changed. */
  rollBack(): void {
    this.#options.fleet.rollBack();
    this.end(this.#underWay?.failure);
  }

  /** To be called when a process serves. */
  endIfComplete(): void {
    if (this.#underWay?.isComplete) this.end();
  }

  /** Settles the reload under way, if there is one. */
  end(fault?: Fault): void {
    const reload = this.#underWay;
    this.#underWay = undefined;
    reload?.end(fault);
  }

  /** Binds what is to be listened on, and checks what can be checked before anything changes. */
  async #prepare(changes: Changes): Promise<Reloading> {
    const { fleet, addresses, record, mustNotEnd } = this.#options;
    const revisions: Revision[] = [];
    for (const config of changes.pools) {
      if (!changes.renewed.has(config.name)) continue;
      const generation = fleet.get(config.name)?.freshGeneration ?? 1;
      revisions.push(makeRevision(config, generation, await addresses.open(config)));
    }
    mustNotEnd();
    for (const revision of revisions) record(revision.config.name).prepare(revision);
    return new Reloading(changes, fleet);
  }
}
