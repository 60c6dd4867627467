// When a session ends, and how often that is written anew. Pure.

import type { WallTime } from "./wall-clock.ts";

/** That somebody came is written after this part of the idle timeout, but at the latest after this time. */
const TOUCH_PART = 10;
const TOUCH_MS_MAX = 60_000;

export function isWorthTouching(expiresAt: WallTime, next: WallTime, idleTimeoutMs: number): boolean {
  return next - expiresAt > Math.min(idleTimeoutMs / TOUCH_PART, TOUCH_MS_MAX);
}

/** When a session that is used now ends. */
export function endOf(of: { now: WallTime; createdAt: WallTime; idleTimeoutMs: number; maxAgeMs: number }): WallTime {
  return Math.min(of.now + of.idleTimeoutMs, of.createdAt + of.maxAgeMs);
}
