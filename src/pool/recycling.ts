// When a worker has done enough: by requests, by age, by memory. Pure; what becomes of it then is the
// workforce's.

import type { PoolConfig } from "../config/schema.ts";

/** 0 switches a rule off. */
export type RecycleRules = Pick<PoolConfig["recycle"], "maxRequests" | "maxAgeMs" | "maxMemoryBytes" | "jitter">;

export const NO_RECYCLING: RecycleRules = { maxRequests: 0, maxAgeMs: 0, maxMemoryBytes: 0, jitter: 0 };

/**
 * So long apart are two workers of a process that are recycled for their memory, ms: an app that needs
 * more than recycle.max_memory from its first request on must not spend its time starting workers.
 */
export const MEMORY_REST_MS = 10_000;

/** What one worker may reach, with the jitter of its own. Infinity: no limit. */
export interface LifeSpan {
  /** Its successor is started with this request. */
  readonly renewAfterRequests: number;
  /** It is given no more than so many. */
  readonly maxRequests: number;
  readonly renewAfterMs: number;
}

/** `random` in [0, 1) places the worker in the part of the limits that the jitter spreads. */
export function lifeSpan({ maxRequests, maxAgeMs, jitter }: RecycleRules, random: number): LifeSpan {
  const share = 1 - jitter * random;
  return {
    renewAfterRequests: maxRequests === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(maxRequests * share)),
    maxRequests: maxRequests === 0 ? Number.POSITIVE_INFINITY : maxRequests,
    renewAfterMs: maxAgeMs === 0 ? Number.POSITIVE_INFINITY : maxAgeMs * share,
  };
}

export interface LifeSoFar {
  readonly requests: number;
  readonly ageMs: number;
  readonly memoryBytes: number;
}

/** Why a worker is to be replaced, in words for the log; undefined: it is not. */
export function reasonToRecycle(life: LifeSoFar, span: LifeSpan, maxMemoryBytes: number): string | undefined {
  if (life.requests >= span.renewAfterRequests) return `recycle.max_requests: it was given ${life.requests}`;
  if (life.ageMs >= span.renewAfterMs) return `recycle.max_age: it is ${Math.round(life.ageMs / 1000)} s old`;
  if (isOverMemory(life, maxMemoryBytes)) {
    return `recycle.max_memory: it holds ${Math.round(life.memoryBytes / 1024 / 1024)} MiB`;
  }
  return undefined;
}

export function isOverMemory({ memoryBytes }: Pick<LifeSoFar, "memoryBytes">, maxMemoryBytes: number): boolean {
  return maxMemoryBytes > 0 && memoryBytes >= maxMemoryBytes;
}
