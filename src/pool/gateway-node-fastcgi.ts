// The gateway over the package node-fastcgi, and the only file that imports it. The package sees
// nothing from the network: our decoder has checked every record, and each request reaches it as a
// connection of its own, freshly encoded. Where it still behaves otherwise than our gateway is
// listed in test/contracts/gateway.ts and docs/decisions/0001-codec.md.

import type { EventEmitter } from "node:events";
import type http from "node:http";
import { createRequire } from "node:module";
import { Duplex, type Readable } from "node:stream";
import type fcgi from "node-fastcgi";
import { Fault } from "../base/fault.ts";
import { CgiResponseParser } from "../cgi/parse-response.ts";
import { refusalReply } from "../cgi/response.ts";
import { FCGI_DATA, FCGI_MAX_CONTENT_LEN, FCGI_PARAMS, FCGI_STDIN } from "../fastcgi/constants.ts";
import { encodeBeginRequest, encodeRecord, encodeStream } from "../fastcgi/encoder.ts";
import { encodeNameValues, Params } from "../fastcgi/name-values.ts";
import { ROLE_NUMBERS } from "../fastcgi/record.ts";
import { ResponseDecoder } from "../fastcgi/web-server.ts";
import type { Exchange, Peer } from "./exchange.ts";
import type { GatewayHost, GatewayOptions, IncomingRequest, RequestIntake } from "./gateway.ts";
import { HoldfastGateway } from "./gateway-holdfast.ts";

/** A parameter of ours by which a request of the package is known again. */
const WIRE_PARAM = "HOLDFAST_WIRE";
/** The one request id on a wire. */
const ID = 1;
/** PARAMS records are cut between pairs, because the package reads each by itself. */
const PARAMS_RECORD_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);

/** What node-fastcgi passes to its listeners, as far as we use it; the package has no types. */
interface PackageRequest extends http.IncomingMessage {
  readonly cgiParams: Readonly<Record<string, string>>;
  readonly data: Readable;
}

export class NodeFastCgiGateway extends HoldfastGateway {
  constructor(options: GatewayOptions) {
    const wires = new Map<string, Wire>();
    const begin = (request: PackageRequest, response: http.ServerResponse): void => {
      const name = request.cgiParams[WIRE_PARAM] ?? "";
      wires.get(name)?.begin(request, response);
    };
    // Not before: every pool process loads this file, and few use the package and what it brings.
    const { createServer } = createRequire(import.meta.url)("node-fastcgi") as typeof fcgi;
    // The package's server is used for its protocol only: it never listens.
    const server = createServer(begin, begin, begin, { maxConns: 1, maxReqs: 1 }) as EventEmitter & {
      timeout: number;
    };
    server.timeout = 0; // else it destroys a connection that is idle for two minutes
    let next = 0;
    super(options, (request) => {
      const name = String(next++);
      const wire = new Wire(name, request, options.host, () => wires.delete(name));
      if (wire.closed) return wire;
      wires.set(name, wire);
      server.emit("connection", wire.connection);
      wire.sendHead();
      return wire;
    });
  }
}

/** One request's own connection to the package: what we encode goes in, its records come out. */
class Wire implements RequestIntake {
  /** The package's end. */
  readonly connection: Duplex;
  /** The parameters, a pair each, encoded. */
  readonly #head: readonly Buffer[];
  readonly #request: IncomingRequest;
  readonly #host: GatewayHost;
  readonly #decoder = new ResponseDecoder();
  readonly #release: () => void;
  #exchange: Exchange | undefined;
  closed = false;

  constructor(name: string, request: IncomingRequest, host: GatewayHost, release: () => void) {
    this.#request = request;
    this.#host = host;
    this.#release = release;
    this.connection = new Duplex({
      allowHalfOpen: false,
      read: () => {},
      write: (chunk: Buffer, _encoding, written) => this.#written(chunk, written),
    });
    this.connection.on("error", () => {}); // the exchange has its end from us
    const pairs = [...new Params(request.params).entries(), [WIRE_PARAM, name] as [string, string]];
    this.#head = pairs.map(([key, value]) => encodeNameValues([[key, Buffer.from(value, "latin1")]]));
    const longest = Math.max(...this.#head.map((pair) => pair.length));
    if (longest <= FCGI_MAX_CONTENT_LEN) return;
    // The package reads each record by itself, so a pair must fit into one.
    this.closed = true;
    const fault = new Fault("LIMIT", `a parameter of ${longest} bytes`, { status: 431 });
    host.refused(fault);
    request.peer.refuse(fault);
  }

  sendHead(): void {
    const { role } = this.#request;
    this.connection.push(encodeBeginRequest(ID, ROLE_NUMBERS[role], false));
    let part: Buffer[] = [];
    let bytes = 0;
    for (const pair of this.#head) {
      if (bytes > 0 && bytes + pair.length > PARAMS_RECORD_BYTES) {
        this.connection.push(encodeRecord(FCGI_PARAMS, ID, Buffer.concat(part)));
        part = [];
        bytes = 0;
      }
      part.push(pair);
      bytes += pair.length;
    }
    this.connection.push(encodeRecord(FCGI_PARAMS, ID, Buffer.concat(part)));
    this.connection.push(encodeRecord(FCGI_PARAMS, ID, NOTHING));
  }

  // The package has read the params and made its request and response.
  begin(request: PackageRequest, response: http.ServerResponse): void {
    const { role, params, peer } = this.#request;
    const exchange = this.#host.open({ role, params, peer: new PackagePeer(this, request, response, peer) });
    this.#exchange = exchange;
    request.on("data", (bytes: Buffer) => exchange.stdin(bytes));
    request.on("end", () => exchange.stdinEnd());
    request.on("error", () => exchange.peerGone());
    response.on("error", () => exchange.peerGone());
    if (role === "filter") {
      request.data.on("data", (bytes: Buffer) => exchange.data(bytes));
      request.data.on("end", () => exchange.dataEnd());
    }
  }

  // ---- RequestIntake -----------------------------------------------------------------------------

  stdin(bytes: Buffer): void {
    this.connection.push(encodeStream(FCGI_STDIN, ID, bytes));
  }

  stdinEnd(): void {
    this.connection.push(encodeRecord(FCGI_STDIN, ID, NOTHING));
  }

  data(bytes: Buffer): void {
    this.connection.push(encodeStream(FCGI_DATA, ID, bytes));
  }

  dataEnd(): void {
    this.connection.push(encodeRecord(FCGI_DATA, ID, NOTHING));
  }

  peerEnded(): void {
    const exchange = this.#exchange;
    // A reply that is given may still be on its way through the package.
    if (exchange?.closed) return;
    exchange?.peerEnded();
    if (exchange?.closed ?? true) this.finish();
  }

  peerGone(): void {
    this.#exchange?.peerGone();
    this.finish();
  }

  /** The package does not take what we give it. */
  defect(cause: unknown): void {
    this.#host.connectionFault(new Fault("PROTOCOL", "node-fastcgi refuses this reply", { cause }));
    this.#request.peer.cut();
    this.finish();
  }

  finish(): void {
    if (this.closed) return;
    this.closed = true;
    this.#release();
    this.connection.destroy();
  }

  /** What the package writes: records of its reply. */
  #written(chunk: Buffer, written: () => void): void {
    const { peer } = this.#request;
    let waits = 1;
    const taken = (): void => {
      waits--;
      if (waits === 0) written();
    };
    for (const event of this.#decoder.receive(chunk)) {
      if (this.closed) break;
      if (event.kind === "stdout" && event.bytes.length > 0) {
        waits++;
        peer.chunk(event.bytes, taken);
      } else if (event.kind === "end") {
        peer.end();
        this.finish();
      } else if (event.kind === "fault") {
        peer.cut();
        this.finish();
      }
    }
    taken();
  }
}

/** Answers through the package's http.ServerResponse. */
class PackagePeer implements Peer {
  readonly #wire: Wire;
  readonly #request: PackageRequest;
  readonly #response: http.ServerResponse;
  readonly #below: Peer;

  constructor(wire: Wire, request: PackageRequest, response: http.ServerResponse, below: Peer) {
    this.#wire = wire;
    this.#request = request;
    this.#response = response;
    this.#below = below;
  }

  reply(buffer: Buffer, start: number, end: number): void {
    this.head(buffer.subarray(start, end));
    this.end();
  }

  head(block: Buffer): void {
    try {
      this.#head(block);
    } catch (cause) {
      this.#wire.defect(cause);
    }
  }

  #head(block: Buffer): void {
    const parsed = new CgiResponseParser().push(block);
    if (parsed === undefined) throw new Fault("HANDLER", "a reply without the end of its header block");
    const response = this.#response;
    response.sendDate = false;
    // Apache closes the client's connection for the header that the package would add.
    response.removeHeader("connection");
    response.removeHeader("transfer-encoding");
    response.removeHeader("content-type"); // the package sets one for authorizers
    response.writeHead(parsed.status, parsed.headers.flat());
    if (parsed.rest.length > 0) response.write(parsed.rest);
    else response.flushHeaders();
  }

  chunk(bytes: Buffer, taken: () => void): void {
    this.#response.write(bytes, () => taken());
  }

  end(): void {
    this.#response.end();
  }

  refuse(fault: Fault): void {
    const { head, body } = refusalReply(fault);
    this.head(Buffer.from(head, "latin1"));
    this.#response.end(body);
  }

  cut(): void {
    this.#below.cut();
    this.#wire.finish();
  }

  pause(): void {
    this.#request.pause();
    this.#below.pause();
  }

  resume(): void {
    this.#request.resume();
    this.#below.resume();
  }
}
