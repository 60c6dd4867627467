// One accepted socket from the web server: feeds what it reads to the FastCGI state machine, and
// writes replies. Holds no request state of its own beyond which ids are open.
//
// Nothing is written for a request after its END_REQUEST: on a kept connection the web server would
// take it for the next request's reply.

import type net from "node:net";
import { buffersPassed } from "../base/buffer-garbage.ts";
import type { Instant } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { IdTable } from "../base/id-table.ts";
import type { Linked } from "../base/linked-list.ts";
import { Application, type ApplicationEvent, DEFAULT_LIMITS } from "../fastcgi/application.ts";
import type { KeptConnection } from "../messages/lifecycle.ts";
import { type Accepted, type ConnectionHandle, detach } from "./accept.ts";
import {
  type GatewayOptions,
  type IncomingRequest,
  LINGER_MS,
  QUIET_LINGER_MS,
  type RequestIntake,
} from "./gateway.ts";
import { RequestPeer } from "./request-peer.ts";

interface OpenRequest {
  readonly id: number;
  readonly intake: RequestIntake;
  readonly peer: RequestPeer;
}

/** No more is read from a web server that has so much of our replies to take first. */
const UNTAKEN_BYTES = 1024 * 1024;
/** A drain waits this long for the first request of a connection that was just accepted, ms. */
const FIRST_REQUEST_MS = 500;
/** Beside the request ids (16 bits), what may pause the connection: our own backlog. */
const BACKLOG = -1;

const NOTHING = Buffer.alloc(0);

/** Who takes connections between two of their requests, with all that is known of them. */
export interface Taker {
  /** False: not now. The connection serves on, and is asked to leave again, or asks when it is idle again. */
  hasRoomFor(connection: Connection): boolean;
  take(handle: ConnectionHandle, connection: KeptConnection): void;
}

/** Takes a request that began on a connection. */
export type Intake = (request: IncomingRequest) => RequestIntake;

export class Connection implements Linked<Connection> {
  /** Its neighbours among all connections; the gateway's. */
  previous: Connection | undefined;
  next: Connection | undefined;

  readonly #socket: net.Socket;
  readonly #options: GatewayOptions;
  readonly #intake: Intake;
  readonly #application: Application;
  readonly #open = new IdTable<OpenRequest>();
  readonly #pausedBy = new Set<number>();
  #corked = false;
  #peerEnded = false;
  #draining = false;
  /** Ends the wait for the first request of a connection that drains. */
  #cancelFirst: () => void = () => {};
  /** Who takes the connection as soon as it is between two requests. */
  #taker: Taker | undefined;
  /** It waits until all that was written is taken. */
  #flushing = false;
  /** A request has come. */
  #used: boolean;
  /** A request came without FCGI_KEEP_CONN: the connection ends after the last open reply. */
  #closing = false;
  /** Nothing more can be read out of what the web server sends. */
  #deaf = false;
  /** Half-closed by us: what still comes is read and dropped. */
  #finished = false;
  /** Until then, once all that was written is taken. */
  #lingerUntil: Instant | undefined;
  /** When something last came that was dropped. */
  #heardAt: Instant = Number.NEGATIVE_INFINITY;
  /** How much the web server had taken, and when that last changed; looked at by `sweep`. */
  #takenBytes = 0;
  #takenAt: Instant | undefined;
  /** Since when a request, or the first byte of one, has been on its way. */
  #receivingSince: Instant | undefined;

  constructor(
    { socket, onBytes }: Accepted,
    options: GatewayOptions,
    intake: Intake,
    closed: () => void,
    kept: KeptConnection = { used: false },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#intake = intake;
    this.#application = new Application({ ...DEFAULT_LIMITS, ...options.limits });
    this.#used = kept.used;
    if (!kept.used) this.#receivingSince = options.host.clock.now();
    socket.on("end", () => this.#ended());
    // The web server may leave whenever it likes; "close" follows.
    socket.on("error", () => {});
    socket.on("drain", () => this.resume(BACKLOG));
    socket.on("finish", () => {
      this.#heardAt = options.host.clock.now();
      this.#lingerUntil = this.#heardAt + LINGER_MS;
    });
    socket.on("close", () => {
      this.#cancelFirst();
      for (const { intake: request } of this.#open.values()) request.peerGone();
      this.#open.clear();
      closed();
    });
    onBytes((piece) => {
      try {
        this.#received(piece);
      } catch (cause) {
        // A defect of ours must not cost anybody else their connection.
        this.#fault(new Fault("PROTOCOL", "this connection met a defect", { cause }));
      }
    });
  }

  /**
   * The connection ends once it is idle. One that has brought no request yet may still do so: the kernel
   * had accepted it for us, so its request is on its way to nobody else.
   */
  drain(): void {
    const { clock } = this.#options.host;
    if (!this.#draining && !this.#used) {
      this.#cancelFirst = clock.at(clock.now() + FIRST_REQUEST_MS, () => this.#finishIdle());
    }
    this.#draining = true;
    this.#taker = undefined;
    if (this.#used) this.#finishIdle();
  }

  #finishIdle(): void {
    if (this.#draining && this.#open.size === 0 && this.#application.open === 0) this.#finish();
  }

  /** The connection leaves us once it is idle, and goes on elsewhere. One that is to end anyway ends here. */
  handOver(taker: Taker): void {
    this.#draining = false;
    this.#taker = taker;
    this.#leaveSoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: Instant): void {
    if (this.#stalled(now)) {
      const ms = this.#options.limits.stallTimeoutMs;
      this.#fault(new Fault("PROTOCOL", `the web server took nothing for request.stall_timeout (${ms} ms)`));
    } else if (this.#lingered(now)) {
      this.#socket.destroy();
    } else if (
      this.#receivingSince !== undefined &&
      now - this.#receivingSince >= this.#options.limits.receiveTimeoutMs
    ) {
      const ms = this.#options.limits.receiveTimeoutMs;
      this.#fault(new Fault("PROTOCOL", `no complete request came within request.receive_timeout (${ms} ms)`));
    }
  }

  #lingered(now: Instant): boolean {
    if (this.#lingerUntil === undefined) return false;
    return now >= this.#lingerUntil || (this.#draining && now - this.#heardAt >= QUIET_LINGER_MS);
  }

  #stalled(now: Instant): boolean {
    const unsent = this.#socket.writableLength;
    const taken = this.#socket.bytesWritten - unsent;
    if (unsent === 0) {
      this.#takenAt = undefined;
      return false;
    }
    if (this.#takenAt === undefined || taken !== this.#takenBytes) {
      this.#takenBytes = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt >= this.#options.limits.stallTimeoutMs;
  }

  #received(chunk: Buffer): void {
    if (this.#finished) {
      this.#heardAt = this.#options.host.clock.now();
      return;
    }
    const events = this.#application.receive(chunk);
    for (const event of events) {
      // A record that came in parts was put together in memory of its own, which the body will not need for long.
      if (event.kind === "stdin" && event.bytes.buffer !== chunk.buffer) buffersPassed(event.bytes.length);
      this.#event(event);
    }
    // Without an event it may be the beginning of a request, unless another's body is on its way.
    if (this.#application.open > this.#open.size || (events.length === 0 && this.#open.size === 0)) {
      this.#receivingSince ??= this.#options.host.clock.now();
    } else {
      this.#receivingSince = undefined;
    }
    if (this.#draining && (this.#used || this.#application.open > 0)) this.#close();
    this.#leaveSoon();
  }

  #event(event: ApplicationEvent): void {
    const { host } = this.#options;
    switch (event.kind) {
      case "request": {
        const { id, role } = event;
        this.#used = true;
        const params = Buffer.from(event.params); // a view of what was only lent
        const peer = new RequestPeer(this, id, event.keepConn);
        const request = this.#intake({ role, params, peer });
        if (!request.closed) this.#open.add({ id, intake: request, peer });
        break;
      }
      case "stdin":
        this.#open.get(event.id)?.intake.stdin(event.bytes);
        break;
      case "stdin-end":
        this.#open.get(event.id)?.intake.stdinEnd();
        break;
      case "data":
        this.#open.get(event.id)?.intake.data(event.bytes);
        break;
      case "data-end":
        this.#open.get(event.id)?.intake.dataEnd();
        break;
      case "abort": {
        // [FCGI §5.4] The web server wants an END_REQUEST soon, and nothing else.
        const request = this.#open.get(event.id);
        request?.intake.peerGone();
        request?.peer.end();
        break;
      }
      case "send":
        this.write(event.bytes);
        if (event.closeAfter) this.#close();
        break;
      case "refuse": {
        host.refused(event.fault);
        if (event.fatal) this.#deaf = true;
        new RequestPeer(this, event.id, event.keepConn && !event.fatal).refuse(event.fault);
        break;
      }
      case "fault":
        this.#fault(event.fault);
        break;
    }
  }

  #ended(): void {
    this.#peerEnded = true;
    this.#deaf = true;
    for (const { id, intake: request } of this.#open.values()) {
      request.peerEnded();
      if (request.closed) this.#open.delete(id);
    }
    this.#close();
  }

  #fault(fault: Fault): void {
    this.#options.host.connectionFault(fault);
    this.#socket.destroy();
  }

  /** Ends the connection once nothing is open, and no request is on its way in. */
  #close(): void {
    this.#closing = true;
    if (this.#open.size === 0 && (this.#deaf || this.#application.open === 0)) this.#finish();
  }

  /** When this turn has read and written all that it will. */
  #leaveSoon(): void {
    if (this.#taker !== undefined) process.nextTick(() => this.leave());
  }

  /** Leaves if it is idle; otherwise it will when it is. */
  leave(): void {
    const socket = this.#socket;
    const taker = this.#taker;
    if (taker === undefined || this.#closing || this.#finished || this.#deaf || socket.destroyed) return;
    if (this.#open.size > 0 || !this.#application.atRest || this.#flushing) return;
    if (socket.writableLength > 0) {
      this.#flushing = true;
      socket.write(NOTHING, () => {
        this.#flushing = false;
        this.leave();
      });
      return;
    }
    if (!taker.hasRoomFor(this)) return;
    this.#taker = undefined;
    const handle = detach(socket);
    if (handle !== null) taker.take(handle, { used: this.#used });
  }

  /** Half-closes, and goes on reading so that the peer's last bytes are no reset of ours. */
  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#receivingSince = undefined;
    this.#socket.resume();
    this.#socket.end();
  }

  // ---- for RequestPeer ---------------------------------------------------------------------------

  write(bytes: Uint8Array, written?: () => void): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(bytes, written);
    if (this.#socket.writableLength > UNTAKEN_BYTES) this.pause(BACKLOG);
  }

  /** Everything written in this turn leaves in one system call. */
  cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  ended(id: number, keepConn: boolean): void {
    this.#application.end(id);
    this.#open.delete(id);
    this.resume(id);
    if (!keepConn || this.#closing || this.#draining || this.#peerEnded) this.#close();
    else this.#leaveSoon();
  }

  pause(id: number): void {
    this.#pausedBy.add(id);
    this.#socket.pause();
  }

  resume(id: number): void {
    if (this.#pausedBy.delete(id) && this.#pausedBy.size === 0) this.#socket.resume();
  }
}
