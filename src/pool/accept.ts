// Accepted sockets that read into one buffer. net.Server makes sockets that allocate 64 KiB for every
// read; under load that is most of the garbage. `onread` exists for sockets made from a handle, so
// each accepted handle is given to such a socket. The only file that touches net's handles here.

import net from "node:net";

/** One read is at most as long. Shared by all connections: its bytes are gone after the callback. */
const READ_BYTES = 64 * 1024;

export interface Accepted {
  readonly socket: net.Socket;
  /** Calls `received` with each piece; its memory is only lent. To be called once, before anything is read. */
  onBytes(received: (piece: Buffer) => void): void;
}

type WithHandle = { _handle: unknown };

/** A server that hands over sockets which have not read anything yet. */
export function createServer(accepted: (accepted: Accepted) => void): net.Server {
  const buffer = Buffer.alloc(READ_BYTES);
  return net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (first) => {
    const owner = first as unknown as WithHandle;
    const handle = owner._handle;
    owner._handle = null;
    let receive: (piece: Buffer) => void = () => {};
    const socket = new net.Socket({
      handle,
      allowHalfOpen: true,
      onread: {
        buffer,
        callback: (length: number) => {
          receive(buffer.subarray(0, length));
          return true;
        },
      },
    } as net.SocketConstructorOpts);
    accepted({
      socket,
      onBytes: (received) => {
        receive = received;
        socket.resume();
      },
    });
  });
}
