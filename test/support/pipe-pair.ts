import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Clock } from "../../src/base/clock.ts";
import { Claims } from "../../src/pool/claims.ts";
import { PipeLane } from "../../src/pool/pipe-lane.ts";
import { WorkerLane } from "../../workers/lane.ts";
import type { OpenExchange } from "../../workers/open-exchange.ts";
import { PipeRoad } from "../../workers/pipe-road.ts";
import { type LanePair, type LanePairOptions, pairedHandle } from "./lane-pair.ts";

export interface PipePair extends LanePair {
  readonly poolLane: PipeLane;
  /** The worker's end of the pipe. */
  readonly workerSocket: Socket;
  /** The worker's process is gone, as it is after SIGKILL: what it wrote is there. */
  kill(): void;
}

/** Both ends of a lane to a child process, in one process, over real sockets. */
export async function pipePair(clock: Clock, options: LanePairOptions = {}): Promise<PipePair> {
  const { handle, events, say } = pairedHandle(clock, options);
  const [poolSocket, workerSocket] = await socketPair();
  const [poolClaims, workerClaims] = await socketPair();
  const claims = new Claims(poolClaims, process.pid);
  const poolLane = new PipeLane({
    socket: poolSocket,
    claimed: () => claims.look(),
    received: (batch) => handle.receive(batch),
    broken: say("broken"),
  });
  handle.sit({
    lane: poolLane,
    life: new Promise(() => {}),
    terminate: say("terminate"),
    memory: async () => undefined,
    loopTimes: () => undefined,
    stack: async () => undefined,
  });
  const road = new PipeRoad({ socket: workerSocket, claimsFd: descriptorOf(workerClaims), orphaned: say("orphaned") });
  const begun: OpenExchange[] = [];
  const lane = new WorkerLane(road, say("log"));
  lane.serve({ handle: (exchange) => begun.push(exchange), drain: say("drain") });
  handle.state = "idle";
  return {
    handle,
    lane,
    poolLane,
    workerSocket,
    begun,
    events,
    kill: () => poolLane.died(true),
    close: async () => {
      await lane.close();
      for (const socket of [poolSocket, poolClaims, workerClaims]) socket.destroy();
    },
  };
}

async function socketPair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = await accepted;
  await once(far, "connect").catch(() => {});
  server.close();
  return [near.setNoDelay(), far.setNoDelay()];
}

function descriptorOf(socket: Socket): number {
  return (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}
