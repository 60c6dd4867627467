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

/** A connection as the kernel knows it, without a reader: it can be sent to another process. */
export interface ConnectionHandle {
  /** net's own note of whether it reads. */
  reading: boolean;
  readStop(): void;
  close(): void;
}

type WithHandle = { _handle: ConnectionHandle | null };

const buffer = Buffer.alloc(READ_BYTES);

/** A server that passes on sockets which have not read anything yet. */
export function createServer(accepted: (accepted: Accepted) => void): net.Server {
  return net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (first) => {
    const handle = handleOf(first);
    if (handle !== null) accepted(accept(handle));
  });
}

/** A socket for a connection that was accepted, here or in another process. */
export function accept(handle: ConnectionHandle): Accepted {
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
  } as object);
  return {
    socket,
    onBytes: (received) => {
      receive = received;
      socket.resume();
    },
  };
}

/** Ends the socket but not the connection: nothing more is read, and the peer notices nothing. All must be written. */
export function detach(socket: net.Socket): ConnectionHandle | null {
  const handle = handleOf(socket);
  if (handle !== null) {
    // What arrives from now on waits in the kernel for the next reader.
    handle.reading = false;
    handle.readStop();
  }
  socket.destroy();
  return handle;
}

/** The handle; the socket has none afterwards. */
function handleOf(socket: net.Socket): ConnectionHandle | null {
  const owner = socket as unknown as WithHandle;
  const handle = owner._handle;
  owner._handle = null;
  return handle;
}
