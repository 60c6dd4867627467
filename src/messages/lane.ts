// What a pool process and one of its workers say to each other: frames, packed into batches. A
// batch is everything that one side has to say in one turn of its event loop, and it travels as one
// transferred ArrayBuffer (or, between processes, as one length-prefixed message). Byte layouts
// only; who sends what when is decided in pool/dispatcher.ts and workers/lane.ts.
//
// Every BEGIN whose slot the worker moved to BEGUN is answered by exactly one of REPLY, END,
// STOPPED or FAIL, also after ABORT; only then is the slot free.
//
//   batch := frame*
//   frame := kind u32 · slot u32 · length u32 · payload (length bytes) · filler (to a multiple of 16 bytes)
//                                                                             (little endian)
//
// A slot names an open exchange on this lane. The pool chooses it and reuses it only when both
// sides are done with it.

import type { MessagePort } from "node:worker_threads";
import type { FaultData } from "../base/fault.ts";
import type { PoolConfig } from "../config/schema.ts";

export const FRAME_HEADER_BYTES = 12;
/** Frames begin at multiples of this, so that wherever one ends there is room for a header. */
export const FRAME_ALIGN_BYTES = 16;

// Kinds that belong to the ring that carries the frames (ring.ts), not to what is said.
/** Nothing: the payload is the rest of the ring. */
export const FRAME_PADDING = 0;
/** Here belong the frames of the next batch that was posted. */
export const FRAME_ELSEWHERE = 255;

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
  /** What became of an ASK; slot 0. Payload: see state.ts. */
  ANSWER: 9,
  /** Of a child process: tell what you hold, by WEIGHT. */
  WEIGH: 10,
  /** Of a child process, its first frame. Payload: JSON `ProcessBoot`. */
  BOOT: 11,
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
  /** Everything is finished and disposed; nothing follows. */
  DRAINED: 25,
  /** Slot 0: a file that the app consists of is read, for the watch. Slot 1: that file is a handler, and has loaded. Payload: UTF-8 path. */
  LOADED: 26,
  /** The thread runs; nothing of the app is loaded yet. Payload: u32, the thread's id. */
  BORN: 27,
  /** An error escaped every handler: replace this worker, then drain it. Payload: JSON `EscapedError`. */
  UNSOUND: 28,
  /** A question about the state that the workers share; slot 0. Payload: see state.ts. */
  ASK: 24,
  /** The reply body stops here because of an ABORT: whoever still listens must not take it for whole. */
  STOPPED: 29,
  /** Of a child process, at the end of a turn. Payload: u32 messages that it has read, u32 smoothed microseconds per exchange. */
  TURNED: 30,
  /** Of a child process: it did not begin the offer in this slot, and will not. The slot is free. */
  RETURNED: 31,
  /** Of a child process. Payload: f64 bytes of heap and buffers, f64 ms its loop has waited, f64 ms it has worked. */
  WEIGHT: 32,
} as const;

export const ABORT_REASONS = ["client-gone", "timeout", "body-broken", "stopping"] as const;
export type AbortReason = (typeof ABORT_REASONS)[number];

/** Bytes of the request body that may be on their way to a worker before it has taken any. */
export const BODY_WINDOW_BYTES = 384 * 1024;
/** Bytes of the reply body that may be on their way to the web server before it has taken any. */
export const REPLY_WINDOW_BYTES = 384 * 1024;
/** Of either window so much is given back at a time: each message may have to wake somebody. No more than half of a window. */
export const WINDOW_STEP_BYTES = 192 * 1024;
/** No CHUNK is longer: it fits one FastCGI record [FCGI §3.3], and holds up nobody else's for long. */
export const CHUNK_BYTES = 65_528;

/** Shared memory for what each side has to say, a power of two. What it has no room for is posted: a body's window has room. */
export const RING_BYTES = 512 * 1024;

/** What the other side has made no room for is held back so long until the next look. */
export const HOLD_MS = 1;

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
/** How often the pool has posted, and for how many of that the worker's loop has turned; both modulo 2³². */
export const WORD_POSTS_SENT = 2;
export const WORD_POSTS_SEEN = 0;
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
/** Of a child process: the message's lease does not hold for it; it is begun however late. */
export const BEGIN_FLAG_FIRM = 2;
/** Of a child process: taken back before it was sent. */
export const BEGIN_FLAG_REVOKED = 4;
/** The worker answers it by itself: the app knows nothing of it. */
export const BEGIN_FLAG_REHEARSAL = 8;

/** A worker tells of so many errors that escaped its handlers; it is replaced after the first. */
export const ESCAPED_TOLD_MAX = 20;

export interface ReadyData {
  /** Milliseconds from the worker's start until it was ready. */
  readonly bootMs: number;
}

/** An error that no handler caught. */
export interface EscapedError extends FaultData {
  /** What names the request whose handler started it; absent: none did. */
  readonly about?: Readonly<Record<string, string>>;
}

/** A line for the pool's log. */
export interface LogData {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface BellAddress {
  readonly path: string;
  /** What the worker says there first, to be known by. */
  readonly key: string;
}

/** The argument of a worker's one long task. */
export interface WorkerLife {
  readonly port: MessagePort;
  /** FIRST_SLOT_WORD words, then one per slot. */
  readonly words: SharedArrayBuffer;
  /** Rings of RING_BYTES: pool → worker, and worker → pool. */
  readonly inbox: SharedArrayBuffer;
  readonly outbox: SharedArrayBuffer;
  /** Where the worker connects for a bell; without it both sides ring by the port. */
  readonly bell: BellAddress | undefined;
  /** What it prints and logs; see output-ring.ts. */
  readonly output: SharedArrayBuffer;
  /** Where it notes its child processes (programs.ts). Undefined: it has none of ours. */
  readonly programs: SharedArrayBuffer | undefined;
  readonly boot: WorkerBoot;
}

/** How much of a form is taken. */
export interface FormLimits {
  readonly fields: number;
  readonly fieldBytes: number;
  readonly nameBytes: number;
  readonly files: number;
  readonly fileBytes: number;
  /** Of a form that is kept in memory, its files included. */
  readonly memoryBytes: number;
}

/** What makes pages reload themselves. */
export interface LiveBoot {
  /** URL path where the pool says what has changed; its script has ".js" behind it. */
  readonly path: string;
  /** Of this worker's code. */
  readonly version: string;
  /** Handlers that the workers before this one have loaded: what does not load any more is no change for the better. */
  readonly handlers: readonly string[];
}

/** What a worker that is a child process is told first. */
export interface ProcessBoot {
  readonly boot: WorkerBoot;
  /** `performance.timeOrigin` of the pool, and where that is on the clock of `pipe.ts`, ms. */
  readonly timeOriginMs: number;
  readonly originOnSharedClockMs: number;
}

/** What CGI programs may take. */
export interface CgiLimits {
  /** Programs that are child processes, at once in one worker. */
  readonly children: number;
  /** Longest body that one prints. */
  readonly outputBytes: number;
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
  /** Template of links from error pages to the author's editor. */
  readonly editor?: string | undefined;
  readonly live?: LiveBoot | undefined;
  readonly bodyLimitBytes: number;
  readonly disposeTimeoutMs: number;
  /** The first signs and encrypts, all verify and decrypt; may be none. */
  readonly cookieSecrets: readonly string[];
  readonly form: FormLimits;
  readonly session: PoolConfig["session"];
  /** Processes of the pool: what one keeps in memory, the others do not see. */
  readonly processes: number;
  /** Where the kind is `cgi`. */
  readonly cgi?: CgiLimits;
  /** A longer line that it prints becomes several. */
  readonly logLimitBytes: number;
  readonly cacheDir: string | undefined;
}
