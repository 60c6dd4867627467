// One measurement of one target in one round.

export interface Sample {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Beyond these, of a peer of which some may fail. */
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the peer's processes for one request, user and system. */
  readonly cpuMicrosPerRequest: number;
  /** The same of Apache's; undefined where it took no part. */
  readonly apacheMicrosPerRequest: number | undefined;
  readonly residentBytes: number;
  /** Empty when every response was right. */
  readonly errors: readonly string[];
}

/** What a load generator reports. */
export interface Load {
  readonly requests: number;
  /** Beyond these, where some may fail. Default: 0. */
  readonly failed?: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: readonly string[];
}
