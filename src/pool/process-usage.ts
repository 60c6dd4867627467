// What this process uses, looked at no more than once a second: for lines that are written much oftener.

import type { Clock, Instant } from "../base/clock.ts";

const SAMPLE_MS = 1000;

export interface Usage {
  readonly residentBytes: number;
  /** Of one processor, over the last second or since the start. */
  readonly userPercent: number;
  readonly systemPercent: number;
}

export class ProcessUsage {
  readonly #clock: Clock;
  #sampledAt: Instant;
  #cpu = process.cpuUsage();
  #usage: Usage | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sampledAt = clock.now();
  }

  get(): Usage {
    const now = this.#clock.now();
    const elapsedMs = now - this.#sampledAt;
    if (this.#usage !== undefined && elapsedMs < SAMPLE_MS) return this.#usage;
    const cpu = process.cpuUsage();
    const percent = (micros: number): number => (elapsedMs === 0 ? 0 : micros / 10 / elapsedMs);
    this.#usage = {
      residentBytes: process.memoryUsage.rss(),
      userPercent: percent(cpu.user - this.#cpu.user),
      systemPercent: percent(cpu.system - this.#cpu.system),
    };
    this.#sampledAt = now;
    this.#cpu = cpu;
    return this.#usage;
  }
}
