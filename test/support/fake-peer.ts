import type { Fault } from "../../src/base/fault.ts";
import type { Peer } from "../../src/pool/exchange.ts";

/** A web server's side that remembers what it was told. */
export class FakePeer implements Peer {
  readonly calls: string[] = [];
  refusal: Fault | undefined;
  /** What `chunk` was given and not yet taken. */
  readonly pending: (() => void)[] = [];

  reply(buffer: Buffer, start: number, end: number): void {
    this.calls.push(`reply ${buffer.toString("latin1", start, end)}`);
  }

  head(block: Buffer): void {
    this.calls.push(`head ${block.toString("latin1")}`);
  }

  chunk(bytes: Buffer, taken: () => void): void {
    this.calls.push(`chunk ${bytes.length}`);
    this.pending.push(taken);
  }

  end(): void {
    this.calls.push("end");
  }

  refuse(fault: Fault): void {
    this.refusal = fault;
    this.calls.push(`refuse ${fault.status}`);
  }

  cut(): void {
    this.calls.push("cut");
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }
}
