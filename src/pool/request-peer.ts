// One request id of a connection, as its exchange answers it: a reply becomes records.

import type { Fault } from "../base/fault.ts";
import { refusalReply } from "../cgi/response.ts";
import { FCGI_HEADER_LEN, FCGI_REQUEST_COMPLETE, FCGI_STDOUT } from "../fastcgi/constants.ts";
import { encodeEndRequest, encodeStream, writeEndRequest } from "../fastcgi/encoder.ts";
import { writeHeader } from "../fastcgi/record.ts";
import { REPLY_TAILROOM_BYTES } from "../messages/lane.ts";
import type { Connection } from "./connection.ts";
import type { Peer } from "./exchange.ts";
import { replyWith } from "./roomy-reply.ts";

export class RequestPeer implements Peer {
  readonly #connection: Connection;
  readonly #id: number;
  readonly #keepConn: boolean;

  constructor(connection: Connection, id: number, keepConn: boolean) {
    this.#connection = connection;
    this.#id = id;
    this.#keepConn = keepConn;
  }

  reply(buffer: Buffer, start: number, end: number, written?: () => void): void {
    writeHeader(buffer, start - FCGI_HEADER_LEN, FCGI_STDOUT, this.#id, end - start, 0);
    writeEndRequest(buffer, end, this.#id, 0, FCGI_REQUEST_COMPLETE);
    this.#connection.write(buffer.subarray(start - FCGI_HEADER_LEN, end + REPLY_TAILROOM_BYTES), written);
    this.#connection.ended(this.#id, this.#keepConn);
  }

  head(block: Buffer): void {
    this.#connection.cork();
    this.#connection.write(encodeStream(FCGI_STDOUT, this.#id, block));
  }

  chunk(bytes: Buffer, taken: () => void): void {
    const header = Buffer.allocUnsafe(FCGI_HEADER_LEN);
    writeHeader(header, 0, FCGI_STDOUT, this.#id, bytes.length, 0);
    this.#connection.cork();
    this.#connection.write(header);
    this.#connection.write(bytes, taken);
  }

  end(): void {
    this.#connection.write(encodeEndRequest(this.#id, 0, FCGI_REQUEST_COMPLETE));
    this.#connection.ended(this.#id, this.#keepConn);
  }

  refuse(fault: Fault): void {
    const { head, body } = refusalReply(fault);
    replyWith(this, head, body);
  }

  cut(): void {
    this.#connection.destroy();
  }

  pause(): void {
    this.#connection.pause(this.#id);
  }

  resume(): void {
    this.#connection.resume(this.#id);
  }
}
