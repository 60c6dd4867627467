// The gateway that a pool's options ask for.

import type { PoolConfig } from "../config/schema.ts";
import type { Gateway, GatewayHost, GatewayOptions } from "./gateway.ts";
import { HoldfastGateway } from "./gateway-holdfast.ts";
import { NodeFastCgiGateway } from "./gateway-node-fastcgi.ts";

export function makeGateway({ gateway, request, connections, allowedClients }: PoolConfig, host: GatewayHost): Gateway {
  const options: GatewayOptions = {
    limits: {
      paramsBytes: request.paramsLimitBytes,
      paramsCount: request.paramsCount,
      openRequests: connections.openRequests,
      receiveTimeoutMs: request.receiveTimeoutMs,
      stallTimeoutMs: request.stallTimeoutMs,
    },
    allowedClients,
    host,
  };
  return gateway === "node-fastcgi" ? new NodeFastCgiGateway(options) : new HoldfastGateway(options);
}
