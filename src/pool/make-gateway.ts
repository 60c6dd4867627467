// The gateway that a pool's options ask for.

import type { PoolConfig } from "../config/schema.ts";
import type { Gateway, GatewayHost, GatewayLimits, GatewayOptions } from "./gateway.ts";
import { HoldfastGateway } from "./gateway-holdfast.ts";
import { NodeFastCgiGateway } from "./gateway-node-fastcgi.ts";

export function makeGateway(config: PoolConfig, host: GatewayHost): Gateway {
  const { gateway, allowedClients } = config;
  const options: GatewayOptions = { limits: gatewayLimits(config), allowedClients, host };
  return gateway === "node-fastcgi" ? new NodeFastCgiGateway(options) : new HoldfastGateway(options);
}

export function gatewayLimits({ request, connections }: PoolConfig): GatewayLimits {
  return {
    paramsBytes: request.paramsLimitBytes,
    paramsCount: request.paramsCount,
    openRequests: connections.openRequests,
    receiveTimeoutMs: request.receiveTimeoutMs,
    stallTimeoutMs: request.stallTimeoutMs,
  };
}
