// What the peers are asked for: each workload by its name, and what the right answer is.

import { BODY } from "./peer.ts";
import type { ExpectedReply } from "./wrk.ts";

export const WORKLOADS = ["trivial", "json", "mixed", "wait", "page", "download", "upload"] as const;
export type Workload = (typeof WORKLOADS)[number];

export interface Work {
  readonly title: string;
  /** What is asked for: a path, or a file of this name, under a peer's mount. */
  readonly name: string;
  /** What every body must be, where wrk is the load. */
  readonly expected?: ExpectedReply;
}

/** Of the one row that the database has. */
export const THING = { id: 7, name: "a thing", price: 42 };
/** A page is so many rows of 80 bytes. */
export const PAGE_ROWS = 128;
export const DOWNLOAD_MIB = 1;
export const UPLOAD_MIB = 10;
/** The mixed load comes at a rate that every peer can keep, so that what differs is who waits. */
export const MIXED_PER_SECOND = 400;
/** Of the mixed load, so many take 5 ms of computing. */
export const HEAVY_SHARE = 0.1;

const PLAIN = { body: BODY, type: /^text\/plain; ?charset=utf-8$/i };

export const WORK: Readonly<Record<Workload, Work>> = {
  trivial: { title: "13 bytes", name: "hello", expected: PLAIN },
  json: {
    title: "JSON of one row by a warm connection to PostgreSQL",
    name: "json",
    expected: { body: JSON.stringify(THING), type: /^application\/json/i },
  },
  mixed: { title: `5 ms of computing in 1 of 10, ${MIXED_PER_SECOND} requests a second`, name: "hello" },
  wait: { title: "50 ms of waiting", name: "wait", expected: PLAIN },
  page: {
    title: "a page of 10 KiB",
    name: "page",
    expected: { body: new RegExp(`^(<tr><td>\\d{4}</td><td>x{48}</td></tr>\\n){${PAGE_ROWS}}$`), type: /^text\/html/i },
  },
  download: { title: `${DOWNLOAD_MIB} MiB to the client`, name: "download" },
  upload: { title: `${UPLOAD_MIB} MiB from the client`, name: "upload" },
};
