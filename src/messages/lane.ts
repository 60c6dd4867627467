// What a pool process and one of its workers say to each other: frames, packed into batches. A
// batch is everything that one side has to say in one turn of its event loop, and it travels as one
// transferred ArrayBuffer (or, between processes, as one length-prefixed message). Byte layouts
// only; who sends what when is decided in pool/dispatcher.ts and workers/lane.ts.
//
// Every BEGIN whose slot the worker moved to BEGUN is answered by exactly one of REPLY, END,
// STOPPED or FAIL, also after ABORT; only then is the slot free.
//
//   batch := frame*
//   frame := kind u32 · slot u32 · length u32 · payload (length bytes)        (little endian)
//
// A slot names an open exchange on this lane. The pool chooses it and reuses it only when both
// sides are done with it.

import type { MessagePort } from "node:worker_threads";

export const FRAME_HEADER_BYTES = 12;

/** Pool → worker. */
export const TO_WORKER = {
  /** A new exchange. Payload: see `writeBegin`. */
  BEGIN: 1,
  /** Bytes of the request body (FCGI_STDIN). */
  BODY: 2,
  /** The request body is complete. */
  BODY_END: 3,
  /** Bytes of the filter role's second stream (FCGI_DATA). */
  DATA: 4,
  DATA_END: 5,
  /** Stop working on this exchange; its reply is no longer wanted. Payload: one byte, an ABORT_REASONS index. */
  ABORT: 6,
  /** The worker may send this many more bytes of the reply body. Payload: u32. */
  CREDIT: 7,
  /** Finish what is open, dispose, then answer DRAINED. Payload: u32, milliseconds left. */
  DRAIN: 8,
} as const;

/** Worker → pool. */
export const FROM_WORKER = {
  /** The app is loaded. Payload: JSON `ReadyData`. */
  READY: 16,
  /** The app did not load. Payload: JSON FaultData. */
  BOOT_FAILED: 17,
  /** A whole reply. Payload: reply prefix · room for a record header · CGI response · room for END_REQUEST. */
  REPLY: 18,
  /** The CGI header block of a reply whose body follows. Payload: reply prefix · block. */
  HEAD: 19,
  /** Bytes of the reply body, within the credit that the pool gave. */
  CHUNK: 20,
  /** The reply body is complete. */
  END: 21,
  /** The reply cannot be completed. Payload: JSON FaultData. */
  FAIL: 22,
  /** The handler has taken this many bytes of the request body. Payload: u32. */
  TAKEN: 23,
  /** A line for the log. Payload: JSON `LogData`. */
  LOG: 24,
  /** Everything is finished and disposed; nothing follows. */
  DRAINED: 25,
  /** A file that the app consists of was loaded, for the watch. Payload: UTF-8 path. */
  LOADED: 26,
  /** The thread runs; nothing of the app is loaded yet. Payload: u32, the thread's id. */
  BORN: 27,
  /** An error escaped every handler: replace this worker, then drain it. Payload: JSON FaultData. */
  UNSOUND: 28,
  /** The reply body stops here because of an ABORT: whoever still listens must not take it for whole. */
  STOPPED: 29,
} as const;

export const ABORT_REASONS = ["client-gone", "timeout", "body-broken", "stopping"] as const;
export type AbortReason = (typeof ABORT_REASONS)[number];

/** Bytes of the request body that may be on their way to a worker before it has taken any. */
export const BODY_WINDOW_BYTES = 256 * 1024;
/** Bytes of the reply body that may be on their way to the web server before it has taken any. */
export const REPLY_WINDOW_BYTES = 256 * 1024;
/** No CHUNK is longer: it fits one FastCGI record [FCGI §3.3], and holds up nobody else's for long. */
export const CHUNK_BYTES = 65_528;

/** REPLY and HEAD begin with: HTTP status u16 · FAULT index + 1, or 0, u16. */
export const REPLY_PREFIX_BYTES = 4;
/** REPLY keeps this room before the CGI response for the FCGI_STDOUT header… */
export const REPLY_HEADROOM_BYTES = 8;
/** …and this room after it for the FCGI_END_REQUEST record, so that it is written without a copy. */
export const REPLY_TAILROOM_BYTES = 16;
/** A REPLY's CGI response is one FastCGI record (FastCGI §3.3); what is longer goes as HEAD and CHUNKs. */
export const REPLY_MAX_BYTES = 65_535;

// The words of the SharedArrayBuffer beside a thread's lane. They tell the pool what a worker has
// begun even when the worker spins or is dead: what had not begun is never lost, and what had is
// never run twice.
export const WORD_BATCHES_SEEN = 0;
/** Smoothed microseconds of the worker's own time per exchange. */
export const WORD_RECENT_MICROS = 1;
export const FIRST_SLOT_WORD = 16;

export const SLOT_OFFERED = 0;
/** The worker moves OFFERED → BEGUN just before it calls the handler. */
export const SLOT_BEGUN = 1;
/** The pool moves OFFERED → TAKEN_BACK to give the exchange to another worker. */
export const SLOT_TAKEN_BACK = 2;
/** The worker moves TAKEN_BACK → SEEN when it meets the frame; the slot may then be used again. */
export const SLOT_SEEN = 3;

/** BEGIN's payload before the params: FastCGI's role u8 · flags u8 · 2 spare · deadline f64 · params length u32. */
export const BEGIN_PREFIX_BYTES = 16;
export const BEGIN_FLAG_BODY_COMPLETE = 1;

export interface ReadyData {
  /** Milliseconds from the worker's start until it was ready. */
  readonly bootMs: number;
}

export interface LogData {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The argument of a worker's one long task. */
export interface WorkerLife {
  readonly port: MessagePort;
  /** FIRST_SLOT_WORD words, then one per slot. */
  readonly words: SharedArrayBuffer;
  readonly boot: WorkerBoot;
}

/** What a worker is told when it starts; plain data. */
export interface WorkerBoot {
  readonly worker: number;
  readonly generation: number;
  readonly pool: string;
  readonly app: string | undefined;
  readonly root: string | undefined;
  readonly kind: string;
  readonly mount: string;
  /** Names that answer for a folder, without extension or with. */
  readonly index: readonly string[];
  readonly serveStatic: boolean;
  readonly showErrors: boolean;
  readonly bodyLimitBytes: number;
  readonly disposeTimeoutMs: number;
  readonly cacheDir: string | undefined;
}
